"""Lesson 05's exercises: a key's whole name, a key that is brought back, folders that are rescued.

What 05-rescue asks: nothing needs the old key any more, and nothing that the old key did not seal
gets into what the new one seals.
"""

from collections.abc import Sequence
from secrets import token_bytes, token_hex
from typing import Any

from kmslab.course.clinic.archive import BUSAN, let_use
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.boxes import flipped
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.course.outcome import outcome
from kmslab.kms.access import allow
from kmslab.kms.arn import Arn, is_arn
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

# -------------------------------------------------------------------------------- 05-whole-name

NAME_NOT_TEXT = "`whole_name` gave back a `{}`, and a name is text. The ARN is in there somewhere."
ALIAS_AGAIN = (
    "`whole_name` gave back `{}`. That is the alias, and it may lead to another key tomorrow."
)
NO_ARN = (
    "`whole_name` gave back `{}`, which names no account and no Region: elsewhere it means another "
    "key, or none."
)
OTHER_KEY = (
    "Asked by account {} in {} for `{}`, `whole_name` answered with key `{}…` of account {} in {}. "
    "That name leads to key `{}…` of account {} in {}."
)
STALE = (
    "The alias was moved to another key, and `whole_name` still answers with the old one. It has "
    "to ask anew each time."
)
MADE_UP = "No key has the name `{}`, and `whole_name` gave back {} instead of an error."


