"""Tries a learner's two functions, one that seals a file and one that opens it, as a thief would.

Lessons 02 and 03 share these trials: 03's functions take the file's name as well. Each trial raises
`Wrong` with what happened. A `Pair` is given a KMS key that the functions have never met, and all
other keys of the lab are off.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from secrets import token_bytes
from typing import Any
from unittest.mock import patch

from kmslab.course.clinic.stolen_laptop import NotOpened
from kmslab.course.exercises import every_key
from kmslab.course.exercises.answers import Function, Wrong, result_of
from kmslab.course.exercises.boxes import damaged, exchanged, parts_of
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.crypto import SecretBytes
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

DATA_KEYS = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
SEALING = frozenset({*DATA_KEYS, "Encrypt", "Decrypt", "GenerateRandom", "DescribeKey"})
OPENING = frozenset({"Decrypt", "DescribeKey"})
MAX_BLOB = 6144  # bytes that Decrypt takes
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
    "all files: whoever gets it from one file opens them all."
)
CALLED_MORE = "`{}` also called {}, and {} needs no such call."
TURNED_ON = (
    "The key was off, and `{}` turned it on again (EnableKey). Sora turned it off for a reason: a "
    "refusal has to come out."
)
ASKED_FOR_A_NEW_KEY = (
    "`{}` called GenerateDataKey, which makes a fresh key each time: no file is sealed under that "
    "one. The file's own key comes out of its encrypted copy, by Decrypt."
)
DATA_ON_DISK = "The thief reads the file as it lies there: {} holds it{}."
SAME_BYTES = (
    "The same file gave the same bytes twice, so a thief can see which files are equal. With a "
    "fresh data key that does not happen."
)
DATA_KEY_ON_DISK = (
    "The data key itself lies on the disk{}. It opens the box without asking anybody: Friday "
    "again. Keep the other copy."
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
    "Two files have one and the same data key, as Decrypt's answers show: whoever gets it from one "
    "file opens them all. Ask for a fresh one each time."
)
KEY_FROM_THE_DATA = (
    "The same file got the same data key twice, and other files got others: the key is made from "
    "the file itself. A thief who guesses what is in the file has its key. GenerateDataKey's are "
    "random."
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
    """A sealed file: its data, its name if it has one, and the calls that sealing it took."""

    data: bytes
    named: tuple[str, ...]
    box: Any
    calls: RecordedCalls


@dataclass(frozen=True, slots=True)
class Attempt:
    """What `unseal` did with a box that it should refuse."""

    refused: bool
    found: Any
    calls: RecordedCalls


def seal(pair: Pair, data: bytes, *named: str) -> Sealed:
    """Call the learner's function that seals, and look at what it asked the KMS."""
    function = pair.seal
    with recorded(pair.lab) as calls:
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
    return Sealed(data, named, box, calls)


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
    """Exchange two files' encrypted keys, then let Decrypt lie: neither may open."""
    box = one.box
    for old, new in zip(one.calls.blobs, two.calls.blobs, strict=False):
        box = exchanged(box, old, new)
    if box != one.box:
        tried = attempt(pair, box, one.named)
        if tried.found == one.data:
            raise Wrong(SWAPPED_KEYS.format(pair.unseal.__name__))
        check_loud(pair, "The encrypted keys of two boxes were exchanged", tried)
    for half in ("first", "second"):
        with decrypt_lies(pair.lab, half):
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
        raise Wrong(WRONG_KEY_OPENS.format(name, _first_parameter(pair.unseal)))
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


@contextmanager
def decrypt_lies(lab: Lab, half: str) -> Iterator[None]:
    """Meanwhile the first or the second half of Decrypt's answers is random."""
    make_call = lab.service.call

    def call(name: str, *arguments: Any, **more: Any) -> dict[str, Any]:
        answer = make_call(name, *arguments, **more)
        if name != "Decrypt":
            return answer
        plaintext = bytes(answer["Plaintext"])
        middle = len(plaintext) // 2
        if half == "first":
            lie = token_bytes(middle) + plaintext[middle:]
        else:
            lie = plaintext[:middle] + token_bytes(len(plaintext) - middle)
        return {**answer, "Plaintext": SecretBytes(lie)}

    with patch.object(lab.service, "call", call):
        yield


