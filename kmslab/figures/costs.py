"""The bill against the damage: what sealing costs if data keys are used again, and what one opens.

Each program really seals its messages; its calls are counted and undone. The messages themselves
show how many of them one data key opens, because each carries its data key, encrypted.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kmslab import envelope
from kmslab.figures.canvas import (
    BLUE,
    GREY,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
)
from kmslab.kms.billing import PRICES
from kmslab.lab.lab import Lab

MARGIN, TOP, ROW, BAR, FOOT = 16, 48, 56, 20, 40  # CSS pixels
MIDDLE, NAME, LONGEST = WIDTH / 2, 240, 210  # the names' column; the longest bar
BATCH = 10_000  # requests that a price is for
PRICE_LIST = {entry["for"]: entry for entry in PRICES["requests"].values()}


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to seal messages, as it was counted."""

    name: str
    messages: int
    requests: Mapping[str, int]  # by the bill's name for their price class
    opened: int  # messages that one data key opens, at most; 0 if there is no data key

    @property
    def calls(self) -> int:
        return sum(self.requests.values())

    def dollars(self, monthly: int) -> Decimal:
        """For so many messages a month, after the free requests and without the keys' fees."""
        total = Decimal()
        for name, number in self.requests.items():
            price = PRICE_LIST[name]
            free = PRICES["free_requests"] if price.get("free_tier") else 0
            charged = max(0, number * monthly // self.messages - free)
            total += Decimal(price["per_10000"]) * charged / BATCH
        return total.quantize(Decimal("0.01"))


def costs(
    lab: Lab, programs: Mapping[str, Callable[[], Sequence[bytes]]], monthly: int = 10_000_000
) -> Picture:
    """Run each program (one to six, by name) and draw its bill and what one data key of it opens.

    A program seals some messages and returns them: blobs, or messages of `kmslab.envelope`. Its
    calls are counted in a rehearsal, so the lab must be in memory, and are scaled up to `monthly`
    messages a month. The bill has requests only: USD, at the prices in `kmslab/kms/contract`.
    Example: `costs(lab, {"a data key each": lambda: [envelope.encrypt(page, records) for page in
    pages]})`.
    """
    plans = [_count(lab, name, program) for name, program in programs.items()]
    canvas = Canvas(TOP + ROW * len(plans) + FOOT)
    canvas.label(MARGIN, TOP / 2, "one leaked data key opens", weight="bold")
    canvas.label(WIDTH - MARGIN, TOP / 2, "requests cost", weight="bold", ha="right")
    widest = max(plan.opened for plan in plans) or 1
    dearest = max(plan.dollars(monthly) for plan in plans) or Decimal(1)
    for number, plan in enumerate(plans):
        left = LONGEST * plan.opened / widest
        right = LONGEST * float(plan.dollars(monthly) / dearest)
        _draw(canvas, plan, monthly, TOP + ROW * (number + 0.5), left, right)
    canvas.label(MARGIN, TOP + ROW * len(plans) + 16, _scope(monthly), color=GREY)
    return Picture(canvas.figure, _caption(plans, monthly))


def _count(lab: Lab, name: str, program: Callable[[], Sequence[bytes]]) -> Plan:
    before = _requests(lab)
    with lab.rehearsal():
        messages = program()
        made = _requests(lab) - before
    if not messages:
        raise ValueError(f"{name} returned no messages; a program returns all that it sealed")
    keys = Counter(key for message in messages if (key := _data_key(message)))
    return Plan(name, len(messages), made, max(keys.values(), default=0))


def _requests(lab: Lab) -> Counter[str]:
    return Counter({line.what: line.count for line in lab.bill().lines if line.count})


def _data_key(message: bytes) -> bytes:
    """The message's data key, encrypted; b"" for a blob, which has none."""
    fields = envelope.inspect(message).fields
    return next((each.content for each in fields if each.name == "encrypted data key"), b"")


def _draw(canvas: Canvas, plan: Plan, monthly: int, y: float, left: float, right: float) -> None:
    canvas.label(MIDDLE, y, plan.name, NAME, ha="center", weight="bold")
    start, end = MIDDLE - NAME / 2 - 10, MIDDLE + NAME / 2 + 10
    if left:
        look = {"facecolor": VERMILLION, "hatch": "///", "edgecolor": "white"}
        canvas.box(start - left, y - BAR / 2, left, BAR, **look)
    opened = f"{plan.opened:,}" if plan.opened else "there is none"
    canvas.label(start - left - 8, y, opened, ha="right")
    if right:
        canvas.box(end, y - BAR / 2, right, BAR, facecolor=BLUE, edgecolor="white")
    canvas.label(end + right + 8, y, f"${plan.dollars(monthly):,}")


def _scope(monthly: int) -> str:
    return f"{monthly:,} messages a month, prices of {PRICES['region']} in {PRICES['date']}"


def _caption(plans: Sequence[Plan], monthly: int) -> str:
    counted = " ".join(_sentence(plan, monthly) for plan in plans)
    return (
        f"Picture: what the requests for {monthly:,} messages a month cost, and how many messages "
        f"one data key opens. {counted} "
        f"Prices of {PRICES['region']} in {PRICES['date']}, {PRICES['source']}, with "
        f"{PRICES['free_requests']:,} free requests; keys cost extra."
    )


def _sentence(plan: Plan, monthly: int) -> str:
    calls = f"{plan.calls:,} {'call' if plan.calls == 1 else 'calls'}"
    opens = f"one data key opens {plan.opened:,}" if plan.opened else "there is no data key"
    cost = f"USD {plan.dollars(monthly):,}"
    return f"**{plan.name}**: {calls} for {plan.messages:,} messages, {cost}; {opens}."
