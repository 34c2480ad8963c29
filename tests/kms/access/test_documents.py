import json
from collections import UserDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab import Lab
from kmslab.kms import access
from kmslab.kms.access import allow, documents
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.lab import seeding
from tests.cases import for_every
from tests.kms.access.world import (
    ALICE,
    BOB,
    CLERK,
    EVE,
    HERE,
    ROOT,
    SESSION,
    Records,
    allowed,
    named,
    policy,
    statement,
    user,
)

Malformed = EXCEPTIONS["MalformedPolicyDocumentException"]
KEY = policy(named(ALICE))
IAM = policy(statement())


def refusal(parse: Callable[[str], Any], text: str) -> str:
    with pytest.raises(Malformed) as caught:
        parse(text)
    return caught.value.message


def written(**changes: Any) -> str:
    """A document around one statement of a key policy; None leaves out an element."""
    found = {**named(ALICE), **changes}
    return policy({name: value for name, value in found.items() if value is not None})


# -------------------------------------------------------------------------------- accepted


@pytest.mark.parametrize("version", ["2012-10-17", "2008-10-17", None])
def test_version_may_be_either_or_none(version: str | None) -> None:
    document = {"Version": version, "Statement": [named(ALICE)]}
    text = json.dumps({name: value for name, value in document.items() if value})
    assert allowed(ALICE, key_policy=text)


def test_one_statement_need_not_be_in_a_list() -> None:
    assert allowed(ALICE, key_policy=json.dumps({"Statement": named(ALICE)}))


@for_every(
    "changes",
    [
        {"Sid": "With spaces, ärgerlich [even](this)"},
        {"Principal": "*"},
        {
            "Principal": {
                "AWS": HERE,
                "Service": ["s3.amazonaws.com", "ec2.us-east-1.amazonaws.com"],
            }
        },
        {"Principal": {"Federated": "cognito-identity.amazonaws.com"}},
        {"Principal": {"CanonicalUser": "ab" * 32}},
        {"Principal": {"AWS": [ROOT, SESSION, CLERK]}},
        {"Action": None},
        {"Resource": None},
        {"Action": None, "NotAction": "kms:ScheduleKeyDeletion"},
        {"Resource": None, "NotResource": ["arn:aws:kms:*"]},
        {"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": ROOT}},
        {"Condition": {"StringEquals": {"whatever:Key": ["a", "b"]}}},
        {"Condition": {"NumericLessThan": {"kms:RotationPeriodInDays": 365}}},
        {"Condition": {"Bool": {"aws:SecureTransport": True}}},
    ],
)
def test_well_formed_statement_is_accepted(changes: dict[str, Any]) -> None:
    access.key_policy(written(**changes))


def test_principal_that_cannot_call_here_fits_no_caller() -> None:
    """A canonical user id or an identity provider's name is not read as an ARN."""
    assert not allowed(ALICE, key_policy=written(Principal={"Federated": ALICE}))


# --------------------------------------------------------------------------------- refused

NOT_JSON = "The policy is not valid JSON."
SYNTAX = "Syntax errors in policy: "


