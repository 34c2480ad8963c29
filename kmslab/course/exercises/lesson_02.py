"""Exercise 02-envelope: an envelope for data of any length that opens only if the KMS decrypts."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import NotOpened, unlock
from kmslab.course.exercises import every_key
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.boxes import flipped, parts_of, with_part
from kmslab.course.outcome import outcome
from kmslab.crypto import Forged
from kmslab.crypto.backend import AES_256_KEY
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.lab.lab import Lab

SEARCHED = 1024  # bytes at the beginning of a part; no key is looked for in the rest
DATA_SENT_TO_KMS = (
    "`{}` sent the whole table through the wall, which takes 4,096 bytes. The table stays at home: "
    "what comes through the wall is a key for it."
)
NOT_BYTES = (
    "`{}` should give back what lies on the disk: bytes, or several of them as `(…, …)`. It gave "
    "back {}."
)
KMS_NOT_CALLED = (
    "`{}` sealed a file, and nobody asked the KMS for anything. So the key is somewhere in your "
    "program, and the thief has that too. (Or did you run the lesson's first cell again? Then run "
    "those after it too.)"
)
DATA_SENT_IN_PIECES = (
    "It works, and all of the data went through the wall, piece by piece: {} calls for the "
    "picture. Ten gigabytes would make some two million."
)
SAME_DATA_KEY = (
    "Two files have one and the same data key: whoever gets it from one file opens them all. "
    "Ask for a fresh one each time."
)
PLAINTEXT_KEY_ON_DISK = (
    "The data key itself lies on the disk, {}. It opens the box without asking anybody: Friday "
    "again. Keep the other copy."
)
OPENS_ONLY_THE_LAST = (
    "`{}` opens what was sealed last, and nothing older: it goes by something that your program "
    "remembers. A laptop that was switched off remembers nothing; what it needs lies on the disk."
)
CHANGE_NOT_NOTICED = (
    "One bit on the disk was flipped, and `{}` gave back something else without a word: a wrong "
    "digit looks like any other. `lock` puts a tag behind the box, so that `unlock` notices."
)
BOX_SENT_TO_DECRYPT = (
    "`{}` gave Decrypt something of the length of the data, and it takes 6,144 bytes at most: that "
    "was the box, not the encrypted key. What comes in is what `{}` gave back, in the same order."
)
NOT_THE_PLAINTEXT = "`{}` gives back a `{}`, and not the data: its `.plaintext` is the data."
DATA_KEY_NOT_USED = (
    "The key is off, and the file opens all the same. So the data key that you asked for is not "
    "what sealed it, or it was kept. That is the envelope that Jiho brought home."
)


def check_envelope(clinic: Clinic, seal: Function, unseal: Function) -> str:
    lab, record = clinic.lab, clinic.record(STOLEN)
    every_key.enable(lab)
    require_bodies([seal, unseal], record)
    data = (record, clinic.table, clinic.scan)
    first_box, _ = _seal(lab, seal, record)
    boxes, calls = zip(*(_seal(lab, seal, each) for each in data), strict=True)
    if any(outcome(lab.decrypt, part) == "ok" for part in _common_parts(*boxes)):
        raise Wrong(SAME_DATA_KEY)
    if not all(calls):
        raise Wrong(KMS_NOT_CALLED.format(seal.__name__))
    if calls[-1] > calls[0]:
        raise Wrong(DATA_SENT_IN_PIECES.format(calls[-1]))
    _check_hides(record, boxes[0], first_box)
    _check_opens(seal, unseal, list(zip(data, boxes, strict=True)))
    _check_needs_the_kms(lab, unseal, record, boxes[0])
    _check_notices_change(unseal, record, boxes[0])
    return (
        "Three files, and the largest took no more calls than the smallest. With the key off "
        "nothing opens; on again, everything does. Sora's test is passed."
    )


def _seal(lab: Lab, seal: Function, data: bytes) -> tuple[Any, int]:
    """The learner's box for the data, and the number of calls that it took."""
    calls_before = len(lab.trail)
    meanings: dict[type[Exception], str] = {
        EXCEPTIONS["ValidationException"]: DATA_SENT_TO_KMS.format(seal.__name__)
    }
    box = result_of(seal, data, meanings=meanings)
    parts = parts_of(box)
    if not parts or not all(isinstance(part, bytes) for part in parts):
        found = ", ".join(f"`{type(part).__name__}`" for part in parts) or "nothing"
        raise Wrong(NOT_BYTES.format(seal.__name__, found))
    return box, len(lab.trail) - calls_before


