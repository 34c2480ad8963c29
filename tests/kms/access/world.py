"""A key, callers of its account and of others, and questions about them, for tests of `access`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kmslab.kms import access
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.events import LastUse
from kmslab.kms.contract.records import Grant, Key, Principal, R, Record, name_of
from kmslab.kms.contract.required_pairs import required_pair
from kmslab.kms.contract.specs import KeyUsage, Origin
from kmslab.kms.contract.states import KeyState

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HERE, THERE = "111122223333", "444455556666"
ARN = f"arn:aws:kms:us-east-1:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = f"arn:aws:kms:us-east-1:{HERE}:alias/orders"

ROOT, NEIGHBOUR = f"arn:aws:iam::{HERE}:root", f"arn:aws:iam::{THERE}:root"
ALICE, BOB = f"arn:aws:iam::{HERE}:user/alice", f"arn:aws:iam::{HERE}:user/bob"
EVE = f"arn:aws:iam::{THERE}:user/eve"
CLERK = f"arn:aws:iam::{HERE}:role/clerk"
SESSION = f"arn:aws:sts::{HERE}:assumed-role/clerk/monday"
TABLES = "dynamodb.amazonaws.com"  # a service


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    """A statement of a key policy, or without Principal of an IAM policy."""
    return {"Effect": effect, "Action": "kms:*", "Resource": "*"} | elements


def policy(*statements: Mapping[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": statements})


def named(*arns: str, **elements: Any) -> dict[str, Any]:
    """A statement of a key policy about these principals."""
    return statement(Principal={"AWS": list(arns)}, **elements)


def denied(**elements: Any) -> dict[str, Any]:
    return statement("Deny", **elements)


DELEGATING = policy(named(ROOT))
CLOSED = policy(named(f"arn:aws:iam::{HERE}:user/nobody"))
EVERYTHING = policy(statement())


def key(policy: str = DELEGATING, **changes: Any) -> Key:
    values: dict[str, Any] = {
        "arn": ARN,
        "spec": "SYMMETRIC_DEFAULT",
        "usage": KeyUsage.ENCRYPT_DECRYPT,
        "origin": Origin.AWS_KMS,
        "state": KeyState.ENABLED,
        "created": NOW,
        "description": "",
        "policy": policy,
        "material": "m",
    }
    return Key(**(values | changes))


def user(arn: str, policy: str) -> Principal:
    return Principal(arn=arn, policy=policy, created=NOW)


def grant(grantee: str, *operations: str, **changes: Any) -> Grant:
    values: dict[str, Any] = {
        "handle": f"{ARN}/{'ab' * 32}",
        "key": ARN,
        "grantee": grantee,
        "operations": operations,
        "issuer": ROOT,
        "created": NOW,
    }
    pair = required_pair(changes.get("constraints", {}))
    return Grant(**(values | {"pair": pair} | changes))


class Records:
    """A `Reader` over a few records: a store takes longer to make than a thousand decisions."""

    def __init__(self, *records: Record) -> None:
        self._records = records

    def get(self, kind: type[R], name: str) -> R | None:
        return next((each for each in self._of(kind) if name_of(each) == name), None)

    def find(self, kind: type[R], **equal: str) -> list[R]:
        pairs = equal.items()
        return [each for each in self._of(kind) if all(getattr(each, f) == v for f, v in pairs)]

    def are_fewer(self, kind: type[R], most: int, **equal: str) -> bool:
        return len(self.find(kind, **equal)) < most

    def page(
        self, kind: type[R], prefix: str, after: str = "", limit: int = 100, **equal: str
    ) -> list[R]:
        found = self.find(kind, **equal)
        page = [each for each in found if name_of(each).startswith(prefix)]
        return [each for each in page if name_of(each) > after][:limit]

    def last_use(self, key: str) -> LastUse | None:
        return None

    def _of(self, kind: type[R]) -> list[R]:
        return sorted((each for each in self._records if isinstance(each, kind)), key=name_of)


def ask(
    principal: str,
    operation: str = "Decrypt",
    *,
    key_policy: str = DELEGATING,
    iam: str = "",
    grants: Sequence[Grant] = (),
    others: Sequence[Record] = (),
    request: Mapping[str, Any] | None = None,
    on: Mapping[str, Any] | None = None,
    caller: Mapping[str, Any] | None = None,
    **changes: Any,
) -> access.Question:
    """A question about the key. `on` changes the key, `caller` the caller, the rest the question.

    `iam`: the IAM policy of the caller.
    """
    account = principal.split(":")[4] if principal.startswith("arn:") else HERE
    who = replace(Caller(principal, account, "us-east-1"), **(caller or {}))
    record = key(key_policy, **(on or {}))
    principals = [user(who.identity, iam)] if iam else []
    values: dict[str, Any] = {
        "caller": who,
        "operation": operation,
        "resource": record.arn,
        "record": record,
        "request": request or {},
        "now": NOW,
        "records": Records(record, *principals, *grants, *others),
        "cross_account": True,
    }
    return access.Question(**(values | changes))


def allowed(principal: str, operation: str = "Decrypt", **about: Any) -> bool:
    return access.decide(ask(principal, operation, **about)).allowed


def because(principal: str, operation: str = "Decrypt", **about: Any) -> access.Reason:
    return access.decide(ask(principal, operation, **about)).reason


def holds(written: str, name: str, wanted: Any, **about: Any) -> bool:
    """Whether a condition holds: the key policy allows alice only under this condition."""
    about.setdefault("principal", ALICE)
    condition = {written: {name: wanted}}
    return allowed(key_policy=policy(statement(Principal="*", Condition=condition)), **about)
