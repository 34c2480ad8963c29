"""`explain` decides before a call as the call itself does, and leaves no event."""

import pytest

from kmslab import Lab
from kmslab.course import outcome
from kmslab.errors import AccessDeniedException, MalformedPolicyDocumentException, NotFoundException
from kmslab.kms.access import allow

ABOUT = {"record": "R-017"}


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


def statement(who, *actions):
    principal = {"AWS": who.caller.principal}
    return {"Effect": "Allow", "Principal": principal, "Action": [*actions], "Resource": "*"}


@pytest.mark.parametrize("policy", [None, allow("kms:Decrypt"), allow("kms:Encrypt")])
@pytest.mark.parametrize("context", [None, ABOUT])
def test_inquiry_and_call_agree(lab, policy, context):
    key, alice = lab.create_cmk("records"), lab.user("alice", policy)
    blob = key.encrypt(b"1", context)
    said = alice.explain("kms:Decrypt", key, context)
    answer = outcome(alice.decrypt, blob, context)
    assert said.verdict.allowed == (answer == "ok")


def test_inquiry_says_what_the_refusal_says(lab):
    key, alice = lab.create_cmk("records"), lab.user("alice")
    with pytest.raises(AccessDeniedException) as refused:
        key.lab.user("alice").kms.disable_key(KeyId=key.id)
    assert str(alice.explain("kms:DisableKey", key)) == str(refused.value.explain())


def test_context_and_the_algorithms_default_count_as_in_the_call(lab):
    key, alice = lab.create_cmk(), lab.user("alice")
    condition = {
        "StringEquals": {
            "kms:EncryptionContext:record": "R-017",
            "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }
    }
    for_one = statement(alice, "kms:Decrypt") | {"Condition": condition}
    key.put_policy({"Version": "2012-10-17", "Statement": [statement(lab, "kms:*"), for_one]})
    assert alice.explain("kms:Decrypt", key, ABOUT).verdict.allowed
    assert not alice.explain("kms:Decrypt", key, {"record": "R-018"}).verdict.allowed
    assert not alice.explain("kms:Decrypt", key).verdict.allowed


def test_key_may_be_named_in_each_way_and_left_out_where_there_is_none(lab):
    key = lab.create_cmk("records")
    for name in (key, key.id, key.arn, "alias/records"):
        assert lab.explain("kms:Decrypt", name).verdict.allowed
    assert lab.explain("kms:CreateKey").verdict.allowed
    assert not lab.user("alice").explain("kms:CreateKey").verdict.allowed


def test_grant_with_a_name_is_shown_by_it(lab):
    key, alice = lab.create_cmk(), lab.user("alice")
    key.grant(alice.caller.principal, "Decrypt", name="for-alice")
    assert 'because a grant allows it (grant "for-alice")' in str(alice.explain("kms:Decrypt", key))


def test_permission_that_other_accounts_cannot_have_stays_at_home(lab):
    key, busan = lab.create_cmk(), lab.account("444455556666")
    key.put_policy(
        {"Version": "2012-10-17", "Statement": [statement(each, "kms:*") for each in (lab, busan)]}
    )
    assert busan.explain("kms:Decrypt", key).verdict.allowed
    assert not busan.explain("kms:PutKeyPolicy", key).verdict.allowed


def test_asking_is_not_logged(lab):
    key = lab.create_cmk()
    before = len(lab.trail)
    lab.user("alice").explain("kms:Decrypt", key)
    assert len(lab.trail) == before


def test_unknown_action_and_unknown_key_are_said_to_be_unknown(lab):
    with pytest.raises(ValueError, match="'Decrypt' is not a permission"):
        lab.explain("Decrypt", lab.create_cmk())
    with pytest.raises(NotFoundException):
        lab.explain("kms:Decrypt", "alias/nobody")


def test_a_policy_that_locks_its_author_out_explains_itself(lab):
    key, alice = lab.create_cmk(), lab.user("alice")
    with pytest.raises(MalformedPolicyDocumentException) as refused:
        key.put_policy({"Version": "2012-10-17", "Statement": [statement(alice, "kms:*")]})
    assert "root may not call kms:PutKeyPolicy" in str(refused.value.explain())
