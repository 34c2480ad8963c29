from typing import Any

import pytest

from kmslab.kms import access
from kmslab.kms.access import Reason
from kmslab.kms.contract.records import Grant
from tests.cases import for_every
from tests.kms.access.world import (
    ALICE,
    BOB,
    CLERK,
    CLOSED,
    EVE,
    EVERYTHING,
    HERE,
    NEIGHBOUR,
    ROOT,
    SESSION,
    TABLES,
    allowed,
    ask,
    because,
    denied,
    grant,
    policy,
)

TABLE = f"arn:aws:dynamodb:us-east-1:{HERE}:table/ledger"


def by_grant(principal: str, operation: str = "Decrypt", *grants: Grant, **about: Any) -> bool:
    return allowed(principal, operation, key_policy=CLOSED, grants=grants, **about)


def context(**pairs: str) -> dict[str, Any]:
    return {"EncryptionContext": pairs}


# ------------------------------------------------------------------------------- grantees


@pytest.mark.parametrize(
    ("caller", "grantee"),
    [(ALICE, ALICE), (SESSION, SESSION), (SESSION, CLERK), (TABLES, TABLES), (ROOT, ROOT)],
)
def test_grant_allows_its_grantee_without_any_policy(caller: str, grantee: str) -> None:
    found = because(caller, key_policy=CLOSED, grants=[grant(grantee, "Decrypt")])
    assert found is Reason.GRANT


def test_grant_allows_no_other_principal_and_no_other_operation() -> None:
    assert not by_grant(BOB, "Decrypt", grant(ALICE, "Decrypt"))
    assert not by_grant(ALICE, "Encrypt", grant(ALICE, "Decrypt"))
    other = grant(ALICE, "Decrypt", key="arn:aws:kms:us-east-1:111122223333:key/other")
    assert not by_grant(ALICE, "Decrypt", other)


def test_grant_names_the_halves_of_reencrypt() -> None:
    half = grant(ALICE, "ReEncryptFrom")
    assert by_grant(ALICE, "ReEncryptFrom", half, prefix="Source")
    assert not by_grant(ALICE, "ReEncryptTo", half, prefix="Destination")


def test_grant_to_an_account_leaves_it_to_iam() -> None:
    assert not by_grant(ALICE, "Decrypt", grant(ROOT, "Decrypt"))
    assert by_grant(ALICE, "Decrypt", grant(ROOT, "Decrypt"), iam=EVERYTHING)


def test_grant_to_another_account_needs_iam_there() -> None:
    assert not by_grant(EVE, "Decrypt", grant(EVE, "Decrypt"))
    assert because(EVE, key_policy=CLOSED, grants=[grant(EVE, "Decrypt")]) is Reason.IAM_SILENT
    for grantee in (EVE, NEIGHBOUR):
        assert by_grant(EVE, "Decrypt", grant(grantee, "Decrypt"), iam=EVERYTHING)
    assert by_grant(NEIGHBOUR, "Decrypt", grant(NEIGHBOUR, "Decrypt"))


def test_deny_overrides_a_grant() -> None:
    mine = [grant(ALICE, "Decrypt")]
    assert not allowed(ALICE, key_policy=policy(denied(Principal="*")), grants=mine)
    assert not allowed(ALICE, key_policy=CLOSED, iam=policy(denied()), grants=mine)


def test_verdict_names_the_grant() -> None:
    useless, useful = grant(ALICE, "Encrypt"), grant(ALICE, "Decrypt", handle="k/2")
    verdict = access.decide(ask(ALICE, key_policy=CLOSED, grants=[useless, useful]))
    assert verdict.grant is not None
    assert verdict.grant.id == "2"


# ---------------------------------------------------------------------------- constraints

EQUALS = {"EncryptionContextEquals": {"Order": "17", "of": "me"}}
TWICE = {"EncryptionContextEquals": {"Order": "17", "order": "17"}}
SUBSET = {"EncryptionContextSubset": {"Order": "17"}}


@for_every(
    ("constraints", "pairs", "fits"),
    [
        (EQUALS, {"Order": "17", "of": "me"}, True),
        (EQUALS, {"order": "17", "OF": "me"}, True),  # names in any case
        (EQUALS, {"Order": "17", "of": "ME"}, False),  # values exactly
        (EQUALS, {"Order": "17"}, False),
        (EQUALS, {"Order": "17", "of": "me", "more": "x"}, False),
        (EQUALS, {"Order": "17", "order": "17"}, False),
        (EQUALS, {}, False),
        (TWICE, {"Order": "17", "order": "17"}, True),
        (TWICE, {"Order": "17", "more": "x"}, False),
        (SUBSET, {"order": "17"}, True),
        (SUBSET, {"ORDER": "17", "more": "x"}, True),
        (SUBSET, {"order": "18"}, False),
        (SUBSET, {}, False),
    ],
)
def test_constraint_checks_the_encryption_context(
    constraints: dict[str, Any], pairs: dict[str, str], fits: bool
) -> None:
    mine = grant(ALICE, "Decrypt", "DescribeKey", constraints=constraints)
    assert by_grant(ALICE, "Decrypt", mine, request=context(**pairs)) is fits
    assert by_grant(ALICE, "DescribeKey", mine)


