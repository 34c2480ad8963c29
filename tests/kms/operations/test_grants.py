"""Grants: permissions on one key for one grantee, created, used, listed, retired and revoked."""

import json
from dataclasses import replace
from typing import Any

import pytest

from kmslab import CMK, Lab
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.view import View

SUBSET, EQUALS = "EncryptionContextSubset", "EncryptionContextEquals"


@pytest.fixture
def cmk(lab: Lab) -> CMK:
    return lab.create_cmk("orders")


@pytest.fixture
def alice(lab: Lab) -> View:
    """A user that no policy allows anything."""
    return lab.user("alice")


def arn(view: View) -> str:
    return view.caller.principal


def denied(call: Any, *arguments: Any, **members: Any) -> str:
    with pytest.raises(Exception, match="not authorized") as caught:
        call(*arguments, **members)
    assert caught.value.code == "AccessDeniedException"
    return str(caught.value)


# -------------------------------------------------------------------------------------------- using


def test_grant_allows_what_no_policy_allows(lab: Lab, cmk: CMK, alice: View) -> None:
    blob = cmk.encrypt(b"x")
    before = denied(alice.kms.decrypt, CiphertextBlob=blob, KeyId=cmk.arn)
    assert before.endswith("because no identity-based policy allows the kms:Decrypt action")
    grant = cmk.grant(arn(alice), "Decrypt")
    assert alice.decrypt(blob) == b"x"
    denied(alice.kms.encrypt, KeyId=cmk.arn, Plaintext=b"x")
    cmk.revoke(grant)
    denied(alice.kms.decrypt, CiphertextBlob=blob, KeyId=cmk.arn)


def test_grant_for_a_role_allows_its_sessions(lab: Lab, cmk: CMK) -> None:
    session = lab.role("auditor")
    cmk.grant("arn:aws:iam::111122223333:role/auditor", "DescribeKey")
    assert session.cmk(cmk.arn).state == "Enabled"
    denied(lab.role("janitor").cmk, cmk.arn)


def test_grant_crosses_accounts_with_iam_on_the_other_side(lab: Lab, cmk: CMK) -> None:
    there = lab.account("444455556666")
    bob = there.user("bob")
    cmk.grant(arn(bob), "Encrypt")
    text = denied(bob.kms.encrypt, KeyId=cmk.arn, Plaintext=b"x")
    assert "no identity-based policy" in text
    bob = there.user("bob", allow("kms:Encrypt", resource=cmk.arn))
    assert bob.kms.encrypt(KeyId=cmk.arn, Plaintext=b"x")["KeyId"] == cmk.arn


@pytest.mark.parametrize(
    ("kind", "context", "opens"),
    [
        ("EncryptionContextSubset", {"room": "7", "bed": "1"}, True),
        ("EncryptionContextSubset", {"room": "7"}, True),
        ("EncryptionContextSubset", {"ROOM": "7"}, True),  # keys in any case
        ("EncryptionContextSubset", {"room": "8"}, False),
        ("EncryptionContextSubset", {}, False),
        ("EncryptionContextEquals", {"room": "7"}, True),
        ("EncryptionContextEquals", {"room": "7", "bed": "1"}, False),
    ],
)
def test_constraint_requires_the_context(
    lab: Lab, cmk: CMK, alice: View, kind: str, context: dict[str, str], opens: bool
) -> None:
    lab.kms.create_grant(
        KeyId=cmk.arn,
        GranteePrincipal=arn(alice),
        Operations=["Encrypt", "DescribeKey"],
        Constraints={kind: {"room": "7"}},
    )
    request = {"KeyId": cmk.arn, "Plaintext": b"x", "EncryptionContext": context}
    if opens:
        alice.kms.encrypt(**request)
    else:
        denied(alice.kms.encrypt, **request)
    assert alice.kms.describe_key(KeyId=cmk.arn), "DescribeKey has no context to be constrained"


