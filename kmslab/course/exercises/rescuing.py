"""05-rescue: folders that are sealed anew before their KMS key is deleted.

What it asks: nothing needs the old key any more, nothing that the old key did not seal gets into
what the new one seals, and no data key is left where others can read it.
"""

from collections.abc import Sequence
from secrets import token_bytes
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.boxes import flipped
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.course.outcome import outcome
from kmslab.kms.access import allow
from kmslab.kms.arn import Arn
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

REFUSED = object()
UNTIL_DELETED = 31  # days; the waiting period has thirty at most
KEY_GONE = "AccessDeniedException"  # the KMS's answer to Decrypt if the blob's key is gone

NOT_A_LIST = (
    "`rescue` gave back a value of type `{}`. It should give back a list, with one blob for each "
    "folder."
)
NOT_BLOBS = (
    "`rescue` gave back a list, and in it lies a `{}`. Each should be a blob: bytes. (In an answer "
    "of AWS's shape it is the `CiphertextBlob`.)"
)
FEWER = "{} blobs went in and {} came back."
DATA_KEYS = (
    "What `rescue` gave back has the data keys themselves in it{}. They would lie beside the "
    "folders, for everybody to take: the first Friday again."
)
TAKEN_AWAY = (
    "`rescue` was given {} blobs in a list, and has left {} there. If it stops half way, those "
    "that it took out are lost. Leave each blob in the list, or put its new one in its place."
)
SAME_BLOBS = (
    "`rescue` gave back the blobs that went in, and those still name the old key. A moved alias "
    "changes no blob; when the key is deleted, they are lost."
)
LOST = (
    "Lost with the old key: {} of {} blobs, since they name it. Sealing anew helps only under "
    "another key."
)
WITH_CONTEXT = (
    "The new blobs were sealed with an encryption context, `{}`, and the programs that open the "
    "folders name none: `{}`. The old blobs had no context."
)
ELSEWHERE = (
    "The new blobs name the key `{}…`. `rescue` was given the key `{}…` to seal them under: use "
    "its second argument."
)
NO_BLOB = "Decrypt can't open what `rescue` gave back, and answers `{}`. Who sealed it?"
WRONG_ORDER = "Everything opens, but not in the old order: folders got each other's keys."
OTHER_LENGTH = (
    "A blob opens, and {} bytes come out. The folder's data key has {}. What was sealed there?"
)
OTHER_BYTES = (
    "A blob opens, and {} bytes come out, as many as the folder's data key has; but they are not "
    "that data key, so the folder stays shut."
)
TOO_EARLY = (
    "`rescue` scheduled the old key's deletion, and then the old key had to open a blob: refused, "
    "with `{}`. A key that is pending deletion opens nothing. First seal anew, then delete."
)
STRANGER_IN = (
    "Among the blobs lay one of a stranger's, made with a key of his own, and `rescue` sealed it "
    "anew under yours. Now it looks like one of your folders. Each blob is to be opened by the old "
    "key, and by no other: {}"
)
LEFT_IN = (
    "Among the blobs lay {}, and `rescue` gave it back as it was, without an error. Among the "
    "rescued folders it looks rescued. Let the error come out."
)
SILENT = (
    "Among the blobs lay {}, and `rescue` gave back {} without an error. Let the error come out, "
    "or nobody learns which folder is lost."
)

NEW_KEY_OFF = (
    "The new key was Disabled and sealed nothing, and `rescue` gave back {} without an error. Let "
    "the error come out."
)

TURNED_ON = (
    "The new key was Disabled, and `rescue` turned it on again. Somebody had turned it off for a "
    "reason. Let the error come out."
)
NO_RIGHTS = (
    "`rescue` was run by somebody who has no right to {}. The KMS refused, and `rescue` gave back "
    "{} without an error. Let the error come out."
)


