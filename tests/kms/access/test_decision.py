import json
from contextlib import closing
from typing import Any

import pytest

from kmslab.kms import access
from kmslab.kms.access import Reason
from kmslab.kms.access.decision import WORDS
from kmslab.kms.operations.policies import default_policy
from kmslab.kms.store import open_store
from tests.cases import for_every
from tests.kms.access.world import (
    ALIAS,
    ALICE,
    ARN,
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
    THERE,
    allowed,
    ask,
    because,
    denied,
    grant,
    named,
    policy,
    statement,
    user,
)

# ----------------------------------------------------------------- the key policy and IAM


def test_default_policy_lets_the_root_user_do_everything() -> None:
    assert because(ROOT, key_policy=default_policy(HERE)) is Reason.KEY_POLICY


def test_default_policy_leaves_users_to_iam() -> None:
    assert because(ALICE, key_policy=default_policy(HERE)) is Reason.IAM_SILENT
    assert because(ALICE, key_policy=default_policy(HERE), iam=EVERYTHING) is Reason.KEY_AND_IAM


def test_iam_alone_never_allows_the_use_of_a_key() -> None:
    assert because(ALICE, key_policy=CLOSED, iam=EVERYTHING) is Reason.KEY_SILENT


def test_not_even_root_has_access_unless_the_key_policy_says_so() -> None:
    assert because(ROOT, key_policy=CLOSED) is Reason.KEY_SILENT


@pytest.mark.parametrize("name", [ALICE, "*"])
def test_key_policy_that_names_the_caller_needs_no_iam(name: str) -> None:
    assert because(ALICE, key_policy=policy(named(name))) is Reason.KEY_POLICY


def test_everyone_may_be_written_in_two_ways() -> None:
    assert allowed(ALICE, key_policy=policy(statement(Principal="*")))


def test_key_policy_allows_only_the_user_that_it_names() -> None:
    assert not allowed(ALICE, key_policy=policy(named(BOB)))


@pytest.mark.parametrize("name", [ROOT, HERE])
def test_account_is_named_by_its_root_or_its_number(name: str) -> None:
    assert because(ALICE, key_policy=policy(named(name)), iam=EVERYTHING) is Reason.KEY_AND_IAM
    assert not allowed(ALICE, key_policy=policy(named(name)))


@pytest.mark.parametrize("name", [CLERK, SESSION])
def test_session_is_named_by_its_role_or_by_itself(name: str) -> None:
    assert because(SESSION, key_policy=policy(named(name))) is Reason.KEY_POLICY


def test_session_has_the_iam_policy_of_its_role() -> None:
    assert allowed(SESSION, iam=EVERYTHING)


def test_user_is_not_the_role_of_the_same_name() -> None:
    role = f"arn:aws:iam::{HERE}:role/alice"
    assert not allowed(ALICE, key_policy=policy(named(role)))
    assert not allowed(f"arn:aws:sts::{HERE}:assumed-role/alice/x", key_policy=policy(named(ALICE)))


def test_names_of_principals_are_compared_exactly() -> None:
    assert not allowed(ALICE, key_policy=policy(named(ALICE.replace("alice", "Alice"))))
    assert not allowed(ALICE, key_policy=policy(named(ALICE + "s")))


# -------------------------------------------------------------------------- explicit deny


def test_deny_in_the_key_policy_overrides_every_allow() -> None:
    both = policy(named(ALICE, ROOT), denied(Principal={"AWS": ALICE}))
    found = because(ALICE, key_policy=both, iam=EVERYTHING, grants=[grant(ALICE, "Decrypt")])
    assert found is Reason.KEY_DENIES


def test_deny_in_iam_overrides_every_allow() -> None:
    iam = policy(statement(), denied(Action="kms:Decrypt"))
    found = because(
        ALICE, key_policy=policy(named(ALICE)), iam=iam, grants=[grant(ALICE, "Decrypt")]
    )
    assert found is Reason.IAM_DENIES
    assert allowed(ALICE, "Encrypt", key_policy=policy(named(ALICE)), iam=iam)


def test_deny_counts_in_any_position() -> None:
    for statements in (
        [named(ALICE), denied(Principal="*")],
        [denied(Principal="*"), named(ALICE)],
    ):
        assert not allowed(ALICE, key_policy=policy(*statements))


