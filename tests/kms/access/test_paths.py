"""Users and roles with a path: a session's ARN lacks it, and the role is found all the same."""

from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.kms.access import allow
from kmslab.kms.access.principals import user_id
from kmslab.kms.contract.errors import KMSError

SCALING = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
SSO = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
ROLES = "arn:aws:iam::111122223333:role/"
both = pytest.mark.parametrize("role", [SCALING, SSO])


@both
def test_policy_and_grant_name_a_role_with_its_path(lab: Lab, role: str) -> None:
    session = lab.role(role)
    name = role.rpartition("/")[2]
    assert session.caller.principal == f"arn:aws:sts::111122223333:assumed-role/{name}/lab"
    key, other = lab.create_cmk(), lab.create_cmk()
    statement = {"Effect": "Allow", "Principal": {"AWS": ROLES + role}, "Action": "kms:Encrypt"}
    own = key.policy["Statement"]
    key.put_policy(key.policy | {"Statement": [*own, statement | {"Resource": "*"}]})
    other.grant(ROLES + role, "Encrypt")
    for each in (key, other):
        assert session.kms.encrypt(KeyId=each.arn, Plaintext=b"x")["KeyId"] == each.arn
    with pytest.raises(KMSError) as caught:
        session.kms.decrypt(KeyId=key.arn, CiphertextBlob=key.encrypt(b"x"))
    assert role in "".join(repr(caught.value.explain()).split())


@both
def test_policy_of_a_role_with_a_path_counts(lab: Lab, role: str) -> None:
    key = lab.create_cmk()
    condition = {"ArnEquals": {"aws:PrincipalArn": ROLES + role}}
    session = lab.role(role, allow("kms:Encrypt", condition=condition))
    session.kms.encrypt(KeyId=key.arn, Plaintext=b"x")
    again = lab.role(role.rpartition("/")[2], session="again")  # AWS's STS knows no path either
    again.kms.encrypt(KeyId=key.arn, Plaintext=b"x")


def test_name_is_unique_whatever_its_path(lab: Lab) -> None:
    lab.role("staff/clerk")
    with pytest.raises(ValueError, match="role/staff/clerk has this name already"):
        lab.role("guests/clerk")
    assert lab.user("guests/clerk").caller.principal.endswith(":user/guests/clerk")


@pytest.mark.parametrize("name", ["clerk", "guests/clerk"])
def test_role_is_not_named_by_another_path(lab: Lab, name: str) -> None:
    lab.role("staff/clerk")
    with pytest.raises(KMSError, match="does not refer to a valid principal"):
        lab.create_cmk().grant(ROLES + name, "Encrypt")


def test_user_with_a_path_has_a_policy_and_a_name(lab: Lab) -> None:
    key = lab.create_cmk()
    condition = {"StringEquals": {"aws:username": "alice"}}
    alice = lab.user("staff/alice", allow("kms:Encrypt", condition=condition))
    alice.kms.encrypt(KeyId=key.arn, Plaintext=b"x")
    assert lab.trail[-1]["userIdentity"]["userName"] == "alice"
    assert lab.user("alice").caller == alice.caller


@pytest.mark.parametrize("name", ["/clerk", "staff//clerk", "a/", "a" * 511 + "/clerk", "a b/c"])
def test_path_that_iam_refuses_is_refused(lab: Lab, name: str) -> None:
    with pytest.raises(ValueError, match="is not a user name"):
        lab.role(name)


def test_seed_declares_users_and_roles_with_paths(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(
        f"""
roles:
  {SSO}:
    policy:
      Version: "2012-10-17"
      Statement: [{{Effect: Allow, Action: "kms:*", Resource: "*"}}]
    access_keys: [{{id: AKIDEXAMPLE, secret: secret}}]
keys: [{{alias: orders}}]
"""
    )
    with Lab.from_seed(file) as lab:
        key = lab.iam.access_keys.find("AKIDEXAMPLE")
        name = SSO.rpartition("/")[2]
        assert key
        assert key.principal == f"arn:aws:sts::111122223333:assumed-role/{name}/seed"
        assert lab.role(SSO, session="seed").cmk("alias/orders").state == "Enabled"


def test_user_id_is_in_every_request(lab: Lab) -> None:
    """Of a root user it is the account's number, of a session the role's id with its name."""
    key, ids = lab.create_cmk(), set()
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    for caller in (lab, lab.user("alice"), lab.role(SSO), lab.role("clerk", session="monday")):
        own = user_id(caller.caller.principal)
        for operator, wanted in (("StringNotEquals", own), ("Null", "true")):
            condition = {"Condition": {operator: {"aws:userid": wanted}}}
            deny = everybody | {"Effect": "Deny", "Action": "kms:Encrypt"} | condition
            key.put_policy({"Version": "2012-10-17", "Statement": [everybody, deny]})
            caller.kms.encrypt(KeyId=key.arn, Plaintext=b"x")
        ids.add(own)
    assert "111122223333" in ids
    assert {each[:4] + each[21:] for each in ids} == {"1111", "AIDA", "AROA:lab", "AROA:monday"}