def _check_sealing_calls(pair: Pair, data: bytes, calls: RecordedCalls) -> None:
    name, key = pair.seal.__name__, pair.key
    pieces = [call for call in calls if _holds_data(call.request.get("Plaintext"), data)]
    if len(pieces) > 1:
        raise Wrong(DATA_SENT_IN_PIECES.format(name, len(pieces)))
    if pieces:
        raise Wrong(DATA_SENT.format(name))
    _check_calls(calls, name, SEALING, "sealing a file")
    _check_key(calls, name, pair.seal, key)


def _holds_data(plaintext: Any, data: bytes) -> bool:
    return isinstance(plaintext, bytes) and len(plaintext) >= MIN_PIECE and plaintext in data


def _check_calls(calls: RecordedCalls, name: str, allowed: frozenset[str], what: str) -> None:
    if more := [each for each in calls.operations if each not in allowed]:
        raise Wrong(CALLED_MORE.format(name, more[0], what))


def _check_key(calls: RecordedCalls, name: str, function: Function, key: CMK) -> None:
    if any(call.keys and key.arn not in call.keys for call in calls):
        raise Wrong(ANOTHER_KEY.format(name, _first_parameter(function)))


def _opened(pair: Pair, file: Sealed, meanings: dict[type[Exception], str]) -> set[bytes]:
    """What Decrypt answered while the file was opened."""
    function, name = pair.unseal, pair.unseal.__name__
    with recorded(pair.lab) as calls:
        try:
            found = result_of(function, pair.key, *file.named, file.box, meanings=meanings)
        except Wrong:
            _check_opening_calls(pair, calls)
            raise
    if hasattr(found, "plaintext"):
        raise Wrong(NOT_THE_PLAINTEXT.format(name, type(found).__name__))
    _check_opening_calls(pair, calls)
    if found != file.data:
        raise Wrong(OTHER_DATA.format(_described(found), _described(file.data)))
    return set(calls.of("Decrypt").secrets)


def _check_opening_calls(pair: Pair, calls: RecordedCalls) -> None:
    name = pair.unseal.__name__
    if set(DATA_KEYS) & set(calls.operations):
        raise Wrong(ASKED_FOR_A_NEW_KEY.format(name))
    for call in calls.of("Decrypt"):
        if (size := len(call.request.get("CiphertextBlob", b""))) > MAX_BLOB:
            raise Wrong(BOX_SENT_TO_DECRYPT.format(name, size, pair.seal.__name__))
    _check_calls(calls, name, OPENING, "opening a file")
    _check_key(calls, name, pair.unseal, pair.key)


def check_loud(pair: Pair, what: str, tried: Attempt) -> None:
    """Refusing means raising an error: a value that says so would be taken for data."""
    if not tried.refused:
        found = tried.found
        shown = _described(found) if isinstance(found, bytes) and found else f"`{found!r}`"
        raise Wrong(SILENT.format(what, pair.unseal.__name__, shown))


def _keys_of(calls: RecordedCalls) -> list[bytes]:
    """The data keys: those that the KMS made, and those that it encrypted."""
    sent = [call.request["Plaintext"] for call in calls.of("Encrypt")]
    return [*calls.secrets, *map(bytes, sent)]


def _described(found: Any) -> str:
    if isinstance(found, bytes):
        return f"{len(found):,} bytes"
    return f"`{type(found).__name__}`"


def _size(file: Sealed) -> int:
    return len(file.data)


def _first_parameter(function: Function) -> str:
    code = getattr(function, "__code__", None)
    return code.co_varnames[0] if code and code.co_argcount else "key"