@for_every(
    ("text", "message"),
    [
        ("", NOT_JSON),
        ("{", NOT_JSON),
        (KEY + "x", NOT_JSON),
        (KEY.replace("kms:*", "kms:*\n"), NOT_JSON),
        ("\ufeff" + KEY, NOT_JSON),
        ('{"Statement": NaN}', NOT_JSON),
        ('{"Statement": -Infinity}', NOT_JSON),
        (KEY.replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'), NOT_JSON),
        (KEY.replace('"Version"', '"Statement": [], "Version"'), NOT_JSON),
        ("[" * 20_000, NOT_JSON),
        ('{"Statement":' * 2_000, NOT_JSON),
        ('{"Statement": ' + "[" * 15_000 + "]" * 15_000 + "}", None),
        ("null", f"{SYNTAX}the document must be an object."),
        ("[]", f"{SYNTAX}the document must be an object."),
        ('"Statement"', f"{SYNTAX}the document must be an object."),
        ("17", f"{SYNTAX}the document must be an object."),
        ("{}", "The policy contains no statement."),
        ('{"Statement": []}', "The policy contains no statement."),
        ('{"Statement": [[]]}', f"{SYNTAX}statement 1 must be an object."),
        ('{"Statement": "all"}', f"{SYNTAX}statement 1 must be an object."),
        ('{"statement": []}', f"{SYNTAX}the document has an unknown member statement."),
        (policy(named(ALICE), version="2012-10-18"), None),
        (KEY.replace('"2012-10-17"', "2012"), f"{SYNTAX}Version must be a string."),
        (KEY.replace('"Version"', '"Id": 7, "Version"'), f"{SYNTAX}Id must be a string."),
        (written(Effect="allow"), f"{SYNTAX}Effect of statement 1 must be Allow or Deny."),
        (written(Effect=None), f"{SYNTAX}Effect of statement 1 must be a string."),
        (written(Effect=["Allow"]), f"{SYNTAX}Effect of statement 1 must be a string."),
        (written(Sid=7), f"{SYNTAX}Sid of statement 1 must be a string."),
        (written(Wish="all"), f"{SYNTAX}statement 1 has an unknown member Wish."),
        (written(Action=7), f"{SYNTAX}Action of statement 1 must be a string."),
        (written(Action={"kms": "*"}), f"{SYNTAX}Action of statement 1 must be a string."),
        (written(Action=[["kms:*"]]), f"{SYNTAX}Action of statement 1 must be a string."),
        (written(Action=[]), "Policy statement must contain actions."),
        (written(Resource=[]), "Policy statement must contain resources."),
        (written(Action="Decrypt"), documents.VENDOR),
        (written(Action="kms:"), documents.VENDOR),
        (written(Action="kms:De crypt"), documents.VENDOR),
        (written(Action="kms:Decrypt\x00"), documents.VENDOR),
        (written(Action="\u212ams:Decrypt"), documents.VENDOR),  # a Kelvin sign is not a K
        (written(Action="kms:${aws:username}"), documents.VENDOR),
        (written(Action="kms:a:b"), documents.VENDOR),
        (written(NotAction="kms:*"), f"{SYNTAX}statement 1 has both Action and NotAction."),
        (written(Resource="key/1"), 'Resource key/1 must be in ARN format or "*".'),
        (written(Resource=""), 'Resource  must be in ARN format or "*".'),
        (written(Principal=None), documents.NO_PRINCIPAL),
        (written(Principal={}), documents.NO_PRINCIPAL),
        (written(Principal={"AWS": []}), documents.NO_PRINCIPAL),
        (written(Principal=ALICE), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": "alice"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": "AIDACKCEVSQ6C2EXAMPLE"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": "1234"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": "１１１１２２２２３３３３"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": ALICE + "\n"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": "s3.amazonaws.com"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"Service": "*"}), documents.INVALID_PRINCIPALS),
        (written(Principal={"AWS": 111122223333}), None),
        (written(Principal={"Everyone": "*"}), None),
        (written(Principal=["*"]), None),
        (written(NotPrincipal={"AWS": BOB}), None),
        (written(Principal=None, NotPrincipal={"AWS": BOB}), None),  # with Allow
        (written(Condition=[]), None),
        (written(Condition={"StringEquals": "17"}), None),
        (written(Condition={"StringEquals": {"": {}}}), None),
    ],
)
def test_malformed_key_policy_is_refused(text: str, message: str | None) -> None:
    found = refusal(access.key_policy, text)
    assert message is None or found == message


@for_every(
    ("elements", "message"),
    [
        ({"Principal": "*"}, "Policy document should not specify a principal."),
        ({"NotPrincipal": {"AWS": BOB}}, "Policy document should not specify a principal."),
        ({"Action": None}, "Policy statement must contain actions."),
        ({"Resource": None}, "Policy statement must contain resources."),
        ({"Sid": "with spaces"}, documents.SIDS),
        ({"Sid": "ä"}, documents.SIDS),
    ],
)
def test_malformed_iam_policy_is_refused(elements: dict[str, Any], message: str) -> None:
    found = {name: value for name, value in statement(**elements).items() if value is not None}
    assert refusal(access.identity_policy, policy(found)) == message


def test_statement_ids_repeat_in_key_policies_only() -> None:
    twice = [statement(Sid="same"), statement(Sid="same")]
    assert refusal(access.identity_policy, policy(*twice)) == documents.TWICE
    access.key_policy(policy(*[{**each, "Principal": "*"} for each in twice]))


