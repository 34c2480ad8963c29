"""Random policies, grants and requests: `decide` against the oracle, `explain` against both."""

import json
from random import Random
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from kmslab.kms import access
from kmslab.kms.access import Reason
from kmslab.kms.access.statements import NO_EFFECT
from kmslab.kms.contract.callers import NetworkSource
from tests.kms.access.oracle import Given, Scene, may
from tests.kms.access.world import (
    ALICE,
    ARN,
    BOB,
    CLERK,
    EVE,
    HERE,
    NEIGHBOUR,
    NOW,
    ROOT,
    SESSION,
    TABLES,
    THERE,
    ask,
    grant,
)

OTHER = f"arn:aws:kms:us-east-1:{HERE}:key/00000000-0000-0000-0000-000000000000"
CALLERS = [ALICE, ALICE, ALICE, ROOT, SESSION, SESSION, EVE, EVE, NEIGHBOUR, TABLES]
NAMED = [ROOT, ROOT, ALICE, BOB, CLERK, SESSION, EVE, NEIGHBOUR, HERE, THERE, "*"]
OPERATIONS = ["Decrypt", "Decrypt", "Encrypt", "DescribeKey", "ScheduleKeyDeletion"]
ACTIONS = ["kms:Decrypt", "KMS:decrypt", "kms:*", "*", "kms:De*", "kms:?ncrypt", "s3:*", "kms:D*t"]
RESOURCES = ["*", "*", ARN, OTHER, "arn:aws:kms:*", f"arn:aws:kms:*:{THERE}:key/*", ARN[:-1] + "?"]
VIA, IP = "s3.us-east-1.amazonaws.com", "203.0.113.7"
ENOUGH = [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]
DEFAULT = [{**ENOUGH[0], "Principal": {"AWS": ROOT}}]


def operators(kind: str, *names: str) -> list[str]:
    return [
        f"{together}{kind}{name}{ending}"
        for name in names
        for together in ("", "", "ForAllValues:", "ForAnyValue:")
        for ending in ("", "", "IfExists")
    ]


ORDER = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
TEXTS = ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")
STRINGS = operators("String", *TEXTS)
PAIR = "kms:EncryptionContext:order"
# (operators, keys, values that a policy may name)
ASKED: list[tuple[list[str], list[str], list[str]]] = [
    (STRINGS, [PAIR, "KMS:EncryptionContext:ORDER"], ["17", "1*", "a", "A"]),
    (STRINGS, ["kms:EncryptionContextKeys"], ["order", "o*", "ward", "*"]),
    (STRINGS, ["kms:ViaService", "kms:CallerAccount"], [VIA, HERE, THERE, "*"]),
    (STRINGS, ["aws:username", "aws:PrincipalType"], ["alice", "eve", "User", "?????"]),
    (
        operators("Arn", "Equals", "NotEquals", "Like", "NotLike"),
        ["aws:PrincipalArn", "kms:CallerAccount"],
        [ALICE, CLERK, "arn:aws:iam::*:user/*", "arn:aws:iam::*:*"],
    ),
    (
        operators("Numeric", *ORDER),
        ["kms:ScheduleKeyDeletionPendingWindowInDays", PAIR],
        ["7", "17", "30", "29.5"],
    ),
    (
        operators("Date", *ORDER),
        ["aws:CurrentTime", PAIR],
        ["2026-05-01T12:00:00Z", "2026-04-30T00:00:00Z", "2027-01-01T00:00:00+02:00"],
    ),
    (
        operators("Bool", ""),
        ["aws:SecureTransport", "aws:ViaAWSService", "kms:ViaService"],
        ["true", "false"],
    ),
    (
        operators("", "IpAddress", "NotIpAddress"),
        ["aws:SourceIp", "kms:CallerAccount"],
        ["203.0.113.0/24", "198.51.100.0/24"],
    ),
    (["Null"], ["kms:ViaService", PAIR, "aws:SourceIp", "no:such"], ["true", "false"]),
]


def some(chance: Random, values: list[str]) -> Any:
    """One value, or a list of them."""
    one = chance.choice(values)
    return one if chance.random() < 0.5 else [one, *chance.choices(values, k=chance.randrange(3))]


def element(chance: Random, name: str, values: list[str]) -> dict[str, Any]:
    return {("Not" if chance.random() < 0.15 else "") + name: some(chance, values)}


