"""Tries a learner's two functions, one that locks a letter with public keys, one that opens it.

The sender can call no KMS, and the thief reads what travels. Each trial raises `Wrong` with what
happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kmslab.course.exercises.answers import Function, Wrong, result_of
from kmslab.course.exercises.boxes import damaged, parts_of
from kmslab.course.exercises.errors_come_out import check_lets_out
from kmslab.course.exercises.left_behind import LeftBehind, check_left, watched
from kmslab.course.exercises.other_answers import EVERY_BYTE, other_answers
from kmslab.course.exercises.recording import BLOBS, RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.crypto.public import PublicKey
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.specs import KeyUsage
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

# The operation that opens what was locked with a public key of this use.
OPENS = {
    KeyUsage.ENCRYPT_DECRYPT: "Decrypt",
    KeyUsage.ENCAPSULATE_DECAPSULATE: "Decapsulate",
}
KMS_CALLED = (
    "`{}` called `{}`, and the sender can't call the KMS. A public key and a library are enough."
)
TOO_LONG = (
    "`{}` stopped with `{}` at a letter of {:,} bytes. RSA_2048 takes 190 bytes at most. What is "
    "short enough, and opens a box of any length?"
)
NOT_BYTES = (
    "`{}` should give back what travels: bytes, or several of them as `(…, …)`. It gave back {}."
)
LETTER_IN_CLEAR = "The thief reads the letter on its way: it travels {}."
NOT_ASKED = "`{}` opened a letter, and did not call {} with the key that it was given."
NOT_TOLD = (
    "`{}` called Decrypt without a key, and was refused: nothing in these bytes says which key "
    "they are for. The key says it for you: `key.decrypt(…)`."
)
ANOTHER_KEY = (
    "`{}` was given a key that your notebook has never seen, and called {} with another one."
)
DOES_NOT_OPEN = (
    "`{}` called {} with the right key, and was refused with `{}`. It sent {:,} bytes. They are "
    "not what was locked with this key's public half, or the algorithm is another one."
)
OTHER_LETTER = "What comes out is not the letter of {:,} bytes that was locked: {}."
IN_PIECES = (
    "It opens, and the letter went through the wall piece by piece: {} calls for {:,} bytes, and "
    "{} for a short letter. One call is enough for any length."
)
ANSWER_IGNORED = (
    "The check exchanged the answer of {}, and `{}` opened the letter all the same. So what {} "
    "gives back is not needed: a thief who has the rest reads the letter."
)
FEW_BYTES = (
    "The check exchanged all but four bytes of what {} answers, and `{}` opened the letter all the "
    "same. A thief who has the rest tries all that four bytes can be, and needs no {}."
)
OTHER_OPENS = "Another key was used in the place of the {} key, and `{}` opened the letter."
OPENS_WHEN_OFF = "The {} key was off, and `{}` gave back the letter all the same."
TURNED_ON = "A key was off, and `{}` turned it on again (EnableKey). A refusal has to come out."
CHANGE_NOT_NOTICED = (
    "{}, and `{}` gave back another letter without a word. `lock` puts a tag behind the box, so "
    "that `unlock` notices."
)
SILENT = "{}, and `{}` gave back {} without an error. Let the error come out."
PARTS = (slice(4, None), slice(None, -4))  # of an answer: all but its first, or last, four bytes


@dataclass(frozen=True, slots=True)
class Post:
    """The learner's two functions, and the keys whose public halves the sender has."""

    lab: Lab
    keys: tuple[CMK, ...]
    lock: Function
    open: Function

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(OPENS[key.usage] for key in self.keys)

    @property
    def publics(self) -> tuple[PublicKey, ...]:
        return tuple(key.public_key() for key in self.keys)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that the learner's function has locked, and what that function left behind."""

    text: bytes
    locked: Any
    left: LeftBehind


def lock(post: Post, text: bytes, publics: Sequence[PublicKey] = ()) -> Letter:
    """Call the learner's function that locks, where no KMS can be called.

    `publics`: public keys to be used in place of those of the post's keys.
    """
    name, meanings = post.lock.__name__, dict[type[Exception], str]()
    if len(text) > 190:
        meanings[ValueError] = TOO_LONG.format(name, "ValueError", len(text))
    publics = publics or post.publics
    with watched() as left, recorded(post.lab) as calls:
        try:
            locked = result_of(post.lock, *publics, text, meanings=meanings)
        finally:
            if calls:
                raise Wrong(KMS_CALLED.format(name, calls.operations[0]))
    parts = parts_of(locked)
    if not parts or not all(isinstance(part, bytes | str) for part in parts):
        found = ", ".join(f"`{type(part).__name__}`" for part in parts) or "nothing"
        raise Wrong(NOT_BYTES.format(name, found))
    if how := found_in(locked, text):
        raise Wrong(LETTER_IN_CLEAR.format(how))
    return Letter(text, locked, left)


