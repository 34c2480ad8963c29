"""Calls a learner's function that opens a file with boxes that it should open and others.

The trials of lessons 02 and 03, after those of `sealing.py`: what a thief, an auditor and a
careless colleague would do with a box. Refusing means raising an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from kmslab.course.clinic.stolen_laptop import NotOpened
from kmslab.course.exercises import every_key
from kmslab.course.exercises.answers import Wrong, result_of
from kmslab.course.exercises.boxes import damaged, exchanged
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.other_answers import other_answers
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.sealing import (
    DATA_KEYS,
    MIN_PIECE,
    Pair,
    Sealed,
    check_calls,
    check_key,
    first_parameter,
)
from kmslab.lab.cmk import CMK

HALVES = {"first": slice(0, 16), "second": slice(16, None)}  # of a data key
OPENING = frozenset({"Decrypt", "DescribeKey"})
MAX_BLOB = 6144  # bytes that Decrypt takes
TURNED_ON = (
    "The key was off, and `{}` turned it on again (EnableKey). Sora turned it off for a reason: a "
    "refusal has to come out."
)
ASKED_FOR_A_NEW_KEY = (
    "`{}` called GenerateDataKey, which makes a fresh key each time: no file is sealed under that "
    "one. The file's own key comes out of its encrypted copy, by Decrypt."
)
OPENS_ONLY_THE_LAST = (
    "`{}` opens what was sealed last, and nothing older: it goes by something that your program "
    "remembers. A laptop that was switched off remembers nothing; what it needs lies on the disk."
)
BOX_SENT_TO_DECRYPT = (
    "`{}` gave Decrypt {:,} bytes, and it takes 6,144 at most: that was the box, not the encrypted "
    "key. What comes in is what `{}` gave back, in the same order."
)
NOT_THE_PLAINTEXT = "`{}` gives back a `{}`, and not the data: its `.plaintext` is the data."
OTHER_DATA = "What comes back is not what was sealed: {} instead of {}."
OPENS_WITHOUT_ASKING = (
    "`{}` opened a file and did not call Decrypt. So what opens the file is in your program or on "
    "the disk, and the thief has both."
)
SAME_DATA_KEY = (
    "Two files have one and the same data key, as Decrypt's answers show: a thief who gets it from "
    "one file opens them all. Ask for a fresh one each time."
)
KEY_FROM_THE_DATA = (
    "The same file got the same data key twice, and other files got others. A key that is made "
    "from the file falls to a thief who guesses what is in it, and a key that is used again opens "
    "both. Ask GenerateDataKey for a fresh one each time."
)
SWAPPED_KEYS = (
    "The encrypted keys of two boxes were exchanged, and `{}` opens both all the same. So the data "
    "key is not what opens them. That is the envelope that Jiho brought home."
)
ANSWER_IGNORED = (
    "The check made Decrypt answer with another key (the {} half of it was changed), and `{}` "
    "opened the file all the same: it calls Decrypt and does not use the answer."
)
OPENS_WHEN_OFF = (
    "The key is off, Decrypt was refused, and `{}` gave the file back all the same: your program "
    "has kept the data or its key."
)
WRONG_KEY_OPENS = (
    "The file was sealed under one KMS key, `{}` was given another one, and it opened the file. "
    "Tell Decrypt which key you expect (`{}.decrypt`), or a stranger's box opens like your own."
)
CHANGE_NOT_NOTICED = (
    "{}, and `{}` gave back other data without a word: a wrong digit looks like any other. `lock` "
    "puts a tag behind the box, so that `unlock` notices."
)
SILENT = (
    "{}, and `{}` gave back {} without an error. The program that called it goes on with that. "
    "Let the error come out."
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What `unseal` did with a box that it should refuse."""

    refused: bool
    found: Any
    calls: RecordedCalls


def check_opens(pair: Pair, files: Sequence[Sealed]) -> list[set[bytes]]:
    """Each file comes back. Returns what Decrypt answered, file by file.

    Begin with the last: a program that remembers one data key opens only that.
    """
    keys = []
    for number, file in enumerate(reversed(files)):
        meanings: dict[type[Exception], str] = {}
        if number:
            meanings[NotOpened] = OPENS_ONLY_THE_LAST.format(pair.unseal.__name__)
        keys.append(_opened(pair, file, meanings))
    if not all(keys):
        raise Wrong(OPENS_WITHOUT_ASKING.format(pair.unseal.__name__))
    return keys[::-1]


def check_key_for_each(files: Sequence[Sealed], keys: Sequence[set[bytes]]) -> None:
    """No two files share a data key, not even two of equal data."""
    pairs = [
        (one.data == two.data, bool(ones & twos))
        for (one, ones), (two, twos) in combinations(zip(files, keys, strict=True), 2)
    ]
    if any(shared and not equal for equal, shared in pairs):
        raise Wrong(SAME_DATA_KEY)
    if any(shared for _, shared in pairs):
        raise Wrong(KEY_FROM_THE_DATA)