def test_grant_made_through_a_grant_allows_no_more_than_it(lab: Lab, cmk: CMK, alice: View) -> None:
    lab.kms.create_grant(
        KeyId=cmk.arn,
        GranteePrincipal=arn(alice),
        Operations=["CreateGrant", "Decrypt"],
        Constraints={SUBSET: {"room": "7"}},
    )
    bob = arn(lab.user("bob"))
    child: dict[str, Any] = {
        "KeyId": cmk.arn,
        "GranteePrincipal": bob,
        "Operations": ["Decrypt"],
        "Constraints": {SUBSET: {"room": "7"}},
    }
    denied(alice.kms.create_grant, **{**child, "Operations": ["Encrypt"]})
    denied(alice.kms.create_grant, **{**child, "Constraints": {SUBSET: {"bed": "1"}}})
    del child["Constraints"]
    denied(alice.kms.create_grant, **child)
    child["Constraints"] = {"EncryptionContextEquals": {"room": "7", "bed": "1"}}  # stricter
    assert alice.kms.create_grant(**child)["GrantId"]


# ----------------------------------------------------------------------------- creating and listing


def test_same_request_with_the_same_name_returns_the_same_grant_with_a_new_token(
    lab: Lab, alice: View
) -> None:
    key = lab.create_cmk().arn
    terms = {"KeyId": key, "GranteePrincipal": arn(alice), "Operations": ["Decrypt"]}
    one = lab.kms.create_grant(**terms, Name="nightly")
    two = lab.kms.create_grant(**terms, Name="nightly")
    assert one["GrantId"] == two["GrantId"]
    assert one["GrantToken"] != two["GrantToken"]
    assert lab.kms.create_grant(**terms)["GrantId"] != lab.kms.create_grant(**terms)["GrantId"]
    assert len(lab.kms.list_grants(KeyId=key)["Grants"]) == 3


def test_list_shows_the_terms_of_each_grant(lab: Lab, cmk: CMK, alice: View) -> None:
    terms = {
        "KeyId": cmk.arn,
        "GranteePrincipal": arn(alice),
        "RetiringPrincipal": arn(lab),
        "Operations": ["Encrypt", "Decrypt"],
        "Constraints": {SUBSET: {"room": "7"}},
    }
    grant_id = lab.kms.create_grant(**terms)["GrantId"]
    cmk.grant(arn(lab), "Encrypt")
    (shown,) = lab.kms.list_grants(KeyId=cmk.arn, GranteePrincipal=arn(alice))["Grants"]
    assert shown == terms | {
        "GrantId": grant_id,
        "Name": "",
        "CreationDate": lab.clock.now(),
        "IssuingAccount": "arn:aws:iam::111122223333:root",
    }
    assert lab.kms.list_grants(KeyId=cmk.arn, GrantId=grant_id)["Grants"] == [shown]
    assert lab.kms.list_retirable_grants(RetiringPrincipal=arn(lab))["Grants"] == [shown]
    assert lab.kms.list_retirable_grants(RetiringPrincipal=arn(alice))["Grants"] == []
    assert "room" in repr(cmk.grants)


def test_retirable_grants_are_listed_only_for_the_retiring_principals_account(
    lab: Lab, cmk: CMK, alice: View, refused: Any
) -> None:
    terms = {"KeyId": cmk.arn, "GranteePrincipal": arn(alice), "Operations": ["Decrypt"]}
    stranger = lab.account("444455556666")
    bob = arn(stranger.user("bob"))
    for retiring in (arn(alice), bob):
        lab.kms.create_grant(**terms, RetiringPrincipal=retiring)
    (theirs,) = stranger.kms.list_retirable_grants(RetiringPrincipal=bob)["Grants"]
    assert theirs["KeyId"] == cmk.arn  # a key of another account
    with refused("InvalidArnException", f"ARN {arn(alice)} does not refer to a valid principal."):
        stranger.kms.list_retirable_grants(RetiringPrincipal=arn(alice))
    lab.table("ledger", cmk)
    service = {"RetiringServicePrincipal": "dynamodb.amazonaws.com"}
    assert len(lab.kms.list_retirable_grants(**service)["Grants"]) == 1
    assert stranger.kms.list_retirable_grants(**service)["Grants"] == []


