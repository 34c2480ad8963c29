"""07-night: the events of a trail in which somebody read a record while the office was closed."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.staff import ADMINISTRATOR, context_of
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.outcome import outcome
from kmslab.lab.lab import Lab

ONE, OTHER = "R-117", "R-217"
SEOUL = timedelta(hours=9)  # ahead of UTC
OPENS, CLOSES = 8, 18  # o'clock in Seoul
# What happens, and how many minutes after midnight in Seoul; a day a row.
DAYS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("read", 8 * 60 + 30), ("read", 17 * 60 + 30), ("read", 22 * 60 + 40), ("mistaken", 23 * 60)),
    (
        ("read", 30),
        ("other", 2 * 60 + 15),
        ("other", 2 * 60 + 15),
        ("seal", 2 * 60 + 20),
        ("read", 10 * 60),
        ("refused", 23 * 60),
    ),
    (("read", 7 * 60 + 30), ("read", 8 * 60), ("visit", 12 * 60), ("visit", 18 * 60 + 30)),
    (("data key", 60), ("seal", 12 * 60), ("read", 13 * 60 + 40), ("read", 23 * 60 + 59)),
)
NOT_A_LIST_OF_EVENTS = "`{}` should give back a list of events out of the trail. It gave back {}."
OTHER_TRAIL = "`{}` gave back the event of {} UTC, and that is not in the trail that it was given."
MISSED = (
    "An event is missing: at {} in Seoul ({} UTC) {} read a record. The office is open from 8 to "
    "18."
)
NOT_IN_LIST = "The event of {} in Seoul ({} UTC) does not belong in the list: {}."
TWICE = "it happened once, and it is in the list twice"
BY_DAY = "the office was open"
NO_READING = "it is `{}`, and that reads no record"
REFUSED_READING = "the KMS refused it (`{}`), so it showed no record to anybody"


def check_night(clinic: Clinic, at_night: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    require_bodies([at_night], lab.trail)
    trails = [_month(lab, DAYS), _month(lab, (DAYS[0][:2],)), _month(lab, DAYS[::-1])]
    for trail in trails:
        found = result_of(at_night, deepcopy(trail))
        if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
            raise Wrong(NOT_A_LIST_OF_EVENTS.format(at_night.__name__, f"`{repr(found)[:60]}`"))
        _check_events(at_night, trail, list(found))
    return (
        "Three trails, and each reading at night is found: by clocks in Seoul, also just before "
        "eight and just before midnight. What was refused or only sealed is left out."
    )


def _month(lab: Lab, days: tuple[tuple[tuple[str, int], ...], ...]) -> list[dict[str, Any]]:
    """Events that really happened, in a clinic of other people."""
    key = fresh.key(lab)
    readers = [fresh.held_by(fresh.person(lab, ADMINISTRATOR), key) for _ in range(2)]
    visitor = lab.account("666677778888").user("surgeon", ADMINISTRATOR)
    stranger = fresh.person(lab)
    key.grant(visitor.caller.principal, "Decrypt")
    blob, other = (key.encrypt(fresh.record(), context_of(each)) for each in (ONE, OTHER))
    midnight = (lab.clock.now() + SEOUL).replace(hour=0, minute=0, second=0, microsecond=0) - SEOUL
    start = len(lab.trail)
    for day, happenings in enumerate(days, 1):
        for number, (what, minutes) in enumerate(happenings):
            moment = midnight + timedelta(days=day, minutes=minutes)
            lab.clock.advance(seconds=(moment - lab.clock.now()).total_seconds())
            reader = readers[number % 2]
            calls: dict[str, Callable[[], Any]] = {
                "read": partial(reader.decrypt, blob, context_of(ONE)),
                "other": partial(reader.decrypt, other, context_of(OTHER)),
                "mistaken": partial(reader.decrypt, blob, context_of(OTHER)),
                "seal": partial(reader.encrypt, fresh.record(), context_of(OTHER)),
                "data key": partial(reader.generate_data_key, context_of(OTHER)),
                "visit": partial(visitor.decrypt, blob, context_of(ONE)),
                "refused": partial(stranger.decrypt, blob, context_of(ONE)),
            }
            outcome(calls[what])
    return list(lab.trail[start:])


def _seoul(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["eventTime"]) + SEOUL


def _time(event: Mapping[str, Any]) -> str:
    return str(event["eventTime"][:16].replace("T", " "))


def _is_at_night(event: Mapping[str, Any]) -> bool:
    """Whether a record was read while the office was closed."""
    reads = event["eventName"] == "Decrypt" and "errorCode" not in event
    return reads and not OPENS <= _seoul(event).hour < CLOSES


def _check_events(at_night: Function, trail: list[dict[str, Any]], found: list[Any]) -> None:
    for each in found:
        _check_listed(at_night, trail, each)
    for event in trail:
        if _is_at_night(event) and event not in found:
            who = event["userIdentity"].get("userName", "somebody of another account")
            raise Wrong(MISSED.format(f"{_seoul(event):%H:%M}", _time(event), who))
    if again := [each for place, each in enumerate(found) if each in found[:place]]:
        raise _not_in_list(again[0], TWICE)
    if by_day := [each for each in found if not _is_at_night(each)]:
        raise _not_in_list(by_day[0], BY_DAY)


def _not_in_list(event: Mapping[str, Any], why: str) -> Wrong:
    return Wrong(NOT_IN_LIST.format(f"{_seoul(event):%H:%M}", _time(event), why))


def _check_listed(at_night: Function, trail: list[dict[str, Any]], each: Any) -> None:
    """One event of the list: it is in the trail, and somebody read a record."""
    if each not in trail and isinstance(each, Mapping) and "eventTime" in each:
        raise Wrong(OTHER_TRAIL.format(at_night.__name__, _time(each)))
    if each not in trail:
        raise Wrong(NOT_A_LIST_OF_EVENTS.format(at_night.__name__, f"among others `{each!r}`"))
    if each["eventName"] != "Decrypt":
        raise _not_in_list(each, NO_READING.format(each["eventName"]))
    if "errorCode" in each:
        raise _not_in_list(each, REFUSED_READING.format(each["errorCode"]))
