"""Calls a learner's function that seals a file, and tries what it wrote as a thief would.

Lessons 02 and 03 share these trials and those of `opening.py`; 03's functions take the file's name
as well. Each trial raises `Wrong` with what happened. A `Pair` is given a KMS key that the
functions have never met, and all other keys of the lab are off.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kmslab.course.exercises.answers import Function, Wrong, result_of
from kmslab.course.exercises.boxes import parts_of
from kmslab.course.exercises.left_behind import LeftBehind, check_left, watched
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.course.exercises.standing_still import started_again
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

DATA_KEYS = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
SEALING = frozenset({*DATA_KEYS, "Encrypt", "Decrypt", "GenerateRandom", "DescribeKey"})
MIN_PIECE = 16  # bytes: fewer may be in the data by chance

DATA_SENT = (
    "`{}` sent the data itself through the wall, which takes 4,096 bytes. The data stays at home: "
    "what comes through the wall is a key for it."
)
DATA_SENT_IN_PIECES = (
    "`{}` sent the data through the wall, piece by piece: {} calls for one file. Ten gigabytes "
    "would make some two million."
)
MORE_CALLS_FOR_MORE_DATA = (
    "`{}` made more calls for the picture ({}) than for a record ({}). A longer file needs no "
    "more: one data key is enough for it."
)
ANOTHER_KEY = (
    "`{}` was given one KMS key and asked for another. The check hands over a key that your "
    "notebook has never seen: use the argument `{}`."
)
NOT_BYTES = (
    "`{}` should give back what lies on the disk: bytes, or several of them as `(…, …)`. It gave "
    "back {}."
)
KMS_NOT_CALLED = (
    "`{}` sealed a file and made no call with the key that it was given. So what seals the file is "
    "in your program, and the thief has that too."
)
KMS_NOT_CALLED_AGAIN = (
    "`{}` asked for a data key once, and sealed the next file without asking. One data key for "
    "all files: a thief who gets it from one file opens them all."
)
CALLED_MORE = "`{}` also called {}, and {} needs no such call."
DATA_ON_DISK = "The thief reads the file as it lies there: {} holds it{}."
SAME_BYTES = (
    "The same file gave the same bytes twice, so a thief can see which files are equal. With a "
    "fresh data key that does not happen."
)
DATA_KEY_ON_DISK = (
    "The data key itself lies on the disk{}. It opens the box without asking anybody: Friday "
    "again. Keep the other copy."
)
COMES_AGAIN = (
    "The check started your program twice, with the clock standing still and Python's `random` at "
    "the same start, and `{}` made the same data key again. What comes again can be computed by "
    "others too. Ask GenerateDataKey for one, or draw 32 bytes with `secrets.token_bytes`."
)


@dataclass(frozen=True, slots=True)
class Pair:
    """The learner's two functions, and the key that they are given."""

    lab: Lab
    key: CMK
    seal: Function
    unseal: Function

    @property
    def names(self) -> tuple[str, str]:
        return self.seal.__name__, self.unseal.__name__


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file: its data, its name if it has one, and what sealing it called and left."""

    data: bytes
    named: tuple[str, ...]
    box: Any
    calls: RecordedCalls
    left: LeftBehind


def seal(pair: Pair, data: bytes, *named: str) -> Sealed:
    """Call the learner's function that seals, and look at what it asked the KMS."""
    function = pair.seal
    with watched() as left, recorded(pair.lab) as calls:
        try:
            box = result_of(function, pair.key, *named, data)
        except Wrong:
            _check_sealing_calls(pair, data, calls)  # may know the reason
            raise
    _check_sealing_calls(pair, data, calls)
    parts = parts_of(box)
    if not parts or not all(isinstance(part, bytes | bytearray | str) for part in parts):
        found = ", ".join(f"`{type(part).__name__}`" for part in parts) or "nothing"
        raise Wrong(NOT_BYTES.format(function.__name__, found))
    return Sealed(data, named, box, calls, left)


def check_asks_for_each(pair: Pair, files: Sequence[Sealed], before: RecordedCalls) -> None:
    """Each file takes calls of its own, and the largest takes no more than the smallest.

    `before`: the calls of the functions' first try, in which they may have kept a data key.
    """
    name = pair.seal.__name__
    asked = [bool(before.on(pair.key)), *(bool(each.calls.on(pair.key)) for each in files)]
    if not any(asked):
        raise Wrong(KMS_NOT_CALLED.format(name))
    if not all(asked[1:]):
        raise Wrong(KMS_NOT_CALLED_AGAIN.format(name))
    smallest, largest = (len(pick(files, key=_size).calls) for pick in (min, max))
    if largest > smallest:
        raise Wrong(MORE_CALLS_FOR_MORE_DATA.format(name, largest, smallest))


def check_hides(pair: Pair, file: Sealed) -> None:
    """Neither the data nor a data key is in what was written, in any usual encoding."""
    if how := found_in(file.box, file.data):
        where = "a part" if len(parts_of(file.box)) > 1 else "what was written"
        raise Wrong(DATA_ON_DISK.format(where, "" if how == "as it is" else f", {how}"))
    for secret in _keys_of(file.calls):
        if how := found_in(file.box, secret):
            raise Wrong(DATA_KEY_ON_DISK.format("" if how == "as it is" else f", {how}"))
    secrets = [("the data", file.data), *(("the data key", key) for key in _keys_of(file.calls))]
    check_left(pair.seal.__name__, file.left, file.calls, secrets)


def check_fresh_keys(pair: Pair, file: Sealed) -> None:
    """No data key comes again when the program does, as one from a counter or a seed would."""
    keys = []
    for _ in range(2):
        with started_again([pair.seal, pair.unseal]) as (again, _):
            keys.append({*_keys_of(seal(replace(pair, seal=again), file.data, *file.named).calls)})
    if set.intersection(*keys):
        raise Wrong(COMES_AGAIN.format(pair.seal.__name__))


def _check_sealing_calls(pair: Pair, data: bytes, calls: RecordedCalls) -> None:
    name, key = pair.seal.__name__, pair.key
    pieces = [call for call in calls if _holds_data(call.request.get("Plaintext"), data)]
    if len(pieces) > 1:
        raise Wrong(DATA_SENT_IN_PIECES.format(name, len(pieces)))
    if pieces:
        raise Wrong(DATA_SENT.format(name))
    check_calls(calls, name, SEALING, "sealing a file")
    check_key(calls, name, pair.seal, key)


def _holds_data(plaintext: Any, data: bytes) -> bool:
    return isinstance(plaintext, bytes) and len(plaintext) >= MIN_PIECE and plaintext in data


def check_calls(calls: RecordedCalls, name: str, allowed: frozenset[str], what: str) -> None:
    if more := [each for each in calls.operations if each not in allowed]:
        raise Wrong(CALLED_MORE.format(name, more[0], what))


def check_key(calls: RecordedCalls, name: str, function: Function, key: CMK) -> None:
    if any(call.keys and key.arn not in call.keys for call in calls):
        raise Wrong(ANOTHER_KEY.format(name, first_parameter(function)))


def _keys_of(calls: RecordedCalls) -> list[bytes]:
    """The data keys: those that the KMS made, and those that it encrypted."""
    sent = [call.request["Plaintext"] for call in calls.of("Encrypt")]
    return [*calls.secrets, *map(bytes, sent)]


def _size(file: Sealed) -> int:
    return len(file.data)


def first_parameter(function: Function) -> str:
    code = getattr(function, "__code__", None)
    return code.co_varnames[0] if code and code.co_argcount else "key"
