"""A month's bill: a pure function of the trail and of a dated price list.

A customer's key costs money by the hour from its creation on, and so does the material of its first
two rotations. A key pending deletion is free; after a cancelled deletion, that time is charged too.
An account pays for its requests and for the keys that it owns. The list is `contract/prices.json`.
Source: AWS KMS pricing. It does not say whether failed requests count (here they do) or how the
first hour of a key counts (here as a whole hour).
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kmslab.display import Table
from kmslab.kms import store as stores
from kmslab.kms.arn import as_arn, known_arn
from kmslab.kms.contract.events import Event
from kmslab.kms.contract.records import Alias, Key, Reader
from kmslab.kms.contract.source import CONTRACT
from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, KeyManager

PRICES: dict[str, Any] = json.loads((CONTRACT / "prices.json").read_bytes())
HOUR = timedelta(hours=1)
CENT = Decimal("0.01")
STANDARD = "standard"  # the price class of most requests
UNSURE = "(?) No price for these was found in AWS's list: the nearest kind's price is used."


class Billed(StrEnum):
    """What determines the price of a request: a column of THE TABLE."""

    ALIKE = "nothing"
    BY_KEY = "the key's spec"
    BY_PAIR = "the requested data key pair's spec"


# ----------------------------------------------------------------------------------- what is shown


@dataclass(frozen=True, slots=True)
class Line:
    subject: str  # "key alias/orders, us-east-1", "requests"
    what: str
    quantity: str
    price: str
    amount: Decimal  # USD, not rounded
    unsure: bool = False
    count: int = 0  # of requests; 0 in a key's line


@dataclass(frozen=True, slots=True)
class Bill:
    """One account's month in all Regions. It shows itself as a table; `total` is in USD."""

    account: str
    month: str  # "2026-01", in UTC
    until: datetime  # the month's end, or the time of the bill if that is earlier
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal()).quantize(CENT)

    @property
    def notes(self) -> str:
        """The source of the prices, and which of them are uncertain."""
        found = (
            f"Account {self.account}, {self.month} until {self.until:%Y-%m-%d %H:%M} UTC. "
            f"Prices of {PRICES['region']} in {PRICES['date']}: {PRICES['source']}"
        )
        return f"{found} {UNSURE}" if any(line.unsure for line in self.lines) else found

    def table(self) -> Table:
        rows = [
            [line.subject, line.what, line.quantity, line.price, f"{line.amount:.4f}"]
            for line in self.lines
        ]
        total = ["total", "", "", "", f"{self.total}"]
        return Table(["for", "what", "quantity", "price in USD", "USD"], [*rows, total])

    def __repr__(self) -> str:
        return f"{self.table()!r}\n{self.notes}"

    def _repr_markdown_(self) -> str:
        return f"{self.table()._repr_markdown_()}\n\n{self.notes}"


# --------------------------------------------------------------------------------------- the bill