def test_constraint_checks_its_half_of_reencrypt() -> None:
    mine = grant(ALICE, "ReEncryptFrom", "ReEncryptTo", constraints=SUBSET)
    request = {"SourceEncryptionContext": {"order": "17"}, "DestinationEncryptionContext": {}}
    assert by_grant(ALICE, "ReEncryptFrom", mine, prefix="Source", request=request)
    assert not by_grant(ALICE, "ReEncryptTo", mine, prefix="Destination", request=request)


def test_service_must_call_for_the_grants_source() -> None:
    mine = grant(TABLES, "Decrypt", "DescribeKey", source_arn=TABLE)
    assert by_grant(TABLES, "Decrypt", mine, caller={"source_arn": TABLE})
    assert not by_grant(TABLES, "Decrypt", mine, caller={"source_arn": TABLE + "2"})
    assert not by_grant(TABLES, "DescribeKey", mine)
    starred = grant(TABLES, "Decrypt", source_arn=TABLE.replace("ledger", "*"))
    assert by_grant(TABLES, "Decrypt", starred, caller={"source_arn": TABLE})


# --------------------------------------------------------------------------- child grants


@for_every(
    ("parent", "operations", "constraints", "fits"),
    [
        ({}, ["Decrypt"], {}, True),
        ({}, ["Decrypt", "CreateGrant"], {}, True),
        ({}, ["Decrypt", "Encrypt"], {}, False),
        ({}, ["Decrypt"], SUBSET, True),
        (SUBSET, ["Decrypt"], {}, False),
        (SUBSET, ["Decrypt"], SUBSET, True),
        (SUBSET, ["Decrypt"], EQUALS, True),
        (SUBSET, ["Decrypt"], {"EncryptionContextSubset": {"order": "17", "x": "y"}}, True),
        (SUBSET, ["Decrypt"], {"EncryptionContextSubset": {"order": "18"}}, False),
        (EQUALS, ["Decrypt"], EQUALS, True),
        (EQUALS, ["Decrypt"], SUBSET, False),
        (
            EQUALS,
            ["Decrypt"],
            {"EncryptionContextSubset": EQUALS["EncryptionContextEquals"]},
            False,
        ),
        (EQUALS, ["Decrypt"], {}, False),
        (SUBSET, ["Decrypt"], {"EncryptionContextEquals": {}}, False),
        (SUBSET, ["Decrypt"], {"EncryptionContextSubset": {}}, False),
    ],
)
def test_grant_made_through_a_grant_allows_no_more_and_is_as_strict(
    parent: dict[str, Any], operations: list[str], constraints: dict[str, Any], fits: bool
) -> None:
    mine = grant(ALICE, "Decrypt", "CreateGrant", constraints=parent)
    request = {"Operations": operations, "Constraints": constraints}
    assert by_grant(ALICE, "CreateGrant", mine, request=request) is fits
    assert allowed(ALICE, "CreateGrant", iam=EVERYTHING, grants=[mine], request=request)


def test_grant_made_through_a_grant_has_its_source() -> None:
    mine = grant(TABLES, "Decrypt", "CreateGrant", source_arn=TABLE)
    for source, fits in ((TABLE, True), (None, False), (TABLE + "2", False)):
        constraints = {"SourceArn": source} if source else {}
        request = {"Operations": ["Decrypt"], "Constraints": constraints}
        found = by_grant(TABLES, "CreateGrant", mine, request=request, caller={"source_arn": TABLE})
        assert found is fits


# ------------------------------------------------------------------------------- retiring


def retire(principal: str, given: Grant, iam: str = "", **about: Any) -> Reason:
    return because(principal, "RetireGrant", record=given, grants=[given], iam=iam, **about)


def test_retiring_principal_may_retire_the_grant() -> None:
    given = grant(BOB, "Decrypt", retiring=ALICE)
    assert retire(ALICE, given) is Reason.GRANT
    assert retire(BOB, given) is Reason.IAM_SILENT
    assert retire(SESSION, grant(BOB, retiring=CLERK)) is Reason.GRANT
    assert retire(EVE, grant(BOB, retiring=EVE)) is Reason.GRANT
    assert retire(EVE, given) is Reason.NOT_RETIRING


def test_grantee_may_retire_the_grant_if_it_lists_retire_grant() -> None:
    given = grant(EVE, "Decrypt", "RetireGrant", constraints=SUBSET, source_arn=TABLE)
    assert retire(EVE, given) is Reason.GRANT
    assert retire(EVE, grant(EVE, "Decrypt")) is Reason.NOT_RETIRING


def test_account_that_made_a_grant_may_retire_it() -> None:
    given = grant(EVE, "Decrypt")
    assert retire(ROOT, given) is Reason.GRANT
    assert retire(ALICE, given) is Reason.IAM_SILENT
    assert retire(ALICE, given, EVERYTHING) is Reason.GRANT
    assert retire(NEIGHBOUR, given) is Reason.NOT_RETIRING


def test_iam_can_forbid_to_retire_and_a_key_policy_cannot() -> None:
    given = grant(BOB, "Decrypt", retiring=ALICE)
    assert retire(ALICE, given, policy(denied())) is Reason.IAM_DENIES
    assert retire(ALICE, given, key_policy=policy(denied(Principal="*"))) is Reason.GRANT
    eves = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    assert retire(EVE, given, eves) is Reason.NOT_RETIRING