def check_whole_name(clinic: Clinic, whole_name: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    busan, ireland = lab.account(BUSAN), lab.region("eu-west-1")
    alias = f"drawer-{token_hex(3)}"
    key, theirs, far = (view.create_cmk(alias) for view in (lab, busan, ireland))
    let_use(key, BUSAN)
    name, alias_arn = f"alias/{alias}", key.arn.replace(f"key/{key.id}", f"alias/{alias}")
    require_bodies([whole_name], lab, name)
    asked: list[tuple[View, str, CMK]] = [
        (lab, name, key),
        (lab, key.id, key),
        (lab, alias_arn, key),
        (lab, key.arn, key),
    ]
    asked += [(busan, name, theirs), (busan, alias_arn, key), (ireland, name, far)]
    for view, given, right in asked:
        _check_whole(view, given, right, result_of(whole_name, view, given))
    later = fresh.key(lab)
    lab.kms.update_alias(AliasName=name, TargetKeyId=later.arn)
    if (found := result_of(whole_name, lab, name)) == key.arn:
        raise Wrong(STALE)
    _check_whole(lab, name, later, found)
    unknown = f"alias/nobody-{token_hex(3)}"
    if error_of(whole_name, lab, unknown) is None:
        raise Wrong(MADE_UP.format(unknown, _shown(whole_name(lab, unknown))))
    return (
        "Seven names, asked by two accounts and in two Regions, and each time the whole name of "
        "the right key. After the alias had moved, its new key's; and for a name that nothing "
        "has, an error."
    )


def _check_whole(view: View, given: str, right: CMK, found: Any) -> None:
    if found == right.arn:
        return
    if not isinstance(found, str):
        raise Wrong(NAME_NOT_TEXT.format(type(found).__name__))
    if "alias/" in found:
        raise Wrong(ALIAS_AGAIN.format(found))
    if not is_arn(found) or found.count(":") != right.arn.count(":"):
        raise Wrong(NO_ARN.format(found))
    here = view.caller
    names = [part for arn in (found, right.arn) for part in _named(Arn.parse(arn))]
    raise Wrong(OTHER_KEY.format(here.account, here.region, given, *names))


def _named(arn: Arn) -> tuple[str, str, str]:
    return arn.name[:8], arn.account, arn.region


def _shown(found: Any) -> str:
    if found is None:
        return "nothing (`None`)"
    return f"`{found}`" if isinstance(found, str) else f"`{found!r}`"


# ------------------------------------------------------------------------------ 05-back-to-work

NOT_BACK = "The key was {}, and after `back_to_work` it is {}. It should be Enabled."
ONLY_CANCELLED = (
    "The key was PendingDeletion, and after `back_to_work` it is Disabled: a cancelled deletion "
    "leaves it there. One call is missing."
)
ANOTHER_BACK = (
    "`back_to_work` was given one key, and another one changed too: it was {}, and is now {}. "
    "Somebody had decided that."
)
ANOTHER_CALLED = (
    "`back_to_work` called {} for another key. The one that it was given was {}, and is {}."
)
STATE_NOT_TOLD = (
    "The key was {}, and `back_to_work` gave back {}. It should give back the state in which it "
    "found the key."
)
GONE_UNNOTICED = (
    "The key had been deleted, and `back_to_work` gave back {} instead of an error. Nobody can "
    "bring that one back, and Sora has to learn of it."
)
REFUSAL_UNNOTICED = (
    "`back_to_work` was run by somebody who may not enable keys. The KMS refused, with `{}`; "
    "`back_to_work` gave back {}, and the key is {}. Let the error come out."
)
OTHERS_RIGHTS = (
    "`back_to_work` was run by somebody who may not enable keys, and the key is Enabled all the "
    "same. It acted for somebody else: use the `key` that it was given, and that key's `lab`."
)
PENDING, DISABLED, ENABLED = KeyState.PENDING_DELETION, KeyState.DISABLED, KeyState.ENABLED


def check_back_to_work(clinic: Clinic, back_to_work: Function) -> str:
    lab = clinic.lab
    require_bodies([back_to_work], _key_in(lab, PENDING))
    bystanders = {state: _key_in(lab, state) for state in (DISABLED, PENDING)}
    for state in (PENDING, DISABLED, ENABLED, PENDING):
        key = _key_in(lab, state)
        with recorded(lab) as calls:
            told = result_of(back_to_work, key)
        _check_back(key, state, told, calls)
        for before, other in bystanders.items():
            if other.state is not before:
                raise Wrong(ANOTHER_BACK.format(before, other.state))
    gone = _key_in(lab, PENDING)
    _check_without_rights(lab, back_to_work)
    lab.clock.advance(days=31)
    if error_of(back_to_work, gone) is None:
        raise Wrong(GONE_UNNOTICED.format(_shown(back_to_work(gone))))
    return (
        "From PendingDeletion, Disabled and Enabled, each key works again, and other keys were "
        "left alone. One that was deleted raised an error."
    )


def _key_in(lab: Lab, state: KeyState) -> CMK:
    key = fresh.key(lab)
    {PENDING: key.schedule_deletion, DISABLED: key.disable}.get(state, key.enable)()
    return key


def _check_back(key: CMK, before: KeyState, told: Any, calls: RecordedCalls) -> None:
    if (now := key.state) is not ENABLED:
        changes = calls.of("EnableKey", "CancelKeyDeletion")
        if changes and not changes.on(key):
            raise Wrong(ANOTHER_CALLED.format(changes[0].operation, before, now))
        only = before is PENDING and now is DISABLED
        raise Wrong(ONLY_CANCELLED if only else NOT_BACK.format(before, now))
    if told != before:
        raise Wrong(STATE_NOT_TOLD.format(before, _shown(told)))


def _check_without_rights(lab: Lab, back_to_work: Function) -> None:
    key = _key_in(lab, DISABLED)
    reader = fresh.held_by(fresh.person(lab, allow("kms:DescribeKey")), key)
    with recorded(lab) as calls:
        error = error_of(back_to_work, reader)
        told = back_to_work(reader) if error is None else None
    if error is None and key.state is ENABLED:
        raise Wrong(OTHERS_RIGHTS)
    if error is None:
        refusal = calls.refused[0].error if calls.refused else None
        code = refusal.code if refusal else "no call"
        raise Wrong(REFUSAL_UNNOTICED.format(code, _shown(told), key.state))


# ------------------------------------------------------------------------------------ 05-rescue

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


def check_rescue(clinic: Clinic, rescue: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    old, new = fresh.key(lab), fresh.key(lab)
    few = [old.generate_data_key().encrypted for _ in range(3)]
    require_bodies([rescue], old, new, few)
    new, scene = fresh.key(lab), clinic.forgotten_key()
    keys = [lab.decrypt(blob) for blob in scene.folders]
    with recorded(lab) as calls:
        saved = _rescued(rescue, scene.key, new, list(scene.folders), calls)
    _check_blobs(saved, scene.folders, keys)
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


def _without_a_key(calls: RecordedCalls) -> str:
    """The first call that opened a blob without naming the key, and what it did not name."""
    member = {"Decrypt": "KeyId", "ReEncrypt": "SourceKeyId"}
    unnamed = [call for call in calls.of(*member) if member[call.operation] not in call.request]
    if not unnamed:
        return "say so in the call."
    operation = unnamed[0].operation
    return f"say so in the call. (`{operation}` was called without a `{member[operation]}`.)"


def _counted(found: Any) -> str:
    return f"{len(found)} for 3" if isinstance(found, list | tuple) else f"`{found!r}`"


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
