"""Each operator. A request's values are in its encryption context, which may be any text, and in
CreateGrant's list of operations, which may hold several."""

from typing import Any

import pytest

from kmslab.kms.access import key_policy
from kmslab.kms.access.conditions import OPERATORS
from kmslab.kms.contract.errors import EXCEPTIONS
from tests.cases import for_every
from tests.kms.access.world import ALICE, allowed, denied, holds, named, policy, statement

KEY = "kms:EncryptionContext:it"
MANY = "kms:GrantOperations"


def met(operator: str, wanted: Any, found: str | None) -> bool:
    context = {} if found is None else {"it": found}
    return holds(operator, KEY, wanted, request={"EncryptionContext": context})


def met_by_many(operator: str, wanted: Any, *found: str) -> bool:
    request = {"Operations": [*found]} if found else {}
    return holds(operator, MANY, wanted, operation="CreateGrant", request=request)


IP4, IP6 = "203.0.113.0/24", "2001:DB8:1234:5678::/64"
BUCKET, BUCKETS = "arn:aws:s3:::ledger", "arn:aws:s3:::*"

# (operator, what the policy has, what the request has, whether it holds)
CASES: list[tuple[str, Any, str, bool]] = [
    ("StringEquals", "17", "17", True),
    ("StringEquals", "17", "18", False),
    ("StringEquals", ["16", "17"], "17", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", "1*", "17", False),
    ("StringEquals", "1*", "1*", True),
    ("StringEquals", "", "17", False),
    ("StringEqualsIgnoreCase", "ÄrzTe", "äRZtE", True),
    ("StringEqualsIgnoreCase", "a*", "ab", False),
    ("StringLike", "1*", "17", True),
    ("StringLike", "1?", "17", True),
    ("StringLike", "1?", "1", False),
    ("StringLike", "?", "", False),
    ("StringLike", "*", "", True),
    ("StringLike", "*", "\x00\n\u2028", True),
    ("StringLike", "a*b*c", "a-b-b-c-c", True),
    ("StringLike", "a*b*c", "a-c-b", False),
    ("StringLike", "A*", "ab", False),
    ("StringLike", "[a-z]", "b", False),
    ("StringLike", ".+", "ab", False),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", 10, "1e1", True),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericGreaterThan", "9", "10", True),
    ("NumericGreaterThan", "-1", "-2", False),
    ("NumericGreaterThanEquals", "9.5", "9.5", True),
    ("NumericEquals", "90071992547409930", "90071992547409931", False),
    ("NumericEquals", "10", "ten", False),
    ("NumericLessThan", "10", "nan", False),
    ("NumericLessThan", "10", "１", False),
    ("DateEquals", "2026-05-01T00:00:00Z", "2026-05-01", True),
    ("DateEquals", "2026-05-01T02:00:00+02:00", "2026-05-01T00:00:00Z", True),
    ("DateEquals", "1777593600", "2026-05-01T00:00:00Z", True),
    ("DateLessThan", "2026-05-01T00:00:00Z", "2026-04-30T23:59:59Z", True),
    ("DateLessThanEquals", "2026-05-01", "2026-05-01", True),
    ("DateGreaterThan", "2026-05-01", "2026-05-01", False),
    ("DateGreaterThanEquals", "2026-05-01", "2026-05-02T12:00:00Z", True),
    ("DateGreaterThan", "2026-05-01", "tomorrow", False),
    ("Bool", "true", "true", True),
    ("Bool", True, "TRUE", True),
    ("Bool", "false", "true", False),
    ("Bool", "true", "yes", False),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ6", False),
    ("BinaryEquals", "QmluYXJ5", "Binary", False),
    ("IpAddress", IP4, "203.0.113.7", True),
    ("IpAddress", IP4, "203.0.114.7", False),
    ("IpAddress", "203.0.113.7", "203.0.113.7", True),
    ("IpAddress", "203.0.113.7/24", "203.0.113.200", True),
    ("IpAddress", IP6, "2001:db8:1234:5678::1", True),
    ("IpAddress", IP6, "203.0.113.7", False),
    ("IpAddress", IP4, "not an address", False),
    ("ArnEquals", BUCKETS, BUCKET, True),  # as ArnLike, says the user guide
    ("ArnLike", BUCKETS, BUCKET, True),
    ("ArnLike", "arn:aws:s3:*:*:ledger", BUCKET, True),
    ("ArnLike", "arn:aws:*:ledger", BUCKET, False),  # field by field
    ("ArnLike", "arn:aws:sns:*:*:a:b*", "arn:aws:sns:us-east-1:1:a:bc", True),
    ("ArnLike", "arn:aws:s?:::ledger", BUCKET, True),
    ("ArnLike", BUCKET, BUCKET.upper(), False),
    ("ArnLike", BUCKETS, "ledger", False),
]


@for_every(("operator", "wanted", "found", "fits"), CASES)
def test_operator_compares(operator: str, wanted: Any, found: str, fits: bool) -> None:
    assert met(operator, wanted, found) is fits


OPPOSITES = {name.replace("Not", ""): name for name in OPERATORS if OPERATORS[name].negated}


@for_every(
    ("operator", "wanted", "found", "fits"), [case for case in CASES if case[0] in OPPOSITES]
)
def test_negated_operator_says_the_opposite(
    operator: str, wanted: Any, found: str, fits: bool
) -> None:
    assert met(OPPOSITES[operator], wanted, found) is not fits


