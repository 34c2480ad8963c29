"""09-pages: a patient's pages share a data key, within a limit, and none outlives its run."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from secrets import SystemRandom
from typing import Any

from kmslab import envelope
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.other_answers import other_answers
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.lab.cmk import CMK

_random = SystemRandom()

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
    "The key was disabled before `{}` began, and it gave back `{}` without an error. The program "
    "that called it takes the pages for sealed."
)
TURNED_ON = "`{}` turned the key on again. Sora had turned it off."
OUTLIVES_THE_RUN = (
    "`{}` was run twice with one key, and a data key of the first run sealed pages of the second. "
    "A data key that is kept after a run can be stolen after it, and what it seals next year is "
    "opened with it, too."
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
    _check_kill_switch(clinic, seal_all, each, pages, most)
    _check_nothing_is_kept(seal_all, each, pages, most)
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
        if opened.plaintext != page:
            raise Wrong(OTHER_PAGE.format(number, number))
        if opened.context != {"record": patient}:
            raise Wrong(OTHER_CONTEXT.format(patient, f"`{opened.context}`", patient))


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
    clinic: Clinic,
    seal_all: Function,
    key: CMK,
    pages: Sequence[tuple[str, bytes]],
    most: int,
) -> None:
    """One page at a time, since what a program has kept may be used up for some patients."""
    key.disable()
    with recorded(clinic.lab) as calls:
        given = [result_of(seal_all, key, [page], most, may_fail=True) for page in pages]
    key.enable()
    if calls.of("EnableKey"):
        raise Wrong(TURNED_ON.format(seal_all.__name__))
    silent = [made for made in given if made is not None]
    if any(_opens(message, key) for made in silent for message in made):
        raise Wrong(WORKS_WHEN_OFF.format(seal_all.__name__))
    if silent:
        raise Wrong(SILENT_WHEN_OFF.format(seal_all.__name__, silent[0]))


def _check_nothing_is_kept(
    seal_all: Function, key: CMK, pages: Sequence[tuple[str, bytes]], most: int
) -> None:
    """No data key of one run seals a page of the next, whatever the program asks about the key."""
    one, two = ({*map(_encrypted_keys, seal_all(key, list(pages), most))} for _ in range(2))
    if one & two:
        raise Wrong(OUTLIVES_THE_RUN.format(seal_all.__name__))


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
