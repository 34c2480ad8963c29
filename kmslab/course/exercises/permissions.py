"""Who may do what under a key policy: now, with a given context, or in the worst case.

In the worst case each condition that a caller can fulfil, or that time will fulfil, is fulfilled.
So a right that has a condition counts as a right, and a denial that has one does not count. Only
conditions on who the caller is are taken as they are, because a caller cannot choose that.
"""

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any

from kmslab.kms.access import Question, decide
from kmslab.kms.contract.records import Key
from kmslab.kms.iam import Policy
from kmslab.kms.reports import ROLES
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

OF_THE_CALLER = {
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
}
NOT_OF_A_KEY = {"CreateKey", "GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants"}
# Each permission that concerns a key, as policies name it without `kms:`.
OPERATIONS = tuple(
    name
    for name in (action.removeprefix("kms:") for action in sorted(ROLES))
    if name not in NOT_OF_A_KEY and "CustomKeyStore" not in name
)
NOT_YET = "OperationOfNextYear"  # for AWS adds operations, and `kms:*` allows them


def may(person: View, operation: str, key: CMK, context: Mapping[str, str] | None = None) -> bool:
    """Whether this person's call would be allowed now. Nothing is called."""
    records = person.service.records
    question = Question(
        caller=person.caller,
        operation=operation,
        resource=key.arn,
        record=records.get(Key, key.arn),
        request={"KeyId": key.arn, "EncryptionContext": dict(context or {})},
        now=person.clock.now(),
        records=records,
        cross_account=True,
    )
    return decide(question).allowed


def key_in_the_worst_case(owner: View, document: str, callers: Set[str] = OF_THE_CALLER) -> CMK:
    """A new key whose policy allows all that `document` allows under any condition.

    `callers`: the condition keys that are taken as they are.
    """
    statements = [*_statements(document, callers)]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    created = owner.kms.create_key(Policy=policy, BypassPolicyLockoutSafetyCheck=True)
    return CMK(owner, created["KeyMetadata"])


def _statements(document: str, callers: Set[str]) -> Iterator[dict[str, Any]]:
    statements = json.loads(document)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        conditions: dict[str, dict[str, Any]] = statement.get("Condition", {})
        fixed = {
            operator: {name: value for name, value in pairs.items() if name.lower() in callers}
            for operator, pairs in conditions.items()
        }
        if statement["Effect"] == "Deny" and fixed != conditions:
            continue
        kept = {operator: pairs for operator, pairs in fixed.items() if pairs}
        yield {**statement, "Condition": kept} if kept else _without_condition(statement)


def _without_condition(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name != "Condition"}


def named_in_conditions(document: str, lab: View, policy: Policy) -> dict[str, View]:
    """The people whom conditions on the caller name, each with this IAM policy.

    A wildcard is taken as a letter.
    """
    people: dict[str, View] = {}
    for statement in _statements(document, OF_THE_CALLER):
        for pairs in statement.get("Condition", {}).values():
            for values in pairs.values():
                for text in values if isinstance(values, list) else [values]:
                    kind, name = _principal(text)
                    if name.isalnum():
                        make = lab.role if kind == "role" else lab.user
                        people[f"A {kind} called {name}"] = make(name, policy)
    return people


def _principal(text: str) -> tuple[str, str]:
    """`user` or `role`, and the name in an ARN; a text without colons is a user's name."""
    start, _, name = str(text).replace("*", "x").replace("?", "x").rpartition("/")
    kind = "role" if start.endswith(":role") else "user"
    return kind, name if start or ":" not in name else ""
