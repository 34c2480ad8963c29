"""Exercise 01-seal: seal a record with a KMS key, and open it with that key and no other.

What it asks of `open_record`: it needs this key, the record comes out of what the KMS answers,
and a refusal reaches the caller as an exception.
"""

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
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.other_answers import other_answers, repeated_answers
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.restarting import restarted
from kmslab.course.exercises.searching import found_in, made_from_data_alone
from kmslab.course.messages import listed
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

LONG = 1000  # bytes; they can't be compressed
TOO_LONG = 5000  # bytes: Encrypt takes 4,096
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
FROM_THE_RECORD_ALONE = (
    "The same record was sealed twice, and a piece of 16 bytes is in both and not in another "
    "record's. So that piece is made from the record, and no chance is in it: a thief tells equal "
    "records by it, and who knows your program may undo it."
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
A_SECOND_KEY = (
    "`seal_record` was given one KMS key, and called {} with another one besides. A program that "
    "may use that other key has no need of this one."
)
NOT_FROM_THE_ANSWER = (
    "For a trial the KMS answered with what lies in another record's blob, and `open_record` gave "
    "back the first record all the same. So the record does not come out of the KMS's answer."
)
NOT_AFTER_A_RESTART = (
    "The laptop was switched off and on again, and the record did not come back{}: what opens it "
    "was in your program's memory. Only what `seal_record` gave back lies on the disk."
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
IN_THE_CLEAR = (
    "{}, and `seal_record` gave back the record itself, {}, and no error. That would lie on the "
    "disk until somebody steals it. If it can't be sealed, it must not be written."
)
SEALED_WITHOUT = (
    "{}, and `seal_record` gave back {} without an error. Let the KMS's error come out."
)
OPENED_WITHOUT = (
    "{}, and the KMS refused; `open_record` gave back {} without an error. The program that called "
    "it takes that for the record. Let the KMS's error come out."
)
LONG_RECORD_LOST = (
    "A record of {:,} bytes was sealed without an error, and it does not come back. Encrypt takes "
    "4,096 bytes at most: let its error come out, or nobody learns that the rest is lost."
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
    _check_hides_the_record(seal_record, key)
    _check_record_is_the_answer(lab, seal_record, open_record, key)
    _check_refuses(seal_record, open_record, key, other, blob)
    _check_lets_refusals_out(lab, seal_record, open_record, key)
    _check_too_long(seal_record, open_record, key)
    _check_every_byte(seal_record, open_record, key)
    return (
        "The record comes back if this one key is on; with the key off it does not; on again, it "
        "does. A changed blob is refused, and so is another key's. The laptop may be stolen now."
    )


def _check_sealed(
    lab: Lab, seal_record: Function, open_record: Function, key: CMK, record: bytes
) -> bytes:
    """Seal and open with everything turned on; return what was sealed."""
    with watched() as left, recorded(lab) as sealing:
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
    check_left(seal_record.__name__, left, sealing, [("the record", record)])
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
        raise Wrong(ANSWER_IGNORED.format(listed(dict.fromkeys(calls.operations))))


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


def _check_hides_the_record(seal_record: Function, key: CMK) -> None:
    record = fresh.record()
    boxes = [
        result_of(seal_record, key, each) for each in (record, record, fresh.other_digits(record))
    ]
    if made_from_data_alone(*boxes):
        raise Wrong(FROM_THE_RECORD_ALONE)


def _check_holds_the_record(seal_record: Function, open_record: Function, key: CMK) -> None:
    record = token_bytes(LONG)
    blob = result_of(seal_record, key, record)
    if len(blob) < LONG and result_of(open_record, key, blob) == record:
        raise Wrong(NOT_INSIDE.format(LONG, len(blob)))


def _check_record_is_the_answer(
    lab: Lab, seal_record: Function, open_record: Function, key: CMK
) -> None:
    """Neither the program's memory, nor another key, nor a key in the program opens the record."""
    record, another = fresh.record(), fresh.record()
    with recorded(lab) as sealing:
        blob, others = (result_of(seal_record, key, each) for each in (record, another))
    for call in sealing:
        if call.keys and key.arn not in call.keys:
            raise Wrong(A_SECOND_KEY.format(call.operation))
    with recorded(lab) as opening:
        result_of(open_record, key, others)
    with repeated_answers(lab, opening.of("Decrypt")):
        _, found = _outcome(open_record, key, blob)
    if found == record:
        raise Wrong(NOT_FROM_THE_ANSWER)
    _, open_again = restarted([seal_record, open_record])
    error, found = _outcome(open_again, key, blob)
    if found != record:
        raise Wrong(NOT_AFTER_A_RESTART.format(f" (`{type(error).__name__}`)" if error else ""))


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


def _check_lets_refusals_out(
    lab: Lab, seal_record: Function, open_record: Function, key: CMK
) -> None:
    record, off, going = fresh.record(), fresh.key(lab), fresh.key(lab)
    visitor = fresh.held_by(fresh.person(lab), key)
    blobs = [result_of(seal_record, each, record) for each in (key, off, going)]
    off.disable()
    going.schedule_deletion()
    tried = (
        ("Somebody without any right called it", visitor, blobs[0]),
        ("The key was off", off, blobs[1]),
        ("The key was to be deleted", going, blobs[2]),
    )
    for happened, handle, blob in tried:
        _check_seals_or_stops(lab, seal_record, handle, record, happened)
        with recorded(lab) as calls:
            error, found = _outcome(open_record, handle, blob)
        if error is None and calls.refused:
            raise Wrong(OPENED_WITHOUT.format(happened, _shown(found)))


def _check_seals_or_stops(
    lab: Lab, seal_record: Function, key: CMK, record: bytes, happened: str
) -> None:
    with recorded(lab) as calls:
        error, found = _outcome(seal_record, key, record)
    if error is None and (how := found_in(found or b"", record)):
        raise Wrong(IN_THE_CLEAR.format(happened, how))
    if error is None and (calls.refused or not found):
        raise Wrong(SEALED_WITHOUT.format(happened, _shown(found)))


def _check_too_long(seal_record: Function, open_record: Function, key: CMK) -> None:
    """More than Encrypt takes: refused, or sealed all the same by a data key."""
    record = token_bytes(TOO_LONG)
    error, blob = _outcome(seal_record, key, record)
    if error is not None:
        return
    if how := found_in(blob or b"", record):
        raise Wrong(IN_THE_CLEAR.format(f"A record had {TOO_LONG:,} bytes", how))
    if _outcome(open_record, key, blob)[1] != record:
        raise Wrong(LONG_RECORD_LOST.format(TOO_LONG))


def _check_every_byte(seal_record: Function, open_record: Function, key: CMK) -> None:
    """What is added to hide a record's length must not take away any of its own bytes."""
    for ending in (b"  ", b"\0", b"\n", b"|", b"\x80", b"."):
        record = fresh.record() + ending
        if result_of(open_record, key, result_of(seal_record, key, record)) != record:
            raise Wrong(SPACES_LOST.format(ending))