def bill(
    account: str,
    month: str,
    now: datetime,
    events: Iterable[Event],
    records: Reader,
    billed: Mapping[str, Billed],
) -> Bill:
    """The bill of a month, such as `2026-01`, at the time `now`. Raises ValueError for other texts.

    `events`: the account's whole trail; those of one key in order of time.
    `billed`: THE TABLE's column.
    """
    whole = _period(month)
    until = min(max(now, whole.start), whole.end)
    lives: dict[str, Life] = {}
    made: Counter[str] = Counter()
    for event in events:
        with suppress(*stores.UNREADABLE):
            _follow(event, lives)
            if _is_request(event, account) and whole.start <= event.time < whole.end:
                made[_class(event, billed[event.operation], lives, records)] += 1
    fees = [
        line
        for life in lives.values()
        if _is_charged(life, account, records)
        for line in _fees(life, whole, until, _name(life.arn, records))
    ]
    return Bill(account, month, until, (*fees, *_requests(made)))


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime

    @property
    def hours(self) -> int:
        return (self.end - self.start) // HOUR

    def begun(self, start: datetime, end: datetime) -> int:
        """How many of the hours between these times began in this period."""
        at_once = start + timedelta.resolution  # the first hour begins with the start itself
        within = min(max(end, at_once), self.end) - max(start, self.start)
        return max(0, -(-within // HOUR))


def _period(month: str) -> Period:
    if not re.fullmatch(r"[1-8]\d{3}-(0[1-9]|1[0-2])", month, re.ASCII):
        raise ValueError(f"{month!r} is not a month: one looks like 2026-01")
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return Period(start, (start + timedelta(days=31)).replace(day=1))


# --------------------------------------------------------------------------------------- the keys


@dataclass(slots=True)
class Life:
    """What the bill needs to know of a key's life."""

    arn: str
    spec: str
    born: datetime
    pending: datetime | None = None  # when its deletion was scheduled
    rotations: list[datetime] = field(default_factory=list)

    def schedule(self, at: datetime) -> None:
        self.pending = at

    def cancel(self, at: datetime) -> None:
        self.pending = None

    def rotate(self, at: datetime) -> None:
        self.rotations.append(at)


BIRTHS = frozenset({"CreateKey", "SeedKey"})
CHANGES: dict[str, Callable[[Life, datetime], None]] = {
    "ScheduleKeyDeletion": Life.schedule,
    "CancelKeyDeletion": Life.cancel,
    "RotateKey": Life.rotate,
}


def _follow(event: Event, lives: dict[str, Life]) -> None:
    """Read from events alone, because a deleted key has no record."""
    if event.error_code or not event.resources:
        return
    arn = event.resources[0]
    if event.operation in BIRTHS and as_arn(arn):  # else the event is damaged
        metadata = (event.response or {}).get("keyMetadata", {})
        lives[arn] = Life(arn, metadata.get("keySpec", SYMMETRIC_DEFAULT), event.time)
    elif event.operation in CHANGES and arn in lives:
        CHANGES[event.operation](lives[arn], event.time)


def _is_charged(life: Life, account: str, records: Reader) -> bool:
    """AWS's own keys are free. A deleted key was a customer's: no other key can be deleted."""
    key = _key(life.arn, records)
    is_own = known_arn(life.arn).account == account
    return is_own and (key is None or key.manager is KeyManager.CUSTOMER)


def _fees(life: Life, whole: Period, until: datetime, name: str) -> Iterator[Line]:
    end = min(until, life.pending or until)
    price, charged_for = PRICES["key"]["month"], PRICES["key"]["charged_for"]
    starts = [life.born, *life.rotations]
    for what, start in zip(charged_for, starts, strict=False):
        if hours := whole.begun(start, end):
            quantity = f"{hours:,} of {whole.hours} hours"
            amount = Decimal(price) * hours / whole.hours
            yield Line(f"key {name}", what, quantity, f"{price} a month", amount)
    if more := sum(whole.begun(start, end) > 0 for start in starts[len(charged_for) :]):
        yield Line(f"key {name}", "later rotations", f"{more:,}", "free", Decimal())


def _name(arn: str, records: Reader) -> str:
    """The key's first alias, or its id, and its Region."""
    aliases = [alias.name for alias in records.find(Alias, target=arn)]
    key = known_arn(arn)
    return f"{[*aliases, key.name][0]}, {key.region}"


# ----------------------------------------------------------------------------------- the requests


def _is_request(event: Event, account: str) -> bool:
    """Whether this account paid for it: not for own acts, nor for other accounts' calls."""
    return bool(event.principal) and not event.recipient and event.account == account


def _class(event: Event, billed: Billed, lives: Mapping[str, Life], records: Reader) -> str:
    """The price class of a request. The dearer of a ReEncrypt's two keys counts."""
    if billed is Billed.BY_PAIR:
        spec = (event.request or {}).get("keyPairSpec", "")
        found: str = PRICES["class_of_pair"].get(spec, STANDARD)  # a failed request may name any
        return found
    if billed is Billed.BY_KEY:
        specs = [_spec(arn, lives, records) for arn in event.resources]
        return max((PRICES["class_of_key"][spec] for spec in specs), key=_price, default=STANDARD)
    return STANDARD


def _price(name: str) -> Decimal:
    return Decimal(PRICES["requests"][name]["per_10000"])


def _spec(arn: str, lives: Mapping[str, Life], records: Reader) -> str:
    """The spec of another account's deleted key is not known: it counts as a symmetric key."""
    known = _key(arn, records) or lives.get(arn)
    return known.spec if known else SYMMETRIC_DEFAULT


def _key(arn: str, records: Reader) -> Key | None:
    """None also for a key whose record is damaged."""
    try:
        return records.get(Key, arn)
    except stores.Damaged:
        return None


def _requests(made: Mapping[str, int]) -> Iterator[Line]:
    """In the list's order. Only one class has free requests."""
    for name, entry in PRICES["requests"].items():
        if not (count := made.get(name, 0)):
            continue
        free = min(count, PRICES["free_requests"]) if entry.get("free_tier") else 0
        unsure = entry.get("unsure", False)
        amount = _price(name) * (count - free) / 10_000
        share = ", all free" if free == count else f", {free:,} free" if free else ""
        quantity = f"{count:,}{share}"
        price = f"{entry['per_10000']} per 10,000{' (?)' if unsure else ''}"
        yield Line("requests", entry["for"], quantity, price, amount, unsure, count)