def test_grants_come_in_pages(lab: Lab, cmk: CMK, alice: View) -> None:
    ids = {cmk.grant(arn(alice), "Decrypt") for _ in range(5)}
    pages, marker = [], None
    while True:
        page = lab.kms.list_grants(KeyId=cmk.arn, Limit=2, Marker=marker)
        pages.append([grant["GrantId"] for grant in page["Grants"]])
        if not page["Truncated"]:
            break
        marker = page["NextMarker"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {each for page in pages for each in page} == ids


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"GranteePrincipal": None}, "ValidationException"),
        ({"GranteePrincipal": "alice"}, "InvalidArnException"),
        ({"GranteePrincipal": "arn:aws:s3:::bucket"}, "InvalidArnException"),
        ({"GranteePrincipal": "arn:aws:iam::111122223333:user/nobody"}, "InvalidArnException"),
        ({"RetiringPrincipal": "arn:aws:iam::111122223333:user/nobody"}, "InvalidArnException"),
        ({"Operations": ["Sign"]}, "ValidationException"),
        ({"Operations": ["DisableKey"]}, "ValidationException"),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "ValidationException"),
        ({"GrantTokens": ["forged"]}, "InvalidGrantTokenException"),
        ({"Constraints": {SUBSET: {str(n): "" for n in range(9)}}}, "ValidationException"),
        ({"Constraints": {SUBSET: {"a": "x" * 385}}}, "ValidationException"),
        ({"Constraints": {SUBSET: {"a": "b"}, EQUALS: {"a": "b"}}}, "ValidationException"),
        ({"Constraints": {SUBSET: {"a": "b"}, EQUALS: {}}}, "ValidationException"),
    ],
    ids=str,
)
def test_invalid_grant_is_refused(
    lab: Lab, cmk: CMK, alice: View, change: dict[str, Any], code: str
) -> None:
    terms = {"KeyId": cmk.arn, "GranteePrincipal": arn(alice), "Operations": ["Decrypt"]}
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the code is what is claimed
        lab.kms.create_grant(**terms | change)
    assert caught.value.code == code
    assert lab.kms.list_grants(KeyId=cmk.arn)["Grants"] == []


@pytest.mark.parametrize("kind", [SUBSET, EQUALS])
def test_constraint_without_a_pair_is_none(lab: Lab, cmk: CMK, alice: View, kind: str) -> None:
    """Source: the API reference of AWS IAM Access Analyzer, KmsGrantConstraints."""
    document = json.loads(lab.kms.get_key_policy(KeyId=cmk.arn)["Policy"])
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": arn(alice)},
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:GrantConstraintType": kind}},
        }
    )
    lab.kms.put_key_policy(KeyId=cmk.arn, Policy=json.dumps(document))
    bob = lab.user("bob")
    terms = {"KeyId": cmk.arn, "GranteePrincipal": arn(bob), "Operations": ["Encrypt"]}
    denied(alice.kms.create_grant, **terms, Constraints={kind: {}})
    assert alice.kms.create_grant(**terms, Constraints={kind: {"a": "b"}})
    grant = lab.kms.create_grant(**terms, Constraints={kind: {}})["GrantId"]
    assert "Constraints" not in lab.kms.list_grants(KeyId=cmk.arn, GrantId=grant)["Grants"][0]
    assert bob.kms.encrypt(KeyId=cmk.arn, Plaintext=b"x", EncryptionContext={"c": "d"})


def test_context_constrains_only_symmetric_keys(lab: Lab, alice: View) -> None:
    key = lab.create_cmk(spec="RSA_2048", usage="ENCRYPT_DECRYPT")
    with pytest.raises(lab.kms.exceptions.ValidationException):
        key.grant(arn(alice), "Encrypt", context={"a": "1"})
    assert key.grant(arn(alice), "Encrypt", "GetPublicKey")


# ---------------------------------------------------------------------------- retiring and revoking