def conditions(chance: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
        named, keys, values = chance.choice(ASKED)
        found[chance.choice(named)] = {chance.choice(keys): some(chance, values)}
    return {"Condition": found} if found else {}


def principals(chance: Random) -> Any:
    names = {"AWS": [chance.choice(NAMED), *chance.choices(NAMED, k=chance.randrange(3))]}
    return chance.choice(["*", names, names, names | {"Service": TABLES}])


def statement(chance: Random, *, of_key: bool) -> dict[str, Any]:
    found = {
        "Effect": "Deny" if chance.random() < 0.2 else "Allow",
        **element(chance, "Action", ACTIONS),
        **element(chance, "Resource", RESOURCES),
        **conditions(chance),
    }
    if not of_key:
        return found
    excepts = found["Effect"] == "Deny" and chance.random() < 0.5
    found["NotPrincipal" if excepts else "Principal"] = principals(chance)
    if chance.random() < 0.1:  # then it has no effect
        found.pop(chance.choice(["Action", "Resource"]), None)
    return found


def statements(chance: Random, *, of_key: bool) -> list[dict[str, Any]]:
    usual = (DEFAULT if of_key else ENOUGH) if chance.random() < 0.4 else []
    more = [statement(chance, of_key=of_key) for _ in range(chance.randrange(4))]
    return [*usual, *more] or ([statement(chance, of_key=True)] if of_key else [])


def given_grant(chance: Random) -> Given:
    kind = chance.choice(["", "EncryptionContextEquals", "EncryptionContextSubset"])
    return Given(
        grantee=chance.choice([ALICE, CLERK, SESSION, ROOT, EVE, NEIGHBOUR, TABLES]),
        operations=chance.sample(OPERATIONS[1:4], k=chance.randrange(1, 4)),
        kind=kind,
        pairs={chance.choice(["order", "ORDER"]): "17"} if kind else {},
    )


def scene_by(chance: Random) -> tuple[Scene, access.Question]:
    principal = chance.choice(CALLERS)
    account = HERE if principal == TABLES else principal.split(":")[4]
    operation = chance.choice(OPERATIONS)
    context = {
        name: chance.choice(["17", "a"])
        for name in ("order", "Ward", "ORDER")
        if chance.random() < (0.2 if name == "ORDER" else 0.5)
    }
    via = chance.choice(["", VIA]) if principal != TABLES else ""
    secure = chance.random() < 0.5
    has_policies = principal not in (ROOT, NEIGHBOUR, TABLES)
    scene = Scene(
        principal=principal,
        role=CLERK if principal == SESSION else "",
        account=account,
        owner=HERE,
        operation=operation,
        resource=ARN,
        cross_account=chance.random() < 0.8,
        keys=keys_of(principal, account, operation, context, via, secure),
        context=context,
        key_policy=statements(chance, of_key=True),
        iam=statements(chance, of_key=False) if has_policies else [],
        grants=[given_grant(chance) for _ in range(chance.randrange(3))],
    )
    source = NetworkSource(ip=IP, tls_version="TLSv1.3" if secure else "")
    return scene, question_of(scene, {"via": via, "source": source})


def keys_of(
    principal: str, account: str, operation: str, context: dict[str, str], via: str, secure: bool
) -> dict[str, list[str]]:
    """The request context, by hand."""
    found = {
        "kms:calleraccount": [account],
        "aws:currenttime": ["2026-05-01T12:00:00Z"],
        "kms:encryptioncontextkeys": list(context),
        "kms:encryptioncontext:order": [context[n] for n in ("order", "ORDER") if n in context],
        "aws:viaawsservice": ["true" if via else "false"],
        "kms:viaservice": [via] if via else [],
        "aws:securetransport": ["true" if secure or via or principal == TABLES else "false"],
        "aws:sourceip": [] if via or principal == TABLES else [IP],
    }
    if operation == "ScheduleKeyDeletion":
        found["kms:schedulekeydeletionpendingwindowindays"] = ["30"]
    if principal != TABLES:
        found["aws:principalarn"] = [CLERK if principal == SESSION else principal]
        kinds = {ROOT: "Account", NEIGHBOUR: "Account", SESSION: "AssumedRole"}
        found["aws:principaltype"] = [kinds.get(principal, "User")]
    if principal in (ALICE, EVE):
        found["aws:username"] = [principal.rpartition("/")[2]]
    return found


def question_of(scene: Scene, caller: dict[str, Any]) -> access.Question:
    def written(statements: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""

    return ask(
        scene.principal,
        scene.operation,
        key_policy=written(scene.key_policy),
        iam=written(scene.iam),
        grants=[
            grant(
                each.grantee,
                *each.operations,
                handle=f"{ARN}/{number}",
                constraints={each.kind: each.pairs} if each.kind else {},
            )
            for number, each in enumerate(scene.grants)
        ],
        request={"EncryptionContext": scene.context},
        caller=caller,
        cross_account=scene.cross_account,
        now=NOW,
    )


# A scene would need a hundred of Hypothesis's draws; one drawn seed is enough.
many = settings(max_examples=20 * settings.default.max_examples)
seeds = st.integers(0, 2**64)


@many
@given(seeds)
def test_decision_agrees_with_the_oracle(seed: int) -> None:
    scene, question = scene_by(Random(seed))
    verdict = access.decide(question)
    event(verdict.reason)
    assert verdict.allowed is may(scene)


@many
@given(seeds)
def test_explanation_agrees_with_the_decision(seed: int) -> None:
    _, question = scene_by(Random(seed))
    explanation = access.explain(question)
    verdict = explanation.verdict
    assert verdict == access.decide(question)
    comparisons = [each for section in explanation.sections for each in section.comparisons]
    for comparison in comparisons:
        assert (comparison.effect is NO_EFFECT) is bool(comparison.misses)
    decided = [comparison for comparison in comparisons if comparison.decided]
    assert len(decided) == bool(verdict.statement or verdict.grant)
    assert all(comparison.effect is not NO_EFFECT for comparison in decided)
    assert repr(explanation).startswith("Allowed" if verdict.allowed else "Refused")


def test_scenes_reach_every_decision_about_a_key() -> None:
    reached = {access.decide(scene_by(Random(seed))[1]).reason for seed in range(1_000)}
    assert reached == set(Reason) - {Reason.IAM_POLICY, Reason.NOT_RETIRING, Reason.MISSING}
