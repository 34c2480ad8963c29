"""Exercises of lesson 09: the cheapest kind of key, the bill for calls.

`sharing_data_keys.py` has the pages that share a data key.
"""

from decimal import Decimal
from itertools import combinations
from math import ceil, isfinite
from secrets import SystemRandom
from typing import TYPE_CHECKING

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.messages import listed
from kmslab.kms.billing import PRICES

if TYPE_CHECKING:  # the figures load matplotlib, and most programs that use the course draw nothing
    from kmslab.figures.key_kind_trials import KindResult

_random = SystemRandom()

# ------------------------------------------------------------------------- the cheapest kind of key

# What one may need, as the lesson says it, and the trial that shows which kinds have it.
NEEDS = {
    "see each call": "audit it",
    "turn it off": "manage it",
    "lend it": "lend it",
    "rotate it today": "rotate it",
}
CHEAPEST_FIRST = ("AWS owned", "AWS managed", "customer managed")
NOT_A_KIND = "`{}` should give back one of {}. For {} it gave back `{!r}`."
LACKS = "For {} `{}` gave back `{}`. That was tried with a key of this kind, and to {} failed: {}."
TOO_DEAR = "For {} `{}` gave back `{}`. `{}` has all that as well, and costs less."


def check_kind(clinic: Clinic, cheapest: Function) -> str:
    from kmslab.figures.key_kind_trials import try_kinds

    every_key.enable(clinic.lab)
    require_bodies([cheapest], set())
    tried = {each.kind: each for each in try_kinds(clinic.lab)}
    for size in range(len(NEEDS) + 1):
        for needs in combinations(NEEDS, size):
            _check_kind(cheapest, set(needs), tried)
    return (
        f"All {2 ** len(NEEDS)} lists of needs get the cheapest kind that has them, as the trials "
        "in this lab found it. Only to see the calls costs no dollar a month."
    )


def _check_kind(cheapest: Function, needs: set[str], tried: "dict[str, KindResult]") -> None:
    name = cheapest.__name__
    words = listed(sorted(needs), '"{}"') if needs else "no need at all"
    try:
        kind = result_of(cheapest, set(needs))
    except Wrong as wrong:
        raise Wrong(f"For {words}: {wrong}") from wrong
    if not isinstance(kind, str) or kind not in CHEAPEST_FIRST:
        kinds = ", ".join(f'"{each}"' for each in CHEAPEST_FIRST)
        raise Wrong(NOT_A_KIND.format(name, kinds, words, kind))
    for need in sorted(needs):
        if why := _lack(need, tried[kind]):
            raise Wrong(LACKS.format(words, name, kind, need, why))
    for other in CHEAPEST_FIRST[: CHEAPEST_FIRST.index(kind)]:
        if not any(_lack(need, tried[other]) for need in needs):
            raise Wrong(TOO_DEAR.format(words, name, kind, other))


def _lack(need: str, kind: "KindResult") -> str:
    """What the trial showed if this kind of key does not have it, or ""."""
    result = kind.result(NEEDS[need])
    return "" if result.good else f"`{result.text}`"


# ------------------------------------------------------------------------------ the bill for calls

FREE: int = PRICES["free_requests"]
PRICE = Decimal(PRICES["requests"]["standard"]["per_10000"])
BATCH, CENT, A_THIRD_OF_A_CALL = 10_000, Decimal("0.01"), Decimal("0.000001")
NOT_A_NUMBER = "`{}` should give back dollars, a number. It gave back `{!r}`."
NEGATIVE = (
    "For {:,} messages, {:,} to a data key, `{}` gave back {} dollars: AWS would pay the clinic. "
    "What is free is free, and no more."
)
DOLLARS = (
    "For {:,} messages, {:,} to a data key, `{}` gave back {} dollars. It takes {:,} calls, of "
    "which {:,} are charged: {} dollars."
)
NO_FREE_CALLS = " The first {:,} calls of a month are free."
A_CALL_EACH = " That is what it costs without sharing."
NOT_ROUNDED = " The last data key is made, too, if only a few messages are left for it."


def check_bill(clinic: Clinic, requests_cost: Function) -> str:
    require_bodies([requests_cost], 10_000_000, 1)
    cases = [
        (10_000_000, 1),
        (10_000_000, 100),
        (10_019_999, 1),
        (FREE, 1),
        (5_000, 10),
        (0, 1),
        (30_000_001, 1_000),
    ]
    cases += [(_random.randrange(10**7, 10**9), _random.randrange(2, 50)) for _ in range(20)]
    cases += [(FREE * 7 + BATCH * 7 * 100 + 1, 7)]
    for messages, per_key in cases:
        _check_cost(requests_cost, messages, per_key)
    return (
        f"{len(cases)} months, to the cent. The size of a message stands nowhere in it: the bill "
        "counts calls."
    )


def _cost(calls: int | Decimal) -> Decimal:
    return PRICE * max(0, calls - FREE) / BATCH


def _dollars(amount: Decimal) -> str:
    """A fraction of a cent has six places, in which a call is seen."""
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,.6f}"


def _check_cost(requests_cost: Function, messages: int, per_key: int) -> None:
    name, given = requests_cost.__name__, result_of(requests_cost, messages, per_key)
    number = isinstance(given, int | float | Decimal) and not isinstance(given, bool)
    if not number or not isfinite(given):
        raise Wrong(NOT_A_NUMBER.format(name, given))
    cost, calls = Decimal(str(given)), ceil(Decimal(messages) / per_key)
    if cost < 0:
        raise Wrong(NEGATIVE.format(messages, per_key, name, _dollars(cost)))
    exact, rounded = _cost(calls), cost == round(cost, 4)
    if abs(cost - exact) < (CENT if rounded else A_THIRD_OF_A_CALL):
        return
    reasons = {
        PRICE * calls / BATCH: NO_FREE_CALLS.format(FREE),
        _cost(messages): A_CALL_EACH,
    }
    why = next((text for wrong, text in reasons.items() if abs(cost - wrong) < CENT), "")
    shown = f"{exact:,.2f}"
    if not why and abs(cost - exact) < CENT:
        down, whole = messages // per_key, messages % per_key == 0
        by_halves = Decimal(messages) / per_key
        near = any(abs(cost - _cost(each)) < A_THIRD_OF_A_CALL for each in (down, by_halves))
        shown, why = f"{exact:,.6f}", NOT_ROUNDED if near and not whole else ""
    charged = max(0, calls - FREE)
    said = _dollars(cost)
    raise Wrong(DOLLARS.format(messages, per_key, name, said, calls, charged, shown) + why)