def test_who_retires(lab: Lab, cmk: CMK, alice: View) -> None:
    """The account that created it, its retiring principal, and a grantee that it allows to."""
    key = cmk.arn
    bob, carol = lab.user("bob"), lab.user("carol")
    plain = cmk.grant(arn(alice), "Decrypt")
    denied(alice.kms.retire_grant, KeyId=key, GrantId=plain)
    denied(bob.kms.retire_grant, KeyId=key, GrantId=plain)
    lab.kms.retire_grant(KeyId=key, GrantId=plain)

    own = cmk.grant(arn(alice), "Decrypt", "RetireGrant")
    alice.kms.retire_grant(KeyId=key, GrantId=own)

    named = lab.kms.create_grant(
        KeyId=key,
        GranteePrincipal=arn(alice),
        RetiringPrincipal=arn(carol),
        Operations=["Decrypt"],
    )
    denied(bob.kms.retire_grant, GrantToken=named["GrantToken"])
    carol.kms.retire_grant(GrantToken=named["GrantToken"])
    assert lab.kms.list_grants(KeyId=key)["Grants"] == []


def test_missing_grant_is_refused(lab: Lab, cmk: CMK, alice: View, refused: Any) -> None:
    grant = cmk.grant(arn(alice), "Decrypt")
    for call in (lab.kms.revoke_grant, lab.kms.retire_grant, lab.kms.list_grants):
        for unknown in ("0" * 64, "x"):
            with refused("NotFoundException", f"Grant {unknown} is not found."):
                call(KeyId=cmk.arn, GrantId=unknown)
    with refused("InvalidGrantTokenException", "Invalid grant token."):
        lab.kms.retire_grant(GrantToken="forged")
    with refused("ValidationException", "Please specify either GrantToken, or KeyId and GrantId."):
        lab.kms.retire_grant(KeyId=cmk.arn)
    cmk.revoke(grant)
    for call in (lab.kms.revoke_grant, lab.kms.retire_grant, lab.kms.list_grants):
        with refused("NotFoundException", f"Grant {grant} is not found."):
            call(KeyId=cmk.arn, GrantId=grant)


def test_token_is_of_one_region(lab: Lab, cmk: CMK, alice: View, refused: Any) -> None:
    terms = {"KeyId": cmk.arn, "GranteePrincipal": arn(alice), "Operations": ["Decrypt"]}
    token = lab.kms.create_grant(**terms)["GrantToken"]
    with refused("InvalidGrantTokenException", "Invalid grant token."):
        lab.region("eu-west-1").kms.retire_grant(GrantToken=token)
    assert lab.kms.retire_grant(GrantToken=token) == {}


def test_grants_of_a_deleted_key_are_gone(lab: Lab, cmk: CMK, alice: View) -> None:
    lab.kms.create_grant(
        KeyId=cmk.arn,
        GranteePrincipal=arn(alice),
        RetiringPrincipal=arn(alice),
        Operations=["Decrypt"],
    )
    cmk.schedule_deletion(7)
    lab.clock.advance(days=8)
    assert lab.kms.list_retirable_grants(RetiringPrincipal=arn(alice))["Grants"] == []


def test_trail_shows_the_grant_and_not_its_token(lab: Lab, cmk: CMK, alice: View) -> None:
    answer = lab.kms.create_grant(
        KeyId=cmk.arn, GranteePrincipal=arn(alice), Operations=["Decrypt"]
    )
    lab.kms.retire_grant(GrantToken=answer["GrantToken"])
    made, retired = lab.trail[-2:]
    assert made["responseElements"]["grantId"] == answer["GrantId"]
    assert retired["additionalEventData"] == {"grantId": answer["GrantId"]}
    assert [each["ARN"] for each in retired["resources"]] == [cmk.arn]
    assert answer["GrantToken"] not in str(list(lab.trail))


# -------------------------------------------------------------------------------- among many others


