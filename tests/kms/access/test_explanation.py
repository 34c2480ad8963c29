from typing import Any

from kmslab.kms import access
from kmslab.kms.access import Reason
from tests.cases import for_every
from tests.kms.access.world import (
    ALICE,
    ARN,
    BOB,
    CLOSED,
    EVE,
    EVERYTHING,
    ROOT,
    SESSION,
    TABLES,
    ask,
    denied,
    grant,
    named,
    policy,
    statement,
)

CONDITION = {"StringEquals": {"kms:EncryptionContext:order": ["17", "18"]}}
NEARLY = policy(
    statement(Action="kms:Encrypt"),
    statement(Sid="orders", Action="kms:Decrypt", Condition=CONDITION),
)

# Every reason to allow or refuse, each with words that its explanation must have.
SCENES: dict[Reason, tuple[str, dict[str, Any], list[str]]] = {
    Reason.KEY_POLICY: (
        ALICE,
        {"key_policy": policy(named(BOB), named(ALICE, Sid="hers"))},
        ["Allowed: user/alice may call kms:Decrypt on key/1234", 'statement 2 "hers"'],
    ),
    Reason.KEY_AND_IAM: (
        ALICE,
        {"iam": EVERYTHING},
        ["leaves it to the IAM policies", "allows it"],
    ),
    Reason.IAM_POLICY: (ROOT, {"record": None, "resource": "*"}, ["the account as a whole"]),
    Reason.GRANT: (
        ALICE,
        {"grants": [grant(ALICE, "Decrypt")]},
        ["grant abababab… (Allow) allows"],
    ),
    Reason.KEY_DENIES: (
        ALICE,
        {
            "key_policy": policy(
                named(ROOT),
                denied(Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
            )
        },
        ["A Deny overrides every Allow", "differs in Bool aws:SecureTransport"],
    ),
    Reason.IAM_DENIES: (ALICE, {"iam": policy(denied())}, ["statement 1 (Deny) denies it"]),
    Reason.KEY_SILENT: (
        SESSION,
        {"key_policy": CLOSED},
        ["does not apply: Principal", "a session of arn:aws:iam::111122223333:role/clerk"],
    ),
    Reason.IAM_SILENT: (
        ALICE,
        {"iam": NEARLY, "request": {"EncryptionContext": {"order": "19"}}},
        [
            'statement 2 "orders" (Allow) does not apply: StringEquals',
            "17 or 18",
            "19",
            "statement 1 (Allow) does not apply: Action",
        ],
    ),
    Reason.OTHER_ACCOUNT: (EVE, {"cross_account": False}, ["user/eve of account 444455556666"]),
    Reason.MISSING: (EVE, {"record": None}, ["Name a key that exists"]),
    Reason.NOT_RETIRING: (
        EVE,
        {"record": grant(ALICE, "Decrypt", retiring=BOB), "operation": "RetireGrant"},
        [f"{BOB} (its retiring principal), {ROOT} (the account that created it)"],
    ),
}


def explained(principal: str, about: dict[str, Any]) -> access.Explanation:
    return access.explain(ask(principal, about.pop("operation", "Decrypt"), **about))


@for_every("reason", Reason)
def test_every_decision_is_explained(reason: Reason) -> None:
    principal, about, words = SCENES[reason]
    explanation = explained(principal, dict(about))
    assert explanation.verdict.reason is reason
    text = " ".join(repr(explanation).split())
    for each in words:
        assert each in text
    assert text.startswith("Allowed" if explanation.verdict.allowed else "Refused")
    assert bool(explanation.advice) is not explanation.verdict.allowed


@for_every("reason", Reason)
def test_explanation_shows_the_same_in_a_notebook(reason: Reason) -> None:
    principal, about, _ = SCENES[reason]
    explanation = explained(principal, dict(about))
    shown = explanation._repr_markdown_()
    assert shown.startswith(f"**{explanation.sentence}**")
    assert explanation.advice in shown.replace("\\*", "*")


def test_explanation_says_that_a_value_is_missing() -> None:
    assert "(not in the request)" in repr(access.explain(ask(ALICE, iam=NEARLY)))


def test_proposed_statement_would_allow_the_request() -> None:
    refused = access.explain(ask(ALICE))
    assert refused.addition is not None
    assert access.decide(ask(ALICE, iam=policy(refused.addition))).allowed
    for who in (ALICE, SESSION, TABLES):
        refused = access.explain(ask(who, key_policy=CLOSED))
        assert refused.addition is not None
        assert access.decide(ask(who, key_policy=policy(refused.addition))).allowed


def test_best_match_comes_first_with_all_its_elements() -> None:
    many = [statement(Action=f"kms:Op{number}") for number in range(40)]
    near = statement(Sid="near", Action="kms:Decrypt", Resource=ARN, Condition=CONDITION)
    text = repr(access.explain(ask(ALICE, iam=policy(*many, near))))
    lines = text[text.index("The IAM policy") :].splitlines()
    assert lines[1].startswith('✗ statement 41 "near"')
    assert "35 more, which match no better" in text


def test_grants_of_others_are_not_shown() -> None:
    mine = grant(ALICE, "Encrypt", handle=f"{ARN}/mine")
    others = [grant(BOB, "Decrypt", handle=f"{ARN}/theirs")]
    text = repr(access.explain(ask(ALICE, grants=[mine, *others])))
    assert "grant mine" in text
    assert "theirs" not in text


def test_grant_that_nearly_matched_says_why_not() -> None:
    constraints = {"EncryptionContextSubset": {"order": "17"}}
    mine = grant(TABLES, "Decrypt", constraints=constraints, source_arn="arn:aws:dynamodb:*:*:t/*")
    request = {"EncryptionContext": {"order": "18"}}
    text = repr(access.explain(ask(TABLES, key_policy=CLOSED, grants=[mine], request=request)))
    assert "does not apply: encryption context and source" in text
    assert "EncryptionContextSubset order=17" in text


def test_explanation_says_that_an_unreadable_policy_denies() -> None:
    text = repr(access.explain(ask(ROOT, key_policy="{")))
    assert 'statement 1 "cannot be read" (Deny) denies it' in text


def test_texts_of_callers_are_escaped() -> None:
    condition = {"StringEquals": {"kms:EncryptionContext:it": "\x1b[2J"}}
    nasty = policy(
        statement(Sid="\x1b[31m", Principal="*", Action="kms:Decrypt", Condition=condition)
    )
    request = {"EncryptionContext": {"it": "<script>|\u202e\x07"}}
    explanation = access.explain(ask(ALICE, key_policy=nasty, request=request))
    assert "\x1b" not in repr(explanation)
    assert "\x07" not in repr(explanation)
    shown = explanation._repr_markdown_()
    assert "<script" not in shown
    assert "\x1b" not in shown


def test_neither_question_nor_explanation_shows_a_plaintext() -> None:
    request = {"Plaintext": b"card 4242", "EncryptionContext": {"order": "17"}}
    question = ask(ALICE, "Encrypt", request=request)
    explanation = access.explain(question)
    shown = [repr(question), str(question), f"{question}", repr(explanation), str(explanation)]
    assert "4242" not in " ".join(shown) + explanation._repr_markdown_()