def test_document_longer_than_32_kilobytes_is_refused() -> None:
    room = documents.MAX_POLICY_BYTES - len(written(Sid=""))
    access.key_policy(written(Sid="x" * room))
    for sid in ("x" * (room + 1), "ä" * (room // 6 + 1)):
        with pytest.raises(EXCEPTIONS["LimitExceededException"]):
            access.key_policy(written(Sid=sid))


# --------------------------------------------------------------------- existing principals


def test_principals_of_a_key_policy_must_exist() -> None:
    records = Records(user(ALICE, ""), user(CLERK, ""))
    for known in (ALICE, CLERK, ROOT, HERE, "*", SESSION):
        assert access.check_key_policy(written(Principal={"AWS": known}), records)
    unknown = written(Principal={"AWS": [ALICE, BOB]})
    with pytest.raises(Malformed, match="one or more invalid principals"):
        access.check_key_policy(unknown, records)


@pytest.mark.parametrize(
    "principal", [EVE + "*", f"arn:aws:iam::{HERE}:group/all", f"arn:aws:sts::{HERE}:user/x"]
)
def test_other_texts_are_not_existing_principals(principal: str) -> None:
    with pytest.raises(Malformed, match="one or more invalid principals"):
        access.check_key_policy(written(Principal={"AWS": principal}), Records())


# ---------------------------------------------------------------------------- under attack

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("kms:*"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*documents.ELEMENTS, "Statement", "Version", "AWS", "StringLike"])
            | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(junk, st.booleans())
def test_any_json_is_parsed_or_refused(document: Any, of_key: bool) -> None:
    parse = access.key_policy if of_key else access.identity_policy
    for each in (document, {"Statement": document}, {"Statement": [statement(Condition=document)]}):
        try:
            parse(json.dumps(each))
        except Malformed:
            continue


@for_every(
    "resource",
    [
        "arn:" + "a*" * 8_000,
        "arn:" + "*" * 16_000,
        "arn:" + "?" * 16_000,
        "arn:*" + "a" * 8_000 + "*b",
        "arn:" + "*a?" * 5_000 + "b",
        "arn:" + "${" * 8_000,
        "arn:" + "${aws:username," * 1_000,
        "arn:" + "${aws:username, '" * 900,
        "arn:" + "${aws:username}" * 1_000,
    ],
)
def test_every_pattern_is_matched_before_long(resource: str) -> None:
    """Otherwise neither parsing nor matching would end before pytest gives the test up."""
    context = {"it": "arn:" + "a" * 8_000}
    condition = {"StringLike": {"kms:EncryptionContext:it": resource}}
    written = policy(statement(Principal="*", Resource="*", Condition=condition))
    allowed(ALICE, key_policy=written, request={"EncryptionContext": context})


def test_iam_policy_is_no_longer_than_iam_takes(lab: Lab, tmp_path: Path) -> None:
    """White space does not count; every bound of a policy's length bounds what a call costs."""
    keys = [f"arn:aws:kms:us-east-1:{HERE}:key/{number:04}" for number in range(300)]
    long, spaced = allow("kms:Encrypt"), json.dumps(allow("kms:Encrypt"), indent=600)
    long["Statement"][0]["Resource"] = keys
    assert lab.user("alice", spaced).caller.is_root is False
    quota = "Cannot exceed quota for PolicySize: 10240"
    for make in (lab.user, lab.role):
        with pytest.raises(KMSError, match=quota) as caught:
            make("bob", long)
        assert caught.value.code == "LimitExceededException"
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"users": {"bob": {"policy": long}}}))
    with pytest.raises(seeding.SeedError, match=quota):
        lab.seed(seed)


def test_refused_policy_is_quoted_in_part() -> None:
    for wrong in ({"x" * 30_000: 1}, {"Statement": statement(Resource="x" * 30_000)}):
        with pytest.raises(Malformed) as caught:
            access.key_policy(json.dumps(wrong))
        assert len(str(caught.value)) < 600


class Counted(UserDict[str, str]):
    """A context that counts how often it is gone through."""

    searched = 0

    def __iter__(self) -> Iterator[str]:
        self.searched += 1
        return super().__iter__()


def test_a_policy_searches_a_request_once() -> None:
    """However many of its conditions ask for pairs of a context that has thousands."""
    context = Counted({str(number): "x" for number in range(1_000)})
    asked = {f"kms:EncryptionContext:{number}": "x" for number in range(300)}
    written = policy(statement(Principal="*", Condition={"StringEquals": asked}))
    request = {"EncryptionContext": context}
    assert allowed(ALICE, key_policy=written, request=request, memo={})
    assert context.searched == 1