def check_uses_the_key(pair: Pair, one: Sealed, two: Sealed) -> None:
    """With two files' encrypted keys exchanged, or another key from Decrypt, nothing may open."""
    box = one.box
    for old, new in zip(one.calls.blobs, two.calls.blobs, strict=False):
        box = exchanged(box, old, new)
    if box != one.box:
        tried = attempt(pair, box, one.named)
        if tried.found == one.data:
            raise Wrong(SWAPPED_KEYS.format(pair.unseal.__name__))
        check_loud(pair, "The encrypted keys of two boxes were exchanged", tried)
    for half, part in HALVES.items():
        with other_answers(pair.lab, part):
            tried = attempt(pair, one.box, one.named)
        if tried.found == one.data:
            raise Wrong(ANSWER_IGNORED.format(half, pair.unseal.__name__))
        check_loud(pair, "Decrypt's answer was another key", tried)


def check_needs_the_key(pair: Pair, file: Sealed, other: CMK) -> None:
    """With the key off the file stays shut, on again it opens, and another key does not open it."""
    name = pair.unseal.__name__
    every_key.disable(pair.lab)
    tried = attempt(pair, file.box, file.named)
    if "EnableKey" in tried.calls.operations:
        raise Wrong(TURNED_ON.format(name))
    if tried.found == file.data:
        raise Wrong(OPENS_WHEN_OFF.format(name))
    check_loud(pair, "The key was off", tried)
    every_key.enable(pair.lab)
    if result_of(pair.unseal, pair.key, *file.named, file.box) != file.data:
        raise Wrong("The key is on again, and the file does not come back.")
    tried = attempt(pair, file.box, file.named, key=other)
    if tried.found == file.data:
        raise Wrong(WRONG_KEY_OPENS.format(name, first_parameter(pair.unseal)))
    check_loud(pair, "It was given another KMS key", tried)


def check_notices_damage(pair: Pair, file: Sealed) -> None:
    """A changed part may be one that the program does not use: then the data comes back."""
    for what, box in damaged(file.box):
        tried = attempt(pair, box, file.named)
        if tried.found == file.data:
            continue
        if isinstance(tried.found, bytes) and len(tried.found) >= MIN_PIECE:
            raise Wrong(CHANGE_NOT_NOTICED.format(what, pair.unseal.__name__))
        check_loud(pair, what, tried)


def attempt(pair: Pair, box: Any, named: Sequence[str] = (), *, key: CMK | None = None) -> Attempt:
    """Hand a box to the learner's function that opens, and let it fail."""
    with recorded(pair.lab) as calls:
        try:
            found = pair.unseal(key or pair.key, *named, box)
        except Exception:
            return Attempt(True, None, calls)
    return Attempt(False, found, calls)


def _opened(pair: Pair, file: Sealed, meanings: dict[type[Exception], str]) -> set[bytes]:
    """What Decrypt answered while the file was opened."""
    function, name = pair.unseal, pair.unseal.__name__
    with watched() as left, recorded(pair.lab) as calls:
        try:
            found = result_of(function, pair.key, *file.named, file.box, meanings=meanings)
        except Wrong:
            _check_opening_calls(pair, calls)
            raise
    if hasattr(found, "plaintext"):
        raise Wrong(NOT_THE_PLAINTEXT.format(name, type(found).__name__))
    _check_opening_calls(pair, calls)
    if found != file.data:
        wanted, got = _described(file.data), _described(found)
        raise Wrong(OTHER_DATA.format("other bytes" if got == wanted else got, wanted))
    keys = set(calls.of("Decrypt").secrets)
    check_left(name, left, calls, [("the data key", key) for key in keys])
    return keys


def _check_opening_calls(pair: Pair, calls: RecordedCalls) -> None:
    name = pair.unseal.__name__
    if set(DATA_KEYS) & set(calls.operations):
        raise Wrong(ASKED_FOR_A_NEW_KEY.format(name))
    for call in calls.of("Decrypt"):
        if (size := len(call.request.get("CiphertextBlob", b""))) > MAX_BLOB:
            raise Wrong(BOX_SENT_TO_DECRYPT.format(name, size, pair.seal.__name__))
    check_calls(calls, name, OPENING, "opening a file")
    check_key(calls, name, pair.unseal, pair.key)


def check_loud(pair: Pair, what: str, tried: Attempt) -> None:
    """Refusing means raising an error: a value that says so would be taken for data."""
    if not tried.refused:
        found = tried.found
        shown = _described(found) if isinstance(found, bytes) and found else f"`{found!r}`"
        raise Wrong(SILENT.format(what, pair.unseal.__name__, shown))


def _described(found: Any) -> str:
    if isinstance(found, bytes):
        return f"{len(found):,} bytes"
    return f"`{type(found).__name__}`"