def test_every_operator_is_tested_here() -> None:
    assert {case[0] for case in CASES} | set(OPPOSITES.values()) | {"Null"} == set(OPERATORS)


def test_negated_operator_needs_all_values_to_differ() -> None:
    assert not met("StringNotEquals", ["16", "17"], "17")
    assert met("StringNotEquals", ["16", "17"], "18")


# ------------------------------------------------------------------------ what is missing

SAMPLE = {"Date": "2026-05-01", "Numeric": "1", "Bool": "true", "Ip": IP4, "NotIp": IP4}


def sample(operator: str) -> str:
    return next((v for name, v in SAMPLE.items() if operator.startswith(name)), "YQ==")


@for_every("operator", sorted(OPERATORS.keys() - {"Null"}))
def test_plain_operator_fails_without_the_key_and_negated_one_holds(operator: str) -> None:
    assert met(operator, sample(operator), None) is OPERATORS[operator].negated
    assert met(f"{operator}IfExists", sample(operator), None)
    assert met(f"ForAllValues:{operator}", sample(operator), None)
    assert not met(f"ForAnyValue:{operator}", sample(operator), None)
    assert met(f"ForAnyValue:{operator}IfExists", sample(operator), None)


def test_if_exists_compares_only_existing_keys() -> None:
    assert met("StringEqualsIfExists", "17", "17")
    assert not met("StringEqualsIfExists", "17", "18")


def test_null_asks_whether_a_key_is_missing() -> None:
    assert met("Null", "true", None)
    assert not met("Null", "true", "17")
    assert met("Null", "false", "17")
    assert not met("Null", False, None)


def test_empty_condition_holds() -> None:
    assert allowed(ALICE, key_policy=policy(statement(Principal="*", Condition={})))


def test_all_conditions_must_hold() -> None:
    both = {"StringEquals": {KEY: "17", "kms:EncryptionContext:of": "me"}, "Null": {MANY: "true"}}
    written = policy(statement(Principal="*", Condition=both))
    whole = {"it": "17", "of": "me"}
    assert allowed(ALICE, key_policy=written, request={"EncryptionContext": whole})
    assert not allowed(ALICE, key_policy=written, request={"EncryptionContext": {"it": "17"}})


def test_deny_does_not_apply_if_its_condition_fails() -> None:
    written = policy(named("*"), denied(Principal="*", Condition={"StringEquals": {KEY: "17"}}))
    assert allowed(ALICE, key_policy=written, request={"EncryptionContext": {"it": "18"}})
    assert not allowed(ALICE, key_policy=written, request={"EncryptionContext": {"it": "17"}})


# ------------------------------------------------------------------------- several values


@for_every(
    ("operator", "wanted", "found", "fits"),
    [
        ("ForAnyValue:StringEquals", ["A", "B"], ["B", "C"], True),
        ("ForAnyValue:StringEquals", ["A", "B"], ["C"], False),
        ("ForAllValues:StringEquals", ["A", "B"], ["B"], True),
        ("ForAllValues:StringEquals", ["A", "B"], ["B", "C"], False),
        ("ForAllValues:StringLike", ["A*"], ["AB", "AC"], True),
        ("ForAnyValue:StringNotEquals", ["A", "B"], ["A", "C"], True),
        ("ForAnyValue:StringNotEquals", ["A", "B"], ["A", "B"], False),
        ("ForAllValues:StringNotEquals", ["A", "B"], ["C", "D"], True),
        ("ForAllValues:StringNotEquals", ["A", "B"], ["B", "C"], False),
        # Without a set operator one value is enough, and for a negated operator one too many.
        ("StringEquals", ["A"], ["A", "C"], True),
        ("StringNotEquals", ["A"], ["A", "C"], False),
        ("StringNotEquals", ["A"], ["B", "C"], True),
    ],
)
def test_set_operators_ask_about_every_value_or_any(
    operator: str, wanted: list[str], found: list[str], fits: bool
) -> None:
    assert met_by_many(operator, wanted, *found) is fits


# ------------------------------------------------------------------------ what is refused


@for_every(
    ("operator", "wanted"),
    [
        ("StringIs", "17"),
        ("stringequals", "17"),
        ("StringEqualsifexists", "17"),
        ("NullIfExists", "true"),
        ("ForSomeValues:StringEquals", "17"),
        ("ForAllValues:ForAnyValue:StringEquals", "17"),
        ("ForAllValues:", "17"),
        ("", "17"),
        ("NumericEquals", "ten"),
        ("NumericEquals", "1e9999"),
        ("NumericEquals", "0x10"),
        ("NumericEquals", "inf"),
        ("NumericEquals", "${aws:username}"),
        ("DateLessThan", "yesterday"),
        ("Bool", "maybe"),
        ("BinaryEquals", "not base64!"),
        ("BinaryEquals", "ä"),
        ("IpAddress", "300.1.2.3"),
        ("IpAddress", "203.0.113.0/33"),
        ("Null", "17"),
        ("StringEquals", None),
        ("StringEquals", [["17"]]),
        ("StringEquals", {"a": "b"}),
    ],
)
def test_unknown_operator_or_unreadable_value_is_refused(operator: str, wanted: Any) -> None:
    with pytest.raises(EXCEPTIONS["MalformedPolicyDocumentException"]):
        key_policy(policy(statement(Principal="*", Condition={operator: {KEY: wanted}})))
