"""The three kinds of key, tried one after the other: who may do what is found out, not looked up.

Each kind gets a page to guard in a bucket, and then everything that one may want of a key is asked
for as the lab's own account, its root user. It happens in a rehearsal: afterwards it never did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kmslab.kms.arn import resource_of
from kmslab.kms.backing.blob import parse
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.integrations import AWS_MANAGED, AWS_OWNED
from kmslab.lab.lab import Lab

PAGE, NAME = b"a page to guard", "on-trial"
WORKS = "works"
YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: `works`, the name of a refusal, or what was counted."""

    words: str
    good: bool | None  # None: neither a yes nor a no


@dataclass(frozen=True, slots=True)
class Tried:
    """One kind of key: its alias, if the account has a list with it, and an answer a question."""

    kind: str
    alias: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A key of one kind, and what it took to guard a page."""

    lab: Lab
    key_id: str
    opened: bool  # by the service, for the lab's account
    seen: int  # of the service's two calls, in the account's trail
    requests: int  # on the account's bill
    fee: Decimal  # USD, of the next whole month

    def ask(self, operation: str, **members: Any) -> Answer:
        try:
            getattr(self.lab.kms, operation)(KeyId=self.key_id, **members)
        except KMSError as refusal:
            return Answer(refusal.code, good=False)
        return Answer(WORKS, good=True)


def _describe(trial: Trial) -> Answer:
    return trial.ask("describe_key")


def _encrypt(trial: Trial) -> Answer:
    return trial.ask("encrypt", Plaintext=PAGE)


def _through_the_service(trial: Trial) -> Answer:
    return Answer(WORKS if trial.opened else "fails", good=trial.opened)


def _disable(trial: Trial) -> Answer:
    answer = trial.ask("disable_key")
    if answer.good:
        trial.ask("enable_key")
    return answer


def _rotate(trial: Trial) -> Answer:
    return trial.ask("rotate_key_on_demand")


def _by_itself(trial: Trial) -> Answer:
    """How often it was rotated, as far as the account can see."""
    began = len(trial.lab.trail)
    trial.lab.clock.advance(days=YEAR.days)
    times = _count(trial.lab, trial.key_id, began, "RotateKey")
    return Answer(f"{times} in the trail" if times else _why_never(trial), good=None)


def _why_never(trial: Trial) -> str:
    try:
        status = trial.lab.kms.get_key_rotation_status(KeyId=trial.key_id)
    except KMSError:
        return "0 to be seen"
    return "0 in the trail" if status["KeyRotationEnabled"] else "0: not turned on"


def _seen(trial: Trial) -> Answer:
    return Answer(f"{trial.seen} of 2 calls", good=trial.seen == 2)


def _paid(trial: Trial) -> Answer:
    return Answer(f"USD {trial.fee:.2f}, {trial.requests} requests", good=None)


# What one may want of a key, how it is tried, and by what. Nothing else is tried after the year.
QUESTIONS: Sequence[tuple[str, str, Callable[[Trial], Answer]]] = (
    ("view it", "DescribeKey", _describe),
    ("manage it", "DisableKey", _disable),
    ("use it", "Encrypt", _encrypt),
    ("use it through S3", "put and get an object", _through_the_service),
    ("audit it", "that object in the trail", _seen),
    ("rotate it", "RotateKeyOnDemand", _rotate),
    ("wait until it is rotated", "RotateKey within a year", _by_itself),
    ("pay for it", "a month, and that object", _paid),
)
# What a bucket is told, for a key of each kind.
KINDS: Mapping[str, Callable[[Lab], str]] = {
    "customer managed": lambda lab: lab.create_cmk(NAME).arn,
    "AWS managed": lambda lab: AWS_MANAGED,
    "AWS owned": lambda lab: AWS_OWNED,
}


def try_kinds(lab: Lab) -> list[Tried]:
    """Ask everything of a key of each kind, as this lab's account. For a lab in memory."""
    months = _months(lab.clock.now())
    without = _fees(lab, *months)
    return [_try(lab, kind, months, without) for kind in KINDS]


def _try(lab: Lab, kind: str, months: tuple[datetime, datetime], without: Decimal) -> Tried:
    with lab.rehearsal():
        bucket = lab.bucket(NAME, KINDS[kind](lab))
        began, asked = len(lab.trail), _requests(lab)
        bucket.put(NAME, PAGE)
        opened = bucket.get(NAME) == PAGE
        blob = parse(bucket.stored(NAME).data_key)  # which names its key, whoever owns it
        key_id = blob.key if blob else ""
        trial = Trial(
            lab,
            key_id,
            opened,
            seen=_count(lab, key_id, began, "GenerateDataKey", "Decrypt"),
            requests=_requests(lab) - asked,
            fee=_fees(lab, *months) - without,
        )
        answers = tuple(ask(trial) for _, _, ask in QUESTIONS)
        return Tried(kind, _alias(trial), answers)


def _alias(trial: Trial) -> str:
    listed = trial.lab.kms.list_aliases(Limit=100)["Aliases"]
    return next((a["AliasName"] for a in listed if a.get("TargetKeyId") == trial.key_id), "")


def _count(lab: Lab, key_id: str, began: int, *names: str) -> int:
    """Events with these names about this key, in the account's trail from there on."""
    return sum(
        event["eventName"] in names
        and any(resource_of(each["ARN"]) == f"key/{key_id}" for each in event["resources"])
        for event in lab.trail[began:]
    )


def _requests(lab: Lab) -> int:
    return sum(line.count for line in lab.bill().lines)


def _months(now: datetime) -> tuple[datetime, datetime]:
    """The first day of the next month, and of the one after: the first whole month to pay."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return following, (following + timedelta(days=32)).replace(day=1)


def _fees(lab: Lab, month: datetime, over: datetime) -> Decimal:
    """What the account's keys cost in that month, if things stay as they are."""
    with lab.rehearsal():
        lab.clock.advance(seconds=(over - lab.clock.now()).total_seconds())
        lines = lab.bill(f"{month:%Y-%m}").lines
    return sum((line.amount for line in lines if not line.count), Decimal())
