"""Tries the three kinds of key one after the other, so that calls show who may do what with each.

A key of each kind encrypts an object in a bucket; then the root user of the lab's account tries
whatever one may want of a key. All of it happens in a rehearsal and is undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kmslab.kms.arn import resource_of, root_arn
from kmslab.kms.backing.blob import parse
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.integrations import AWS_MANAGED, AWS_OWNED
from kmslab.lab.lab import Lab

CONTENT, NAME = b"a page to guard", "on-trial"
WORKS = "works"
OTHER_ACCOUNT = root_arn("444455556666")
YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of one trial: `works`, the name of an error, or what was counted."""

    text: str
    good: bool | None  # None: neither good nor bad


@dataclass(frozen=True, slots=True)
class KindResult:
    """The results for one kind of key, one for each of QUESTIONS."""

    kind: str
    alias: str  # "" if ListAliases does not show one
    results: tuple[TrialResult, ...]

    def result(self, wish: str) -> TrialResult:
        """What was found for a wish of QUESTIONS, such as `rotate it`."""
        return next(
            result
            for question, result in zip(QUESTIONS, self.results, strict=True)
            if question.wish == wish
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """A key of one kind, and what putting and getting an object with it caused."""

    lab: Lab
    key_id: str
    returned: bool  # the service returned the object
    events: int  # of the service's two calls, in the account's trail
    requests: int  # on the account's bill
    fee: Decimal  # USD, for the next whole month

    def call(self, operation: str, **members: Any) -> TrialResult:
        try:
            getattr(self.lab.kms, operation)(KeyId=self.key_id, **members)
        except KMSError as refusal:
            return TrialResult(refusal.code, good=False)
        return TrialResult(WORKS, good=True)


def _describe(trial: Trial) -> TrialResult:
    return trial.call("describe_key")


def _encrypt(trial: Trial) -> TrialResult:
    return trial.call("encrypt", Plaintext=CONTENT)


def _through_the_service(trial: Trial) -> TrialResult:
    return TrialResult(WORKS if trial.returned else "fails", good=trial.returned)


def _disable(trial: Trial) -> TrialResult:
    result = trial.call("disable_key")
    if result.good:
        trial.call("enable_key")
    return result


def _rotate(trial: Trial) -> TrialResult:
    return trial.call("rotate_key_on_demand")


def _lend(trial: Trial) -> TrialResult:
    members = {"GranteePrincipal": OTHER_ACCOUNT, "Operations": ["Decrypt"]}
    return trial.call("create_grant", **members)


def _automatic_rotation(trial: Trial) -> TrialResult:
    """How often the key was rotated in a year, as far as the account can see."""
    start = len(trial.lab.trail)
    trial.lab.clock.advance(days=YEAR.days)
    times = _count(trial.lab, trial.key_id, start, "RotateKey")
    return TrialResult(f"{times} in the trail" if times else _why_no_rotation(trial), good=None)


def _why_no_rotation(trial: Trial) -> str:
    try:
        status = trial.lab.kms.get_key_rotation_status(KeyId=trial.key_id)
    except KMSError:
        return "0 to be seen"
    return "0 in the trail" if status["KeyRotationEnabled"] else "0: not turned on"


def _audit(trial: Trial) -> TrialResult:
    return TrialResult(f"{trial.events} of 2 calls", good=trial.events == 2)


def _pay(trial: Trial) -> TrialResult:
    return TrialResult(f"USD {trial.fee:.2f}, {trial.requests} requests", good=None)


@dataclass(frozen=True, slots=True)
class Question:
    wish: str  # what one may want of a key
    method: str  # how it is tried
    try_it: Callable[[Trial], TrialResult]


# After the year only what has been counted before it.
QUESTIONS: Sequence[Question] = (
    Question("view it", "DescribeKey", _describe),
    Question("manage it", "DisableKey", _disable),
    Question("use it", "Encrypt", _encrypt),
    Question("use it through S3", "put and get an object", _through_the_service),
    Question("audit it", "that object in the trail", _audit),
    Question("lend it", "grant to another account", _lend),
    Question("rotate it", "RotateKeyOnDemand", _rotate),
    Question("wait until it is rotated", "RotateKey within a year", _automatic_rotation),
    Question("pay for it", "a month, and that object", _pay),
)
# The key to name when a bucket is made, for each kind.
KINDS: Mapping[str, Callable[[Lab], str]] = {
    "customer managed": lambda lab: lab.create_cmk(NAME).arn,
    "AWS managed": lambda lab: AWS_MANAGED,
    "AWS owned": lambda lab: AWS_OWNED,
}


def try_kinds(lab: Lab) -> list[KindResult]:
    """Try a key of each kind as this lab's account. The lab must be in memory."""
    months = _months(lab.clock.now())
    fees_before = _fees(lab, *months)
    return [_try(lab, kind, months, fees_before) for kind in KINDS]


def _try(
    lab: Lab, kind: str, months: tuple[datetime, datetime], fees_before: Decimal
) -> KindResult:
    with lab.rehearsal():
        bucket = lab.bucket(NAME, KINDS[kind](lab))
        start, requests_before = len(lab.trail), _requests(lab)
        bucket.put(NAME, CONTENT)
        returned = bucket.get(NAME) == CONTENT
        blob = parse(bucket.stored(NAME).data_key)  # names its key, also one that AWS owns
        key_id = blob.key if blob else ""
        trial = Trial(
            lab,
            key_id,
            returned,
            events=_count(lab, key_id, start, "GenerateDataKey", "Decrypt"),
            requests=_requests(lab) - requests_before,
            fee=_fees(lab, *months) - fees_before,
        )
        results = tuple(question.try_it(trial) for question in QUESTIONS)
        return KindResult(kind, _alias(trial), results)


def _alias(trial: Trial) -> str:
    listed = trial.lab.kms.list_aliases(Limit=100)["Aliases"]
    return next((a["AliasName"] for a in listed if a.get("TargetKeyId") == trial.key_id), "")


def _count(lab: Lab, key_id: str, start: int, *names: str) -> int:
    """How many events of these names and this key the account's trail has from `start` on."""
    return sum(
        event["eventName"] in names
        and any(resource_of(each["ARN"]) == f"key/{key_id}" for each in event["resources"])
        for event in lab.trail[start:]
    )


def _requests(lab: Lab) -> int:
    return sum(line.count for line in lab.bill().lines)


def _months(now: datetime) -> tuple[datetime, datetime]:
    """The first days of the next month and of the one after: the next whole month's limits."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return following, (following + timedelta(days=32)).replace(day=1)


def _fees(lab: Lab, month: datetime, end: datetime) -> Decimal:
    """What the account's keys cost in that month if nothing changes."""
    with lab.rehearsal():
        lab.clock.advance(seconds=(end - lab.clock.now()).total_seconds())
        lines = lab.bill(f"{month:%Y-%m}").lines
    return sum((line.amount for line in lines if not line.count), Decimal())