def check_rescue(clinic: Clinic, rescue: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    old, new = fresh.key(lab), fresh.key(lab)
    few = [old.generate_data_key().encrypted for _ in range(3)]
    require_bodies([rescue], old, new, few)
    new, scene = fresh.key(lab), clinic.forgotten_key()
    keys = [lab.decrypt(blob) for blob in scene.folders]
    given: list[bytes] = list(scene.folders)
    with watched() as left, recorded(lab) as calls:
        saved = _rescued(rescue, scene.key, new, given, calls)
    _check_blobs(saved, scene.folders, keys)
    check_left(rescue.__name__, left, calls, [("a data key", keys[0]), ("a data key", keys[-1])])
    if len(given) < len(keys):
        raise Wrong(TAKEN_AWAY.format(len(keys), len(given)))
    outcome(scene.key.schedule_deletion)  # unless the learner has done that already
    lab.clock.advance(days=UNTIL_DELETED)
    _check_opened(keys, [_decrypt(lab, blob) for blob in saved], calls)
    _check_key(lab, saved[0], new)
    _check_only_its_own(lab, rescue)
    return (
        f"The old key is gone, and all {len(keys)} folders open. That took {len(calls):,} small "
        "calls, however many pages there are: no page was touched. A stranger's blob and a "
        "damaged one were refused."
    )


def _rescued(rescue: Function, old: CMK, new: CMK, blobs: list[bytes], calls: RecordedCalls) -> Any:
    try:
        return result_of(rescue, old, new, blobs)
    except Wrong:
        scheduled = calls.on(old).of("ScheduleKeyDeletion")
        refusals = calls.of("Decrypt", "ReEncrypt").refused
        if scheduled and refusals and refusals[0].error:
            raise Wrong(TOO_EARLY.format(refusals[0].error.code)) from None
        raise


def _check_blobs(saved: Any, folders: Sequence[bytes], keys: Sequence[bytes]) -> None:
    if not isinstance(saved, list | tuple):
        raise Wrong(NOT_A_LIST.format(type(saved).__name__))
    if others := [each for each in saved if not isinstance(each, bytes)]:
        raise Wrong(NOT_BLOBS.format(type(others[0]).__name__))
    if len(saved) != len(folders):
        raise Wrong(FEWER.format(len(folders), len(saved)))
    if how := found_in(list(saved), keys[0]):
        raise Wrong(DATA_KEYS.format("" if how == "as it is" else f", {how}"))
    if list(saved) == list(folders):
        raise Wrong(SAME_BLOBS)


def _check_only_its_own(lab: Lab, rescue: Function) -> None:
    old, new = fresh.key(lab), fresh.key(lab)
    first, last = (old.generate_data_key().encrypted for _ in range(2))
    stranger = fresh.key(lab).encrypt(token_bytes(32))
    damaged = next(flipped(first, -1))
    tried = (("one of a stranger's", stranger), ("one in which a bit had been flipped", damaged))
    for what, blob in tried:
        with recorded(lab) as calls:
            try:
                found = rescue(old, new, [first, blob, last])
            except Exception:
                continue
        given_back = found if isinstance(found, list | tuple) else []
        if blob in given_back:
            raise Wrong(LEFT_IN.format(what))
        if lab.decrypt(stranger) in [_decrypt(lab, each) for each in given_back]:
            raise Wrong(STRANGER_IN.format(_without_a_key(calls)))
        raise Wrong(SILENT.format(what, _counted(found)))
    _check_lets_refusals_out(lab, rescue, old, new)


def _check_lets_refusals_out(lab: Lab, rescue: Function, old: CMK, new: CMK) -> None:
    blobs = [old.generate_data_key().encrypted for _ in range(2)]
    new.disable()
    found = _answer(rescue, old, new, blobs)
    if new.state is not KeyState.DISABLED:
        raise Wrong(TURNED_ON)
    if found is not REFUSED:
        raise Wrong(NEW_KEY_OFF.format(_counted(found, 2)))
    new.enable()
    for what, policy in (("use either key", None), ("seal anything", allow("kms:Decrypt"))):
        person = fresh.person(lab, policy)
        held = [fresh.held_by(person, key) for key in (old, new)]
        with recorded(lab) as calls:
            found = _answer(rescue, *held, [*blobs])
        if calls.refused and found is not REFUSED:
            raise Wrong(NO_RIGHTS.format(what, _counted(found, 2)))


def _answer(rescue: Function, *arguments: Any) -> Any:
    try:
        return rescue(*arguments)
    except Exception:
        return REFUSED


def _without_a_key(calls: RecordedCalls) -> str:
    """The first call that opened a blob without naming the key, and what it did not name."""
    member = {"Decrypt": "KeyId", "ReEncrypt": "SourceKeyId"}
    unnamed = [call for call in calls.of(*member) if member[call.operation] not in call.request]
    if not unnamed:
        return "say so in the call."
    operation = unnamed[0].operation
    return f"say so in the call. (`{operation}` was called without a `{member[operation]}`.)"


def _counted(found: Any, of: int = 3) -> str:
    return f"{len(found)} for {of}" if isinstance(found, list | tuple) else f"`{found!r}`"


def _decrypt(lab: Lab, blob: Any) -> bytes | str:
    """The plaintext, or the name of the error."""
    try:
        return lab.decrypt(blob)
    except KMSError as refusal:
        return refusal.code
    except TypeError:
        return "no bytes"


def _check_opened(
    keys: Sequence[bytes], opened: Sequence[bytes | str], calls: RecordedCalls
) -> None:
    if gone := opened.count(KEY_GONE):
        raise Wrong(LOST.format(gone, len(keys)))
    if refusals := [each for each in opened if isinstance(each, str)]:
        if context := _context(calls):
            raise Wrong(WITH_CONTEXT.format(context, refusals[0]))
        raise Wrong(NO_BLOB.format(refusals[0]))
    if list(opened) == list(keys):
        return
    if set(opened) == set(keys):
        raise Wrong(WRONG_ORDER)
    wrong = next(got for got, key in zip(opened, keys, strict=True) if got != key)
    if len(wrong) != len(keys[0]):
        raise Wrong(OTHER_LENGTH.format(len(wrong), len(keys[0])))
    raise Wrong(OTHER_BYTES.format(len(wrong)))


def _context(calls: RecordedCalls) -> Any:
    members = ("EncryptionContext", "DestinationEncryptionContext")
    named = [call.request.get(name) for call in calls for name in members]
    return next(filter(None, named), None)


def _check_key(lab: Lab, blob: bytes, new: CMK) -> None:
    named = Arn.parse(lab.kms.decrypt(CiphertextBlob=blob)["KeyId"]).name
    if named != new.id:
        raise Wrong(ELSEWHERE.format(named[:8], new.id[:8]))