def check_opens(post: Post, letters: Sequence[Letter]) -> list[RecordedCalls]:
    """Each letter comes out, by as few calls for the longest as for the shortest."""
    calls_of = [opened(post, letter) for letter in letters]
    sizes = [(len(letter.text), len(each)) for letter, each in zip(letters, calls_of, strict=True)]
    (_, fewest), (longest, most) = min(sizes), max(sizes)
    if most > max(fewest, len(post.keys)):
        raise Wrong(IN_PIECES.format(most, longest, fewest))
    return calls_of


def check_uses_answers(post: Post, letter: Letter) -> None:
    """Each of the KMS's answers is needed: with another one in its place nothing opens."""
    for operation in post.operations:
        for part, text in ((EVERY_BYTE, ANSWER_IGNORED), *((part, FEW_BYTES) for part in PARTS)):
            with other_answers(post.lab, part, only=operation):
                found = _attempt(post, post.keys, letter.locked)
            if found == letter.text:
                raise Wrong(text.format(operation, post.open.__name__, operation))
            _need_refusal(post, f"The answer of {operation} was another one", found)
        check_lets_out(
            post.lab, [operation], post.open, *post.keys, letter.locked, shown=_described
        )


def check_one_opens(post: Post, letter: Letter, others: Sequence[CMK]) -> None:
    """Neither another key of the same kind opens the letter, nor a key that is off."""
    name = post.open.__name__
    for number, (key, other) in enumerate(zip(post.keys, others, strict=True)):
        kind = key.spec.partition("_")[0].replace("ML", "ML-KEM")
        keys = (*post.keys[:number], other, *post.keys[number + 1 :])
        found = _attempt(post, keys, letter.locked)
        if found == letter.text:
            raise Wrong(OTHER_OPENS.format(kind, name))
        _need_refusal(post, f"Another key was used in the place of the {kind} key", found)
        key.disable()
        with recorded(post.lab) as calls:
            found = _attempt(post, post.keys, letter.locked)
        if "EnableKey" in calls.operations:
            raise Wrong(TURNED_ON.format(name))
        if found == letter.text:
            raise Wrong(OPENS_WHEN_OFF.format(kind, name))
        _need_refusal(post, f"The {kind} key was off", found)
        key.enable()


def check_notices_damage(post: Post, letter: Letter) -> None:
    """A changed part may be one that the program does not use: then the letter comes back."""
    for what, locked in damaged(letter.locked):
        found = _attempt(post, post.keys, locked)
        if found == letter.text:
            continue
        if isinstance(found, bytes) and found:
            raise Wrong(CHANGE_NOT_NOTICED.format(what, post.open.__name__))
        _need_refusal(post, what, found)


REFUSED = object()


def _attempt(post: Post, keys: Sequence[CMK], locked: Any) -> Any:
    try:
        return post.open(*keys, locked)
    except Exception:
        return REFUSED


def _need_refusal(post: Post, what: str, found: Any) -> None:
    if found is not REFUSED:
        raise Wrong(SILENT.format(what, post.open.__name__, _described(found)))


def _described(found: Any) -> str:
    return f"{len(found):,} bytes" if isinstance(found, bytes) and found else f"`{found!r}`"


def opened(post: Post, letter: Letter) -> RecordedCalls:
    """The calls that opening took, if the letter came out."""
    name = post.open.__name__
    with watched() as left, recorded(post.lab) as calls:
        try:
            found = result_of(post.open, *post.keys, letter.locked)
        except Wrong:
            _explain_refusal(post, calls)
            raise
    if found != letter.text:
        shown = (
            f"{len(found):,} bytes" if isinstance(found, bytes) else f"a `{type(found).__name__}`"
        )
        raise Wrong(OTHER_LETTER.format(len(letter.text), shown))
    for key, operation in zip(post.keys, post.operations, strict=True):
        if not calls.on(key).of(operation):
            raise Wrong(NOT_ASKED.format(name, operation))
    keys = [("the letter's key", each) for each in calls.secrets if each != letter.text]
    check_left(name, left, calls, keys)
    return calls


def _explain_refusal(post: Post, calls: RecordedCalls) -> None:
    """Say more than an empty error text, or a tag that does not fit."""
    name = post.open.__name__
    for call in calls.of(*OPENS.values()):
        if call.request.get("KeyId") is None:
            raise Wrong(NOT_TOLD.format(name))
        if not any(key.arn in call.keys for key in post.keys):
            raise Wrong(ANOTHER_KEY.format(name, call.operation))
        if isinstance(call.error, EXCEPTIONS["InvalidCiphertextException"]):
            sent = max(len(call.request.get(name, b"")) for name in BLOBS)
            raise Wrong(DOES_NOT_OPEN.format(name, call.operation, call.error.code, sent))
