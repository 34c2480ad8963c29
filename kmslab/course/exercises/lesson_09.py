"""Exercises of lesson 09: the cheapest kind of key, the bill for calls, pages that share a key."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations
from math import ceil, isfinite
from secrets import SystemRandom
from typing import Any

from kmslab import envelope
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.other_answers import other_answers
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.messages import listed
from kmslab.figures.key_kind_trials import QUESTIONS, KindResult, try_kinds
from kmslab.kms.billing import PRICES
from kmslab.lab.cmk import CMK

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


def _check_kind(cheapest: Function, needs: set[str], tried: dict[str, KindResult]) -> None:
    kind, name = result_of(cheapest, set(needs)), cheapest.__name__
    words = listed(sorted(needs), '"{}"') if needs else "no need at all"
    if not isinstance(kind, str) or kind not in CHEAPEST_FIRST:
        kinds = ", ".join(f'"{each}"' for each in CHEAPEST_FIRST)
        raise Wrong(NOT_A_KIND.format(name, kinds, words, kind))
    for need in sorted(needs):
        if why := _lack(need, tried[kind]):
            raise Wrong(LACKS.format(words, name, kind, need, why))
    for other in CHEAPEST_FIRST[: CHEAPEST_FIRST.index(kind)]:
        if not any(_lack(need, tried[other]) for need in needs):
            raise Wrong(TOO_DEAR.format(words, name, kind, other))


def _lack(need: str, kind: KindResult) -> str:
    """What the trial showed if this kind of key does not have it, or ""."""
    number = next(n for n, each in enumerate(QUESTIONS) if each.wish == NEEDS[need])
    result = kind.results[number]
    return "" if result.good else f"`{result.text}`"


# ------------------------------------------------------------------------------ the bill for calls

FREE: int = PRICES["free_requests"]
PRICE = Decimal(PRICES["requests"]["standard"]["per_10000"])
BATCH, CENT = 10_000, Decimal("0.01")
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


def _cost(calls: int) -> Decimal:
    return PRICE * max(0, calls - FREE) / BATCH


def _check_cost(requests_cost: Function, messages: int, per_key: int) -> None:
    name, given = requests_cost.__name__, result_of(requests_cost, messages, per_key)
    number = isinstance(given, int | float | Decimal) and not isinstance(given, bool)
    if not number or not isfinite(given):
        raise Wrong(NOT_A_NUMBER.format(name, given))
    cost, calls = Decimal(str(given)), ceil(Decimal(messages) / per_key)
    if cost < 0:
        raise Wrong(NEGATIVE.format(messages, per_key, name, given))
    if abs(cost - _cost(calls)) < CENT:
        return
    reasons = {
        PRICE * calls / BATCH: NO_FREE_CALLS.format(FREE),
        _cost(messages): A_CALL_EACH,
    }
    why = next((text for wrong, text in reasons.items() if abs(cost - wrong) < CENT), "")
    shown = f"{_cost(calls):,.2f}"
    charged = max(0, calls - FREE)
    raise Wrong(DOLLARS.format(messages, per_key, name, given, calls, charged, shown) + why)


# ------------------------------------------------------------------------- pages that share a key

MAKING = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Encrypt")
NOT_MESSAGES = "`{}` should give back a list of {} messages, one for each page. It gave back {}."
DOES_NOT_OPEN = "The message of page {} does not open with the key that `{}` was given: {}"
OTHER_PAGE = "Message {} holds another page than page {}. Keep the pages' order."
OTHER_CONTEXT = (
    "The message of a page of {} has the context {}, and it should have `{{'record': '{}'}}`. "
    "Without it the trail can't say whose pages were read."
)
OTHER_DOORS = (
    "The message of page {} carries its data key {} times. Each key that wrapped it opens the "
    "page, and turning off the one that `{}` was given does not stop the others."
)
TOO_MANY = (
    "One data key opens {} pages. It was to be {} at most: that is the damage if it is stolen."
)
TOO_MANY_CALLS = (
    "{} pages took {} calls that make data keys, and {} are enough. Each saved call is saved money."
)
WORKS_WHEN_OFF = (
    "The key was disabled before `{}` began, and it sealed a page all the same: with a data key "
    "that it had kept from an earlier run. What is kept goes on working after the kill switch."
)
SILENT_WHEN_OFF = (
    "The key was disabled before `{}` began, and it gave back `{}` without an error. Who called it "
    "thinks that the pages are sealed."
)
NOT_THE_ANSWER = (
    "The KMS was made to answer with other data keys than those that it encrypted, and the "
    "messages of `{}` open all the same: it seals under a data key that is not the KMS's."
)


def check_pages(clinic: Clinic, seal_all: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key = fresh.key(lab)
    require_bodies([seal_all], key, [("R-017", b"page")], 5)
    runs = [
        (fresh.key(lab), _pages(7, 5, 4, 1), 5),
        (fresh.key(lab), _pages(9, 8, 5, 1), 8),
    ]
    runs += [(runs[1][0], _pages(3, 1, 1, 1), 1)]
    for each, pages, most in runs:
        with recorded(lab) as calls:
            messages = result_of(seal_all, each, list(pages), most)
        _check_messages(seal_all, each, pages, messages)
        _check_data_keys(messages, most)
        _check_calls(pages, calls, most)
    each, pages, most = runs[1]
    _check_kill_switch(seal_all, each, pages, most)
    _check_answer_is_used(clinic, seal_all, each, pages, most)
    return (
        "Each page opens under its own patient's context, no data key opens more pages than was "
        "allowed, and no call could have been spared. With the key off, a new run is refused."
    )


def _pages(*numbers: int) -> list[tuple[str, bytes]]:
    """So many pages of each patient, in any order, some of them alike."""
    patients, same = _random.sample(fresh.NUMBERS, len(numbers)), fresh.record()
    pairs = zip(patients, numbers, strict=True)
    chosen = [f"R-{patient}" for patient, count in pairs for _ in range(count)]
    _random.shuffle(chosen)
    return [(each, same if _random.random() < 0.2 else fresh.record()) for each in chosen]


def _check_messages(
    seal_all: Function, key: CMK, pages: Sequence[tuple[str, bytes]], messages: Any
) -> None:
    name = seal_all.__name__
    if not isinstance(messages, list | tuple) or len(messages) != len(pages):
        size = f"{len(messages)}" if isinstance(messages, list | tuple) else f"`{messages!r}`"
        raise Wrong(NOT_MESSAGES.format(name, len(pages), size))
    for number, ((patient, page), message) in enumerate(zip(pages, messages, strict=True), 1):
        try:
            opened = envelope.decrypt(message, key)
        except (envelope.DecryptionError, TypeError) as error:
            raise Wrong(DOES_NOT_OPEN.format(number, name, error)) from error
        if len(opened.header.keys) != 1:
            raise Wrong(OTHER_DOORS.format(number, len(opened.header.keys), name))
        if opened.context != {"record": patient}:
            raise Wrong(OTHER_CONTEXT.format(patient, f"`{opened.context}`", patient))
        if opened.plaintext != page:
            raise Wrong(OTHER_PAGE.format(number, number))


def _encrypted_keys(message: bytes) -> tuple[bytes, ...]:
    fields = envelope.inspect(message).fields
    return tuple(each.content for each in fields if each.name == "encrypted data key")


def _check_data_keys(messages: Sequence[bytes], most: int) -> None:
    opened = Counter(map(_encrypted_keys, messages))
    if (largest := max(opened.values())) > most:
        raise Wrong(TOO_MANY.format(largest, most))


def _check_calls(pages: Sequence[tuple[str, bytes]], calls: RecordedCalls, most: int) -> None:
    by_patient = Counter(patient for patient, _ in pages)
    enough = sum(ceil(number / most) for number in by_patient.values())
    made = len(calls.of(*MAKING))
    if made > enough:
        raise Wrong(TOO_MANY_CALLS.format(len(pages), made, enough))


def _check_kill_switch(
    seal_all: Function, key: CMK, pages: Sequence[tuple[str, bytes]], most: int
) -> None:
    """One page at a time, since what a program has kept may be used up for some patients."""
    key.disable()
    given = [result_of(seal_all, key, [page], most, may_fail=True) for page in pages]
    key.enable()
    silent = [made for made in given if made is not None]
    if any(_opens(message, key) for made in silent for message in made):
        raise Wrong(WORKS_WHEN_OFF.format(seal_all.__name__))
    if silent:
        raise Wrong(SILENT_WHEN_OFF.format(seal_all.__name__, silent[0]))


def _opens(message: bytes, key: CMK) -> bool:
    try:
        envelope.decrypt(message, key)
    except (envelope.DecryptionError, TypeError):
        return False
    return True


def _check_answer_is_used(
    clinic: Clinic,
    seal_all: Function,
    key: CMK,
    pages: Sequence[tuple[str, bytes]],
    most: int,
) -> None:
    with other_answers(clinic.lab):
        messages = result_of(seal_all, key, list(pages), most)
    if all(_opens(message, key) for message in messages):
        raise Wrong(NOT_THE_ANSWER.format(seal_all.__name__))
