"""Exercises of lesson 07: lend a record, find who read at night (`policies.py` has the policy)."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.staff import ADMINISTRATOR, context_of
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, error_of, require_bodies, result_of
from kmslab.course.exercises.permissions import OPERATIONS, may
from kmslab.course.outcome import outcome
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

WORKS = "ok"
ONE, OTHER, THIRD = "R-117", "R-217", "R-317"
READERS = {"Decrypt", "DescribeKey", "RetireGrant"}  # operations

# --------------------------------------------------------------------------------- lend a record

NO_GRANT = "`{}` returned `{!r}`, and ListGrants shows no grant for the surgeon."
OTHER_GRANTEE = "`{}` was given one surgeon, and its grant names {}."
BORROWER_REFUSED = (
    "`{}` lent {} to a surgeon, and Decrypt refuses her: `{}`. Her own IAM policy allows it."
)
OPENS_MORE = (
    "`{}` lent {}, and the surgeon opens {} with it. The grant does not say which record it is for."
)
NO_CONTEXT_NEEDED = (
    "`{}` lent {}, and the surgeon opens a blob without any context. The grant does not say which "
    "record it is for."
)
BORROWER_MAY_MORE = (
    "The surgeon was lent one record to read, and may call {} now. Whoever holds more than "
    "`Decrypt` can do more than read."
)
COLLEAGUE_READS = (
    "A colleague in the surgeon's account opens {}. The grant names the account and not the person."
)
POLICY_CHANGED = (
    "`{}` changed the key policy. That is not a grant: the next auditor has to read a longer "
    "policy, and two such changes at once overwrite one another."
)
STILL_READS = "`{}` took {} back, and the surgeon still opens it."
TOOK_TOO_MUCH = (
    "`{}` took {} back, and now {} is refused, too, although it was lent separately: `{}`."
)
OLD_GRANT_GONE = (
    "`{}` took a record back, and a grant is gone that was there before anything was lent. It "
    "belonged to the backup."
)


def check_lend(clinic: Clinic, lend: Function, take_back: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key, backup = fresh.key(lab), fresh.person(lab)
    surgeons = [_surgeon(lab, number) for number in ("666677778888", "777788889999")]
    require_bodies([lend, take_back], key, surgeons[0], ONE)
    key = fresh.key(lab)  # which no call has met
    blobs = {number: key.encrypt(fresh.record(), context_of(number)) for number in (ONE, OTHER)}
    blobs |= {THIRD: key.encrypt(fresh.record(), context_of(THIRD))}
    kept, policy = key.grant(backup.caller.principal, "Decrypt"), key.policy
    loans = [(surgeons[0], ONE), (surgeons[1], OTHER), (surgeons[0], THIRD)]
    lent = {}
    for who, number in loans:
        before = _grants(key)
        lent[who, number] = result_of(lend, key, who, number)
        if key.policy != policy:
            raise Wrong(POLICY_CHANGED.format(lend.__name__))
        _check_grants(lend, who, lent[who, number], _new(before, _grants(key)))
    for who, number in loans:
        _check_borrower(lend, key, who, number, blobs)
    _check_taken_back(take_back, key, loans, lent, blobs)
    if kept not in [grant["GrantId"] for grant in _grants(key)]:
        raise Wrong(OLD_GRANT_GONE.format(take_back.__name__))
    return (
        "Each surgeon opens what was lent to her and nothing else, and can't pass it on. What was "
        "taken back is refused at the next call; the other loans go on."
    )


def _grants(key: CMK) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = key.lab.kms.list_grants(KeyId=key.arn, Limit=100)["Grants"]
    return found


def _check_grants(lend: Function, who: View, lent: Any, new: list[dict[str, Any]]) -> None:
    """ListGrants shows a grant for this person, and no operation in it but those of a reader."""
    if not new:
        raise Wrong(NO_GRANT.format(lend.__name__, lent))
    account = {who.caller.principal, who.caller.account_principal}
    for grant in new:
        name = grant["GranteePrincipal"]
        if name not in account:
            *_, number, user = name.split(":")
            raise Wrong(OTHER_GRANTEE.format(lend.__name__, f"`{user}` of account {number}"))
        for operation in grant["Operations"]:
            if operation not in READERS:
                raise Wrong(BORROWER_MAY_MORE.format(f"`{operation}`"))


def _new(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {grant["GrantId"] for grant in before}
    return [grant for grant in after if grant["GrantId"] not in known]


def _surgeon(lab: Lab, account: str) -> View:
    return lab.account(account).user("surgeon", ADMINISTRATOR)


def _check_borrower(
    lend: Function, key: CMK, who: View, number: str, blobs: Mapping[str, bytes]
) -> None:
    name = lend.__name__
    if (answer := outcome(who.decrypt, blobs[number], context_of(number))) != WORKS:
        raise Wrong(BORROWER_REFUSED.format(name, number, answer))
    theirs = {ONE, THIRD} if number in (ONE, THIRD) else {OTHER}
    for other in blobs.keys() - theirs:
        if outcome(who.decrypt, blobs[other], context_of(other)) == WORKS:
            raise Wrong(OPENS_MORE.format(name, number, other))
    if outcome(who.decrypt, key.encrypt(fresh.record())) == WORKS:
        raise Wrong(NO_CONTEXT_NEEDED.format(name, number))
    for operation in OPERATIONS:
        if operation not in READERS and may(who, operation, key, context_of(number)):
            raise Wrong(BORROWER_MAY_MORE.format(f"`{operation}`"))
    colleague = who.user("colleague", ADMINISTRATOR)
    if outcome(colleague.decrypt, blobs[number], context_of(number)) == WORKS:
        raise Wrong(COLLEAGUE_READS.format(number))


def _check_taken_back(
    take_back: Function,
    key: CMK,
    loans: list[tuple[View, str]],
    lent: Mapping[tuple[View, str], Any],
    blobs: Mapping[str, bytes],
) -> None:
    """What was taken back is refused; the loans after it are not."""
    for place, (who, number) in enumerate(loans[:2], 1):
        _take(take_back, key, lent[who, number])
        if outcome(who.decrypt, blobs[number], context_of(number)) == WORKS:
            raise Wrong(STILL_READS.format(take_back.__name__, number))
        for other, still in loans[place:]:
            answer = outcome(other.decrypt, blobs[still], context_of(still))
            if answer != WORKS:
                raise Wrong(TOOK_TOO_MUCH.format(take_back.__name__, number, still, answer))


def _take(take_back: Function, key: CMK, lent: Any) -> None:
    if error := error_of(take_back, key, lent):
        text = f"`{take_back.__name__}` stopped with `{type(error).__name__}`: {error}"
        raise Wrong(text) from error


# -------------------------------------------------------------------------- who read at night

SEOUL = timedelta(hours=9)  # ahead of UTC
OPENS, CLOSES = 8, 18  # o'clock in Seoul
# What happens, and how many minutes after midnight in Seoul; a day a row.
DAYS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("read", 8 * 60 + 30), ("read", 17 * 60 + 30), ("read", 22 * 60 + 40)),
    (("read", 2 * 60 + 15), ("seal", 2 * 60 + 20), ("read", 10 * 60), ("refused", 23 * 60)),
    (("read", 7 * 60 + 30), ("read", 8 * 60), ("visit", 12 * 60), ("visit", 18 * 60 + 30)),
    (("data key", 60), ("seal", 12 * 60), ("read", 13 * 60 + 40), ("read", 23 * 60 + 59)),
)
NOT_A_LIST_OF_EVENTS = "`{}` should give back a list of events out of the trail. It gave back {}."
MISSED = (
    "An event is missing: at {} UTC {} read a record, and in Seoul it was {} then. The office is "
    "open from 8 to 18."
)
BY_DAY = "The event of {} UTC is too much: in Seoul it was {} then, and the office was open."
NO_READING = "The event of {} UTC is too much: it is {}, and that reads no record."
REFUSED_READING = (
    "The event of {} UTC is too much: the KMS refused it (`{}`), so it showed no record to anybody."
)


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
    visitor, stranger = _surgeon(lab, "666677778888"), fresh.person(lab)
    key.grant(visitor.caller.principal, "Decrypt")
    blob = key.encrypt(fresh.record(), context_of(ONE))
    midnight = (lab.clock.now() + SEOUL).replace(hour=0, minute=0, second=0, microsecond=0) - SEOUL
    start = len(lab.trail)
    for day, happenings in enumerate(days, 1):
        for number, (what, minutes) in enumerate(happenings):
            moment = midnight + timedelta(days=day, minutes=minutes)
            lab.clock.advance(seconds=(moment - lab.clock.now()).total_seconds())
            reader = readers[number % 2]
            calls: dict[str, Callable[[], Any]] = {
                "read": partial(reader.decrypt, blob, context_of(ONE)),
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
        if each not in trail:
            raise Wrong(NOT_A_LIST_OF_EVENTS.format(at_night.__name__, f"among others `{each!r}`"))
        if each["eventName"] != "Decrypt":
            raise Wrong(NO_READING.format(_time(each), f"`{each['eventName']}`"))
        if "errorCode" in each:
            raise Wrong(REFUSED_READING.format(_time(each), each["errorCode"]))
    for event in trail:
        if _is_at_night(event) and event not in found:
            who = event["userIdentity"].get("userName", "somebody of another account")
            raise Wrong(MISSED.format(_time(event), who, f"{_seoul(event):%H:%M}"))
    if by_day := [each for each in found if not _is_at_night(each)]:
        raise Wrong(BY_DAY.format(_time(by_day[0]), f"{_seoul(by_day[0]):%H:%M}"))
