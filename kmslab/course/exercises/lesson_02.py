"""Mend the workshop: an envelope for data of any length that opens only if the KMS says yes."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import KEY, NotOpened, unlock
from kmslab.course.exercises import switch
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written
from kmslab.course.outcome import outcome
from kmslab.crypto import Forged
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.lab.lab import Lab

SMALL = 1024  # bytes; what is longer is data, and no key is looked for in it
TOO_LONG = (
    "`{}` sent the whole table through the wall, which takes 4,096 bytes. The table stays at home: "
    "what comes through the wall is a key for it."
)
NOTHING_TO_KEEP = (
    "`{}` should give back what lies on the disk: bytes, or several of them as `(…, …)`. It gave "
    "back {}."
)
NOBODY_ASKED = (
    "`{}` sealed a file, and nobody asked the KMS for anything. So the key is somewhere in your "
    "program, and the thief has that too. (Or did you run the lesson's first cell again? Then run "
    "those after it too.)"
)
PIECES = (
    "It works, and all of the data went through the wall, piece by piece: {} calls for the "
    "picture. Ten gigabytes would make some two million."
)
ONE_KEY = (
    "Two files have one and the same data key: whoever gets it from one file opens them all. "
    "Ask for a fresh one each time."
)
KEY_IN_THE_DOOR = (
    "The data key itself lies on the disk, {}. It opens the box without asking anybody: Friday "
    "again. Keep the other copy."
)
LAST_ONLY = (
    "`{}` opens what was sealed last, and nothing older: it goes by something that your program "
    "remembers. A laptop that was switched off remembers nothing; what it needs lies on the disk."
)
FLIPPED = (
    "One bit on the disk was flipped, and `{}` gave back something else without a word: a wrong "
    "digit looks like any other. `lock` puts a tag behind the box, so that `unlock` notices."
)
THE_BOX = (
    "`{}` gave Decrypt something of the length of the data, and it takes 6,144 bytes at most: that "
    "was the box, not the encrypted key. What comes in is what `{}` gave back, in the same order."
)
NOT_ITS_PLAINTEXT = "`{}` gives back a `{}`, and not the data: its `.plaintext` is the data."
NEVER_USED = (
    "The key is off, and the file opens all the same. So the data key that you asked for is not "
    "what sealed it, or it was kept. That is the envelope that Jiho brought home."
)


def mend(clinic: Clinic, close: Answer, open_: Answer) -> str:
    lab, record = clinic.lab, clinic.record(STOLEN)
    switch.on(lab)
    need_written([close, open_], record)
    data = (record, clinic.table, clinic.scan)
    before, _ = _sealed(lab, close, record)
    boxes, calls = zip(*(_sealed(lab, close, each) for each in data), strict=True)
    if any(outcome(lab.decrypt, part) == "ok" for part in _shared(*boxes)):
        raise Wrong(ONE_KEY)
    if not all(calls):
        raise Wrong(NOBODY_ASKED.format(close.__name__))
    if calls[-1] > calls[0]:
        raise Wrong(PIECES.format(calls[-1]))
    _hides(record, boxes[0], before)
    _comes_back(close, open_, list(zip(data, boxes, strict=True)))
    _needs_the_kms(lab, open_, record, boxes[0])
    _notices_change(open_, record, boxes[0])
    return (
        "Three files, and the largest took no more calls than the smallest. With the key off "
        "nothing opens; on again, everything does. Sora's test is passed."
    )


def _sealed(lab: Lab, close: Answer, data: bytes) -> tuple[Any, int]:
    """What the program makes of the data, and how many calls that took."""
    calls = len(lab.trail)
    meaning: dict[type[Exception], str] = {
        EXCEPTIONS["ValidationException"]: TOO_LONG.format(close.__name__)
    }
    box = ask(close, data, meaning=meaning)
    parts = list(_parts(box))
    if not parts or not all(isinstance(part, bytes) for part in parts):
        found = ", ".join(f"`{type(part).__name__}`" for part in parts) or "nothing"
        raise Wrong(NOTHING_TO_KEEP.format(close.__name__, found))
    return box, len(lab.trail) - calls


def _parts(box: Any) -> Iterable[Any]:
    if isinstance(box, dict):
        return box.values()
    return box if isinstance(box, list | tuple) else [box]


def _shared(*boxes: Any) -> set[bytes]:
    """What lies beside different data, and is the same."""
    one, *others = (set(_parts(box)) for box in boxes)
    return one.intersection(*others)


def _hides(data: bytes, box: Any, before: Any) -> None:
    parts, others = list(_parts(box)), list(_parts(before))
    if any(data in part for part in parts):
        raise Wrong("The thief reads the record as it lies there: nothing has sealed it.")
    if parts == others:
        raise Wrong(
            "The same record gave the same bytes twice, so a thief can see which files are equal. "
            "With a fresh data key that does not happen; which key was this?"
        )
    for where, key in _keys_lying_about(parts):
        if any(_opens(part, key) for part in parts if len(part) > KEY):
            raise Wrong(KEY_IN_THE_DOOR.format(where))


def _keys_lying_about(parts: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Whatever has the length of a key, by itself or as a part of something small."""
    for part in parts:
        where = "a file of 32 bytes" if len(part) == KEY else "written before or after the box"
        for start in range(len(part[:SMALL]) - KEY + 1):
            yield where, part[start : start + KEY]


def _opens(part: bytes, key: bytes) -> bool:
    """As a box by itself, or behind the key, or before it."""
    for box in (part, part[KEY:], part[:-KEY]):
        with suppress(Forged, ValueError):
            unlock(box, key)
            return True
    return False


def _comes_back(close: Answer, open_: Answer, sealed: list[tuple[bytes, Any]]) -> None:
    """The last first: whoever remembers a key remembers that one. It is also the longest."""
    *older, (data, box) = sealed
    too_long = THE_BOX.format(open_.__name__, close.__name__)
    found = ask(open_, box, meaning={EXCEPTIONS["ValidationException"]: too_long})
    if hasattr(found, "plaintext"):
        raise Wrong(NOT_ITS_PLAINTEXT.format(open_.__name__, type(found).__name__))
    if found != data:
        raise Wrong("What comes back is not what was sealed.")
    last_only = LAST_ONLY.format(open_.__name__)
    for data, box in older:
        if ask(open_, box, meaning={NotOpened: last_only}) != data:
            raise Wrong(last_only)


def _notices_change(open_: Answer, data: bytes, box: Any) -> None:
    """A part that nobody looks at may change."""
    for number, part in enumerate(_parts(box)):
        for position in {0, len(part) // 2, len(part) - 1} if part else ():
            spoiled = part[:position] + bytes([part[position] ^ 1]) + part[position + 1 :]
            found = ask(open_, _with(box, number, spoiled), refusal_is_fine=True)
            if found not in (None, data):
                raise Wrong(FLIPPED.format(open_.__name__))


def _with(box: Any, number: int, spoiled: bytes) -> Any:
    """The same box with one of its parts changed."""
    if isinstance(box, bytes):
        return spoiled
    parts = [spoiled if index == number else part for index, part in enumerate(_parts(box))]
    if isinstance(box, dict):
        return dict(zip(box, parts, strict=True))
    return getattr(type(box), "_make", type(box))(parts)  # `_make`: a named tuple's


def _needs_the_kms(lab: Lab, open_: Answer, data: bytes, box: Any) -> None:
    switch.off(lab)
    if ask(open_, box, refusal_is_fine=True) == data:
        raise Wrong(NEVER_USED)
    switch.on(lab)
    if ask(open_, box) != data:
        raise Wrong("The key is on again, and the file does not come back.")