def _common_parts(*boxes: Any) -> set[bytes]:
    """The parts that all boxes have, though each holds other data."""
    one, *others = (set(parts_of(box)) for box in boxes)
    return one.intersection(*others)


def _check_hides(data: bytes, box: Any, first_box: Any) -> None:
    parts, others = parts_of(box), parts_of(first_box)
    if any(data in part for part in parts):
        raise Wrong("The thief reads the record as it lies there: nothing has sealed it.")
    if parts == others:
        raise Wrong(
            "The same record gave the same bytes twice, so a thief can see which files are equal. "
            "With a fresh data key that does not happen; which key was this?"
        )
    for where, key in _possible_keys(parts):
        if any(_opens(part, key) for part in parts if len(part) > AES_256_KEY):
            raise Wrong(PLAINTEXT_KEY_ON_DISK.format(where))


def _possible_keys(parts: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each 32 bytes in the parts, or in their beginnings if they are long, and where they are."""
    for part in parts:
        alone = len(part) == AES_256_KEY
        where = "a file of 32 bytes" if alone else "written before or after the box"
        for start in range(len(part[:SEARCHED]) - AES_256_KEY + 1):
            yield where, part[start : start + AES_256_KEY]


def _opens(part: bytes, key: bytes) -> bool:
    """True if the key opens the part, or what is before or behind a key in it."""
    for box in (part, part[AES_256_KEY:], part[:-AES_256_KEY]):
        with suppress(Forged, ValueError):
            unlock(box, key)
            return True
    return False


def _check_opens(seal: Function, unseal: Function, sealed: list[tuple[bytes, Any]]) -> None:
    """Begin with the last and longest box: a program that keeps one data key opens only that."""
    *older, (data, box) = sealed
    too_long = BOX_SENT_TO_DECRYPT.format(unseal.__name__, seal.__name__)
    found = result_of(unseal, box, meanings={EXCEPTIONS["ValidationException"]: too_long})
    if hasattr(found, "plaintext"):
        raise Wrong(NOT_THE_PLAINTEXT.format(unseal.__name__, type(found).__name__))
    if found != data:
        raise Wrong("What comes back is not what was sealed.")
    opens_only_the_last = OPENS_ONLY_THE_LAST.format(unseal.__name__)
    for data, box in older:
        if result_of(unseal, box, meanings={NotOpened: opens_only_the_last}) != data:
            raise Wrong(opens_only_the_last)


def _check_notices_change(unseal: Function, data: bytes, box: Any) -> None:
    """A changed part may be one that the program does not use: then the data comes back."""
    for number, part in enumerate(parts_of(box)):
        for changed in flipped(part):
            found = result_of(unseal, with_part(box, number, changed), may_fail=True)
            if found not in (None, data):
                raise Wrong(CHANGE_NOT_NOTICED.format(unseal.__name__))


def _check_needs_the_kms(lab: Lab, unseal: Function, data: bytes, box: Any) -> None:
    every_key.disable(lab)
    if result_of(unseal, box, may_fail=True) == data:
        raise Wrong(DATA_KEY_NOT_USED)
    every_key.enable(lab)
    if result_of(unseal, box) != data:
        raise Wrong("The key is on again, and the file does not come back.")
