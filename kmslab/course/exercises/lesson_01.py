"""Lesson 01's exercises: ask which key a blob names, count without opening, seal and open a record.

What 01-seal asks of `open_record`: it needs this key and no other, it uses what the KMS answers,
and a refusal reaches the caller as an exception.
"""

from random import SystemRandom
from secrets import token_bytes
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.boxes import damaged
from kmslab.course.exercises.other_answers import other_answers
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

# ------------------------------------------------------------------------------------ 01-which

NOT_A_NAME = "`which_key` gave back a `{}`, and a key's name is text, such as `records.arn`."
PLAINTEXT_GIVEN_BACK = (
    "`which_key` gave back what is in the blob. The KMS's answer has more members than "
    "`Plaintext`: one of them is `KeyId`."
)
ALIAS_GIVEN_BACK = "{!r} is no key's ARN and no key id."
WRONG_KEY = "`which_key` named the key `{}…`, and the blob was made by `{}…`."
FORGED_NAME_BELIEVED = (
    "The thief wrote another key's name over the one in the blob, and `which_key` believed it. "
    "What a blob says of itself anybody can write. The KMS, if asked, would have refused: the tag "
    "covers the name."
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
    if result_of(which_key, lab, forged, may_fail=True):
        raise Wrong(FORGED_NAME_BELIEVED)
    return (
        "Three keys, and each time the right name: the blob told the KMS, and the KMS told you. "
        "For a blob with a forged name there was no answer."
    )


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
    short = [WORDS[0]] * 5 + [WORDS[1]] * 2
    column = [WORDS[0]] * 12 + [WORDS[1]] * _random.randint(20, 40)  # here most are malignant
    _random.shuffle(column)
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
    if isinstance(found, bool) or not isinstance(found, int):
        raise Wrong(NOT_A_NUMBER.format(type(found).__name__))
    right, total = words.count("malignant"), len(words)
    if found == right:
        return
    if found == total:
        raise Wrong(COUNTED_DIFFERENT.format(found))
    text = COUNTED_BENIGN if found == total - right else WRONG_NUMBER
    raise Wrong((ALWAYS_THE_SAME if found == known else text).format(right, total, found))


# ------------------------------------------------------------------------------------- 01-seal

LONG = 1000  # bytes; they can't be compressed
NOT_BYTES = (
    "`seal_record` gave back a `{}`. The ciphertext blob, as it is, may lie on the disk: bytes."
)
READABLE = "The thief reads the record {}: what `seal_record` gave back contains it."
SHORTER = (
    "A record of {} bytes became {}: what was thrown away can't come back. A hash is a fingerprint "
    "and no box."
)
NOT_INSIDE = (
    "A record of {:,} random bytes became {:,}, so it can't be in there; and yet `open_record` "
    "gave it back. It was in your program's memory, and a laptop that was switched off has "
    "forgotten it."
)
TWICE_THE_SAME = (
    "The same record gave the same bytes twice, so a thief can tell equal records. The KMS's blobs "
    "are different each time."
)
NO_CALL = (
    "The record was sealed and opened, and the KMS had not one call. What opens it is in your "
    "program, and the thief has the program. Friday again."
)
OPENED_WITHOUT_CALL = (
    "`seal_record` called the KMS, and `open_record` gave back the record without any call. So the "
    "program on the stolen laptop does not need the KMS either."
)
ANSWER_IGNORED = (
    "`open_record` called {}, and for a trial the KMS's answer was exchanged for other bytes. The "
    "record came back all the same, so it is not the KMS that opens it."
)
MADE_A_KEY = (
    "`seal_record` made a new KMS key. The records are to be sealed under the key that it is "
    "given: that is the one which Sora turns off. (At AWS each key costs USD 1 a month, 2026.)"
)
ANOTHER_KEY = (
    "With all other keys turned off, the record that was sealed for this key does not come back{}. "
    "It must need the key that `seal_record` was given, and no other."
)
TURNED_ON = "`open_record` turned the key on again. Sora had turned it off."
OPENED_WHILE_OFF = (
    "The key was off, and `open_record` gave back the record all the same. It must be refused."
)
REFUSAL_CAUGHT = (
    "The key was off and the KMS refused, with `{}`; `open_record` caught that error and gave back "
    "{}. Let the error come out, or nobody learns of it."
)
NOTHING_ASKED_WHILE_OFF = "The key was off, and `open_record` gave back {} instead of an error."
DAMAGE_ACCEPTED = "{} of what lay on the disk, and `open_record` gave back {} instead of an error."
ANOTHER_KEYS_BLOB = (
    "Somebody laid a blob in the record's place that another key had made, and `open_record` "
    "gave back what was in it, as if it were the clinic's. It is given a key: that one, and no "
    "other, is to open the blob."
)
NOT_THE_RECORD = "What comes back is not the record that was sealed."
SPACES_LOST = (
    "A record ended in `{!r}`, and it came back without that. What is sealed must come back byte "
    "by byte."
)
NOT_ON_AGAIN = "The key is on again, and the record does not come back."


def check_seal(clinic: Clinic, seal_record: Function, open_record: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key, other = fresh.key(lab), fresh.key(lab)
    record = fresh.record()
    require_bodies([seal_record, open_record], key, record)
    blob = _check_sealed(lab, seal_record, open_record, key, record)
    _check_uses_the_answer(lab, open_record, key, record, blob)
    for each in (key, other):
        _check_needs_this_key(lab, seal_record, open_record, each)
    _check_holds_the_record(seal_record, open_record, key)
    _check_refuses(seal_record, open_record, key, other, blob)
    _check_every_byte(seal_record, open_record, key)
    return (
        "The record comes back if this one key is on; with the key off it does not; on again, it "
        "does. A changed blob is refused, and so is another key's. The laptop may be stolen now."
    )


def _check_sealed(
    lab: Lab, seal_record: Function, open_record: Function, key: CMK, record: bytes
) -> bytes:
    """Seal and open with everything turned on; return what was sealed."""
    with recorded(lab) as sealing:
        blob, again = result_of(seal_record, key, record), result_of(seal_record, key, record)
    if not isinstance(blob, bytes):
        raise Wrong(NOT_BYTES.format(type(blob).__name__))
    if how := found_in(blob, record):
        raise Wrong(READABLE.format(how))
    if len(blob) < len(record):
        raise Wrong(SHORTER.format(len(record), len(blob)))
    if blob == again:
        raise Wrong(TWICE_THE_SAME)
    if sealing.of("CreateKey"):
        raise Wrong(MADE_A_KEY)
    with recorded(lab) as opening:
        found = result_of(open_record, key, blob)
    if found != record:
        raise Wrong(NOT_THE_RECORD)
    if not opening:
        raise Wrong(OPENED_WITHOUT_CALL if sealing else NO_CALL)
    return blob


def _check_uses_the_answer(
    lab: Lab, open_record: Function, key: CMK, record: bytes, blob: bytes
) -> None:
    with recorded(lab) as calls, other_answers(lab):
        found = result_of(open_record, key, blob, may_fail=True)
    if found == record:
        operations = " and ".join(f"`{name}`" for name in dict.fromkeys(calls.operations))
        raise Wrong(ANSWER_IGNORED.format(operations))


def _check_needs_this_key(lab: Lab, seal_record: Function, open_record: Function, key: CMK) -> None:
    record = fresh.record()
    blob = result_of(seal_record, key, record)
    every_key.disable(lab, but=key)
    error, found = _outcome(open_record, key, blob)
    if found != record:
        raise Wrong(ANOTHER_KEY.format(f": `{type(error).__name__}`" if error else ""))
    every_key.enable(lab)
    key.disable()
    with recorded(lab) as calls:
        error, found = _outcome(open_record, key, blob)
    if calls.of("EnableKey"):
        raise Wrong(TURNED_ON)
    if error is None:
        raise Wrong(_opened_while_off(found, record, calls))
    every_key.enable(lab)
    if result_of(open_record, key, blob) != record:
        raise Wrong(NOT_ON_AGAIN)


def _check_holds_the_record(seal_record: Function, open_record: Function, key: CMK) -> None:
    record = token_bytes(LONG)
    blob = result_of(seal_record, key, record)
    if len(blob) < LONG and result_of(open_record, key, blob) == record:
        raise Wrong(NOT_INSIDE.format(LONG, len(blob)))


def _outcome(function: Function, *arguments: Any) -> tuple[Exception | None, Any]:
    try:
        return None, function(*arguments)
    except Exception as error:
        return error, None


def _opened_while_off(found: Any, record: bytes, calls: RecordedCalls) -> str:
    if found == record:
        return OPENED_WHILE_OFF
    refusal = calls.refused[0].error if calls.refused else None
    if refusal:
        return REFUSAL_CAUGHT.format(refusal.code, _shown(found))
    return NOTHING_ASKED_WHILE_OFF.format(_shown(found))


def _shown(found: Any) -> str:
    return "nothing (`None`)" if found is None else f"`{found!r}`"


def _check_refuses(
    seal_record: Function, open_record: Function, key: CMK, other: CMK, blob: bytes
) -> None:
    """What still gives back the right record was changed where it does no harm."""
    record = open_record(key, blob)
    for happened, changed in damaged(blob):
        error, found = _outcome(open_record, key, changed)
        if error is None and found != record:
            raise Wrong(DAMAGE_ACCEPTED.format(happened, _shown(found)))
    forged = fresh.record()
    for strange in (other.encrypt(forged), result_of(seal_record, other, forged)):
        if error_of(open_record, key, strange) is None:
            raise Wrong(ANOTHER_KEYS_BLOB)


def _check_every_byte(seal_record: Function, open_record: Function, key: CMK) -> None:
    """What is added to hide a record's length must not take away any of its own bytes."""
    for ending in (b"  ", b"\0", b"\n", b"|", b"\x80", b"."):
        record = fresh.record() + ending
        if result_of(open_record, key, result_of(seal_record, key, record)) != record:
            raise Wrong(SPACES_LOST.format(ending))