@pytest.mark.parametrize("name", ["*", ROOT, HERE, SESSION, CLERK])
def test_deny_of_an_account_a_role_or_a_session_applies_to_a_session(name: str) -> None:
    written = policy(named(CLERK), denied(Principal={"AWS": name}))
    assert because(SESSION, key_policy=written) is Reason.KEY_DENIES


def test_root_user_is_denied_like_any_caller() -> None:
    assert not allowed(ROOT, key_policy=policy(named(ROOT), denied(Principal={"AWS": ROOT})))


def test_not_principal_must_list_the_account_too() -> None:
    """IAM user guide: "you must also specify the account ARN of the not-denied principal"."""
    alone = policy(named(ROOT), denied(NotPrincipal={"AWS": [ALICE]}))
    assert because(ALICE, key_policy=alone, iam=EVERYTHING) is Reason.KEY_DENIES
    full = policy(named(ROOT), denied(NotPrincipal={"AWS": [ALICE, ROOT]}))
    assert allowed(ALICE, key_policy=full, iam=EVERYTHING)
    assert because(BOB, key_policy=full, iam=EVERYTHING) is Reason.KEY_DENIES


@pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}, {"AWS": [BOB, "*"]}])
def test_not_principal_with_a_star_denies_no_caller(everybody: Any) -> None:
    assert allowed(ALICE, key_policy=policy(named(ALICE), denied(NotPrincipal=everybody)))


def test_root_user_is_excepted_by_its_accounts_number_as_by_its_arn() -> None:
    for name in (ROOT, HERE):
        key_policy = policy(named(ROOT), denied(NotPrincipal={"AWS": [name]}))
        assert allowed(ROOT, key_policy=key_policy)
        assert not allowed(ALICE, iam=EVERYTHING, key_policy=key_policy)


def test_not_principal_must_list_session_role_and_account() -> None:
    role = policy(named(ROOT), denied(NotPrincipal={"AWS": [CLERK, ROOT]}))
    assert not allowed(SESSION, key_policy=role, iam=EVERYTHING)
    full = policy(named(ROOT), denied(NotPrincipal={"AWS": [CLERK, SESSION, ROOT]}))
    assert allowed(SESSION, key_policy=full, iam=EVERYTHING)


# ------------------------------------------------------------------------- other accounts


@pytest.mark.parametrize("name", [EVE, NEIGHBOUR, THERE, "*"])
def test_caller_of_another_account_needs_both_sides(name: str) -> None:
    opened = policy(named(name))
    assert because(EVE, key_policy=opened) is Reason.IAM_SILENT
    assert because(EVE, key_policy=opened, iam=EVERYTHING) is Reason.KEY_AND_IAM
    assert because(EVE, iam=EVERYTHING) is Reason.KEY_SILENT


def test_root_user_of_another_account_counts_as_allowed_by_iam() -> None:
    assert because(NEIGHBOUR, key_policy=policy(named(THERE))) is Reason.KEY_AND_IAM
    assert because(NEIGHBOUR) is Reason.KEY_SILENT


def test_deny_in_another_accounts_iam_counts() -> None:
    iam = policy(statement(), denied())
    assert because(EVE, key_policy=policy(named(EVE)), iam=iam) is Reason.IAM_DENIES


def test_operation_for_the_keys_own_account_is_refused_to_others_despite_policies() -> None:
    about = {"key_policy": policy(named(EVE)), "iam": EVERYTHING, "cross_account": False}
    assert because(EVE, "DisableKey", **about) is Reason.OTHER_ACCOUNT
    assert (
        because(EVE, "DisableKey", **about, grants=[grant(EVE, "Decrypt")]) is Reason.OTHER_ACCOUNT
    )
    assert allowed(ALICE, "DisableKey", key_policy=policy(named(ALICE)), cross_account=False)


# ------------------------------------------------------------------------------- services


def test_service_needs_no_iam() -> None:
    opened = policy(statement(Principal={"Service": TABLES}))
    assert because(TABLES, key_policy=opened) is Reason.KEY_POLICY
    assert because("s3.amazonaws.com", key_policy=opened) is Reason.KEY_SILENT


def test_service_is_not_part_of_any_account() -> None:
    assert not allowed(TABLES, key_policy=policy(named(ROOT)))
    assert allowed(TABLES, key_policy=policy(named(ROOT), named("*")))
    denying = policy(named("*"), denied(Principal={"AWS": HERE}))
    assert allowed(TABLES, key_policy=denying)