@pytest.fixture
def read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each statement on the table of grants has returned."""
    counted: list[int] = []
    database = lab.service._store._database
    original = database.read

    def count(statement: Any, parameters: Any = None) -> Any:
        rows = original(statement, parameters)
        if '"grant"' in str(statement):
            counted.append(len(rows))
        return rows

    monkeypatch.setattr(database, "read", count)
    return counted


def test_grants_for_others_cost_a_call_nothing(
    lab: Lab, cmk: CMK, alice: View, read: list[int]
) -> None:
    for number in range(120):
        cmk.grant(arn(lab.user(f"other{number}")), "Decrypt")
    mine = cmk.grant(arn(alice), "Decrypt", "CreateGrant")
    blob = cmk.encrypt(b"x")
    terms = {"KeyId": cmk.arn, "GranteePrincipal": arn(alice), "Operations": ["Decrypt"]}
    calls: dict[str, Any] = {
        "Decrypt": lambda: alice.decrypt(blob),
        "CreateGrant": lambda: alice.kms.create_grant(**terms, Name="orders"),
        "the same CreateGrant": lambda: alice.kms.create_grant(**terms, Name="orders"),
        "RevokeGrant": lambda: lab.kms.revoke_grant(KeyId=cmk.arn, GrantId=mine),
        "ListGrants": lambda: lab.kms.list_grants(KeyId=cmk.arn, Limit=3),
        "ListGrants of one": lambda: lab.kms.list_grants(
            KeyId=cmk.arn, GranteePrincipal=arn(alice)
        ),
        "ListRetirableGrants": lambda: lab.kms.list_retirable_grants(RetiringPrincipal=arn(alice)),
    }
    for name, call in calls.items():
        lab.create_cmk()  # after a commit everything is read again
        read.clear()
        call()
        assert (name, sum(read), len(read)) <= (name, 4, 5)


def test_listing_one_grantee_goes_page_by_page(lab: Lab, cmk: CMK, alice: View) -> None:
    own = {cmk.grant(arn(alice), operation) for operation in ("Decrypt", "Encrypt", "DescribeKey")}
    for number in range(5):
        cmk.grant(arn(lab.user(f"other{number}")), "Decrypt")
    listed, marker = [], {}
    while True:
        page = lab.kms.list_grants(KeyId=cmk.arn, GranteePrincipal=arn(alice), Limit=2, **marker)
        listed += [each["GrantId"] for each in page["Grants"]]
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert listed == sorted(own)


SERVICE = "dynamodb.us-east-1.amazonaws.com"


def test_a_service_with_its_region_may_be_grantee_and_retire(lab: Lab, cmk: CMK) -> None:
    """As Amazon DynamoDB's own grants name it."""
    made = lab.kms.create_grant(
        KeyId=cmk.arn,
        GranteePrincipal=SERVICE,
        RetiringPrincipal=SERVICE,
        Operations=["Decrypt", "RetireGrant"],
    )
    [listed] = lab.kms.list_grants(KeyId=cmk.arn, GranteePrincipal=SERVICE)["Grants"]
    assert (listed["GranteePrincipal"], listed["RetiringPrincipal"]) == (SERVICE, SERVICE)
    assert lab.kms.list_retirable_grants(RetiringPrincipal=SERVICE)["Grants"] == [listed]
    stranger = lab.account("444455556666")
    assert stranger.kms.list_retirable_grants(RetiringPrincipal=SERVICE)["Grants"] == []
    blob = cmk.encrypt(b"x")
    for principal, fits in (("dynamodb.amazonaws.com", True), ("s3.amazonaws.com", False)):
        caller = replace(lab.caller, principal=principal, account="000000000000")
        if fits:
            request = {"CiphertextBlob": blob}
            assert lab.service.call("Decrypt", caller, request)["Plaintext"] == b"x"
            lab.service.call("RetireGrant", caller, {"GrantToken": made["GrantToken"]})
        else:
            with pytest.raises(KMSError, match="not authorized"):
                lab.service.call("Decrypt", caller, {"CiphertextBlob": blob})


@pytest.mark.parametrize("wrong", ["dynamodb", "DynamoDB.amazonaws.com", "amazonaws.com", "a.b.c"])
def test_what_is_neither_an_arn_nor_a_service_is_refused(
    lab: Lab, cmk: CMK, refused: Any, wrong: str
) -> None:
    with refused("InvalidArnException", f"ARN {wrong} does not refer to a valid principal."):
        lab.kms.create_grant(KeyId=cmk.arn, GranteePrincipal=wrong, Operations=["Decrypt"])
