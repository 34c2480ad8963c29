"""Lesson 01's first exercises: ask which key a blob names, and count without opening."""

from numbers import Real
from random import SystemRandom
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

# ------------------------------------------------------------------------------------ 01-which

OTHERS = "444455556666"  # an account that gives this one no right
TAIL = 32  # bytes at a blob's end: its tag is among them
NOT_A_NAME = "`which_key` gave back a `{}`, and a key's name is text, such as `records.arn`."
PLAINTEXT_GIVEN_BACK = (
    "`which_key` gave back what is in the blob. The KMS's answer has more members than "
    "`Plaintext`: one of them is `KeyId`."
)
ALIAS_GIVEN_BACK = "{!r} is no key's ARN and no key id."
WRONG_KEY = "`which_key` named the key `{}…`, and the blob was made by `{}…`."
NAMED_NO_KEY = (
    "The thief wrote {} over the one in the blob. No key opens that, and `which_key` gave back "
    "`{!r}` in place of a name. Let the KMS's error come out, or give back nothing."
)
FORGED_NAME_BELIEVED = (
    "The thief wrote {} over the one in the blob, and `which_key` believed it. What a blob says of "
    "itself anybody can write. The KMS, if asked, refuses: it alone can check the tag, and the tag "
    "covers the name."
)
TURNED_ON = (
    "A key was off, and `which_key` turned it on again. Somebody had turned it off for a reason, "
    "and to look for a name is none to undo that."
)


def check_which(clinic: Clinic, which_key: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    keys = [fresh.key(lab) for _ in range(3)]
    blobs = [key.encrypt(fresh.record()) for key in keys]
    require_bodies([which_key], lab, blobs[0])
    for number in (1, 0, 2, 1):
        _check_named(keys[number], blobs[number], result_of(which_key, lab, blobs[number]), lab)
    forged = bytes(blobs[0]).replace(keys[0].id.encode(), keys[1].id.encode())
    _check_forged("another key's name", keys[1], result_of(which_key, lab, forged, may_fail=True))
    _check_no_answer(lab, which_key, blobs[0])
    return (
        "Three keys, and each time the right name: the blob told the KMS, and the KMS told you. "
        "For a blob with a forged name there was no answer."
    )


def _check_no_answer(lab: Lab, which_key: Function, blob: bytes) -> None:
    """The head is from a blob of a key that opens nothing now: the KMS refuses in other words."""
    off, going, theirs = fresh.key(lab), fresh.key(lab), fresh.key(lab.account(OTHERS))
    heads = {key: key.encrypt(fresh.record())[:-TAIL] for key in (off, going, theirs)}
    off.disable()
    going.schedule_deletion()
    for key, what in (
        (off, "the name of a key that is off"),
        (going, "the name of a key that waits for its deletion"),
        (theirs, "the name of another account's key"),
    ):
        forged = heads[key] + bytes(blob)[-TAIL:]
        _check_forged(what, key, result_of(which_key, lab, forged, may_fail=True))
    if off.state is not KeyState.DISABLED:
        raise Wrong(TURNED_ON)


def _check_forged(what: str, key: CMK, found: Any) -> None:
    if found:
        believed = isinstance(found, str) and key.id in found
        raise Wrong((FORGED_NAME_BELIEVED if believed else NAMED_NO_KEY).format(what, found))


def _check_named(key: CMK, blob: bytes, found: Any, lab: Lab) -> None:
    if isinstance(found, bytes) and found == lab.decrypt(blob):
        raise Wrong(PLAINTEXT_GIVEN_BACK)
    if not isinstance(found, str):
        raise Wrong(NOT_A_NAME.format(type(found).__name__))
    name = found.rpartition("/")[2]
    if found not in (name, key.arn.replace(key.id, name)) or len(name) != len(key.id):
        raise Wrong(ALIAS_GIVEN_BACK.format(found))
    if name != key.id:
        raise Wrong(WRONG_KEY.format(name[:8], key.id[:8]))


# ------------------------------------------------------------------------------------ 01-count

WORDS = ("benign", "malignant")
_random = SystemRandom()
NOT_A_NUMBER = "`count_malignant` should give back a number, and it gave back a `{}`."
KMS_ASKED = (
    "`count_malignant` called {} {:,} times. The thief may not call the KMS: the blobs are all "
    "that he has."
)
COUNTED_BENIGN = (
    "In this column {:,} of {:,} are malignant, and `count_malignant` says {:,}: it has counted "
    "the others. Which of the two words is the longer one?"
)
WRONG_NUMBER = "In this column {:,} of {:,} are malignant, and `count_malignant` says {:,}."
ALWAYS_THE_SAME = (
    "That is the number for the clinic's own table. In another column {:,} of {:,} are malignant, "
    "and `count_malignant` still says {:,}."
)
COUNTED_DIFFERENT = (
    "`count_malignant` says {:,}, as many as there are blobs: no two of them are equal. Don't "
    "compare what the blobs say; measure them."
)


def check_count(clinic: Clinic, count_malignant: Function) -> str:
    key = fresh.key(clinic.lab)
    table = clinic.column("diagnosis")
    true = table.count("malignant")
    short = [WORDS[1]] * 2 + [WORDS[0]] * 5
    column = [WORDS[0]] * 12 + [WORDS[1]] * _random.randint(20, 40)  # here most are malignant
    _random.shuffle(column)
    column = [WORDS[0], *column, WORDS[1]]  # `short` begins and ends with the other word
    require_bodies([count_malignant], _sealed(key, short))
    for words in (short, column, column[::-1] + short):
        blobs = _sealed(key, words)
        with recorded(clinic.lab) as calls:
            found = result_of(count_malignant, blobs)
        _check_number(words, found, calls, true)
    return (
        f"The thief has opened nothing, and he knows how many patients are ill: {true} in the "
        "clinic's table. If Jiho makes both words equally long before he encrypts them, all blobs "
        "are equally long, and the thief counts patients and no more."
    )


def _sealed(key: CMK, words: list[str]) -> list[bytes]:
    return [key.encrypt(word.encode()) for word in words]


def _check_number(words: list[str], found: Any, calls: RecordedCalls, known: int) -> None:
    if calls:
        raise Wrong(KMS_ASKED.format(calls[0].operation, len(calls)))
    if isinstance(found, bool) or not isinstance(found, Real):
        raise Wrong(NOT_A_NUMBER.format(type(found).__name__))
    right, total = words.count("malignant"), len(words)
    if found == right:
        return
    if found == total:
        raise Wrong(COUNTED_DIFFERENT.format(found))
    text = COUNTED_BENIGN if found == total - right else WRONG_NUMBER
    raise Wrong((ALWAYS_THE_SAME if found == known else text).format(right, total, found))