AWS_MANAGED = policy(
    statement(
        Sid="Through Amazon S3, for principals of the account",
        Principal={"AWS": "*"},
        Action=["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
        Condition={
            "StringEquals": {
                "kms:CallerAccount": HERE,
                "kms:ViaService": "s3.us-east-1.amazonaws.com",
            }
        },
    ),
    named(ROOT, Action=["kms:Describe*", "kms:Get*", "kms:List*"]),
)


def test_aws_managed_key_is_used_through_its_service_and_otherwise_only_viewed() -> None:
    through = {"caller": {"via": "s3.us-east-1.amazonaws.com"}}
    assert allowed(ALICE, key_policy=AWS_MANAGED, **through)
    assert not allowed(ALICE, key_policy=AWS_MANAGED, iam=EVERYTHING)
    assert not allowed(ROOT, "Decrypt", key_policy=AWS_MANAGED)
    assert not allowed(ROOT, "ScheduleKeyDeletion", key_policy=AWS_MANAGED)
    assert not allowed(EVE, key_policy=AWS_MANAGED, iam=EVERYTHING, **through)
    assert allowed(ROOT, "DescribeKey", key_policy=AWS_MANAGED)
    assert allowed(ALICE, "GetKeyPolicy", key_policy=AWS_MANAGED, iam=EVERYTHING)


# ------------------------------------------------------------------- without a key policy


@pytest.mark.parametrize("resource", ["*", ALIAS])
def test_only_iam_decides_about_an_alias_or_the_account(resource: str) -> None:
    about: dict[str, Any] = {"resource": resource, "record": None}
    assert because(ROOT, "CreateAlias", **about) is Reason.IAM_POLICY
    assert because(ALICE, "CreateAlias", **about) is Reason.IAM_SILENT
    assert because(ALICE, "CreateAlias", iam=EVERYTHING, **about) is Reason.IAM_POLICY
    iam = policy(statement(), denied())
    assert because(ALICE, "CreateAlias", iam=iam, **about) is Reason.IAM_DENIES


def test_iam_policy_for_one_key_does_not_cover_the_account_as_a_whole() -> None:
    iam = policy(statement(Resource=f"arn:aws:kms:us-east-1:{HERE}:key/*"))
    assert not allowed(ALICE, "ListKeys", iam=iam, resource="*", record=None)


def test_alias_arn_in_an_iam_policy_is_not_a_key() -> None:
    assert not allowed(ALICE, iam=policy(statement(Resource=ALIAS)))


# ------------------------------------------------------------------ actions and resources


@for_every(
    ("action", "covered"),
    [
        ("kms:Decrypt", True),
        ("KMS:DECRYPT", True),
        ("kms:decrypt", True),
        ("kms:*", True),
        ("*", True),
        ("kms:De*t", True),
        ("kms:Decryp?", True),
        ("kms:Decrypt?", False),
        ("kms:Encrypt", False),
        ("kms:Decryp", False),
        ("s3:Decrypt", False),
        ("s3:*", False),
    ],
)
def test_action_may_have_wildcards_and_any_case(action: str, covered: bool) -> None:
    assert allowed(ALICE, iam=policy(statement(Action=action))) is covered
    assert allowed(ALICE, iam=policy(statement(Action=["kms:Sign", action]))) is covered
    exclusive = {"Effect": "Allow", "NotAction": action, "Resource": "*"}
    assert allowed(ALICE, iam=policy(exclusive)) is not covered


@for_every(
    ("resource", "covered"),
    [
        ("*", True),
        (ARN, True),
        ("arn:aws:kms:*", True),
        ("arn:aws:kms:*:*:key/*", True),
        (f"arn:aws:kms:us-east-?:{HERE}:key/*", True),
        (f"arn:aws:kms:us-east-1:{HERE}:key/1234abcd*", True),
        (f"arn:aws:kms:us-east-1:{THERE}:key/*", False),
        (f"arn:aws:kms:us-east-1:{HERE}:alias/*", False),
        (ARN.upper().replace("ARN:AWS:KMS", "arn:aws:kms"), False),
        (ARN[:-1], False),
    ],
)
def test_resource_may_have_wildcards_and_keeps_its_case(resource: str, covered: bool) -> None:
    assert allowed(ALICE, iam=policy(statement(Resource=resource))) is covered
    exclusive = {"Effect": "Allow", "Action": "*", "NotResource": resource}
    assert allowed(ALICE, iam=policy(exclusive)) is not covered
    assert allowed(ALICE, key_policy=policy(named(ALICE, Resource=resource))) is covered


@pytest.mark.parametrize("missing", ["Action", "Resource"])
def test_statement_of_a_key_policy_without_action_or_resource_has_no_effect(missing: str) -> None:
    """API reference, PutKeyPolicy: the request succeeds, the statement is ineffective."""
    half = {name: value for name, value in named(ALICE).items() if name != missing}
    assert not allowed(ALICE, key_policy=policy(half))
    harmless = {**half, "Effect": "Deny"}
    assert allowed(ALICE, key_policy=policy(named(ALICE), harmless))


# ---------------------------------------------------------------------------------- texts


TEXTS: list[tuple[str, dict[str, Any], str]] = [
    (
        ALICE,
        {},
        f"on resource: {ARN} because no identity-based policy allows the kms:Decrypt action",
    ),
    (
        ALICE,
        {"key_policy": CLOSED},
        f"on resource: {ARN} because no resource-based policy allows the kms:Decrypt action",
    ),
    (
        SESSION,
        {"key_policy": policy(denied(Principal="*"))},
        f"on resource: {ARN} with an explicit deny in a resource-based policy",
    ),
    (
        ALICE,
        {"iam": policy(denied())},
        f"on resource: {ARN} with an explicit deny in an identity-based policy",
    ),
    (
        EVE,
        {"cross_account": False},
        f"on resource: {ARN} because no resource-based policy allows the kms:Decrypt action",
    ),
    (
        ALICE,
        {"resource": "*", "record": None},
        "on resource: * because no identity-based policy allows the kms:Decrypt action",
    ),
    (
        EVE,
        {"record": None},
        f"on resource: {ARN} because no resource-based policy allows the kms:Decrypt action",
    ),
    (
        TABLES,
        {},
        f"on resource: {ARN} because no resource-based policy allows the kms:Decrypt action",
    ),
]


@for_every(("principal", "about", "text"), TEXTS)
def test_refusal_has_awss_words(principal: str, about: dict[str, Any], text: str) -> None:
    question = ask(principal, **about)
    found = access.refusal(question, access.decide(question))
    assert found == f"User: {principal} is not authorized to perform: kms:Decrypt {text}"


def test_every_reason_to_refuse_has_a_text() -> None:
    reached = {because(who, **about) for who, about, _ in TEXTS} | {Reason.NOT_RETIRING}
    assert reached == set(WORDS)


# -------------------------------------------------------------------- unreadable policies


def test_stored_policy_that_cannot_be_read_denies_everything() -> None:
    """A stored policy may be older than the parser, and something in it may mean to deny."""
    assert because(ROOT, key_policy="{") is Reason.KEY_DENIES
    assert because(ALICE, key_policy=policy(named(ALICE)), iam="{}") is Reason.IAM_DENIES
    assert because(ALICE, "ListKeys", iam="[]", record=None, resource="*") is Reason.IAM_DENIES


def test_policies_of_others_do_not_count() -> None:
    assert not allowed(ALICE, others=[user(BOB, EVERYTHING), user(CLERK, EVERYTHING)])


def test_verdict_names_the_statement_that_decided() -> None:
    written = policy(named(BOB), named(ALICE, Sid="mine"), denied(Principal={"AWS": BOB}))
    statement_ = access.decide(ask(ALICE, key_policy=written)).statement
    assert statement_ is not None
    assert (statement_.place, statement_.sid) == (2, "mine")


def test_short_policy_is_written_as_aws_would_have_it() -> None:
    written = access.allow("kms:Encrypt", resource=ARN, condition={"Bool": {"kms:X": "true"}})
    assert written == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["kms:Encrypt"],
                "Resource": ARN,
                "Condition": {"Bool": {"kms:X": "true"}},
            }
        ],
    }
    assert allowed(ALICE, "Encrypt", iam=json.dumps(access.allow("kms:Encrypt")))


def test_a_real_store_gives_the_same_decisions() -> None:
    with closing(open_store(None)) as store:
        given = grant(BOB, "Decrypt")
        store.commit(put=[user(ALICE, EVERYTHING), given])
        for who, found in (
            (ALICE, Reason.KEY_AND_IAM),
            (BOB, Reason.GRANT),
            (CLERK, Reason.IAM_SILENT),
        ):
            assert because(who, records=store) is found
