"""Exercises of lesson 02: break the workshop's envelope, write a true one, and fill a folder."""

from secrets import token_hex
from typing import Any

from kmslab.course.clinic import workshop_envelope
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import NotOpened, unlock
from kmslab.course.exercises import every_key, fresh, mixing, opening, refusing, sealing
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.boxes import damaged
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in, made_from_data_alone
from kmslab.course.outcome import outcome
from kmslab.crypto import Forged
from kmslab.crypto.backend import AES_256_KEY
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

# In the notes of four people. None has a hyphen: after one, "e…" would look like the option -e.
KEY_FILES = ("datakey.bin", "hers_{}.bin", "key_{}.txt", "k")
JIHOS_NOTE = (
    "Jiho's file opens, and no other: `{}` stopped with `{}`. The others took other words for "
    "their key files. Which word did each of them give to OpenSSL? It stands in the note."
)
SEALED_AGAIN = (
    "`{}` gave back {:,} bytes for a file of {:,}: the note's own command seals, and it has sealed "
    "the file a second time. To open, it needs `-d` in place of `-e`."
)


def check_note(clinic: Clinic, read_anyway: Function) -> str:
    name = read_anyway.__name__
    every_key.enable(clinic.lab)
    contents = [clinic.record(STOLEN), fresh.record(), fresh.record(), clinic.scan]
    files = [file.format(token_hex(2)) for file in KEY_FILES]
    notes = [workshop_envelope.SEAL.format("in.csv", "out.sealed", file) for file in files]
    sealed = [*map(workshop_envelope.openssl, notes, contents)]
    require_bodies([read_anyway], notes[0], sealed[0])
    with recorded(clinic.lab) as calls:
        for number, (note, box, content) in enumerate(zip(notes, sealed, contents, strict=True)):
            meanings: dict[type[Exception], str] = {}
            if number:
                for error in (workshop_envelope.OpenSslError, NotOpened):
                    meanings[error] = JIHOS_NOTE.format(name, error.__name__)
            found = result_of(read_anyway, note, box, meanings=meanings)
            if _seals(note, found, box):
                raise Wrong(SEALED_AGAIN.format(name, len(found), len(content)))
            _check_content(name, found, content, number)
    if calls:
        raise Wrong(f"`{name}` called {calls.operations[0]}. The thief has no KMS, and needs none.")
    return (
        "Four people's files, four names of key files, and not one key. The thief had to steal "
        "nothing but the notes."
    )


def _seals(note: str, found: Any, box: bytes) -> bool:
    """True if what was given back is the box, sealed once more as the note says."""
    opens = note.replace(" -e ", " -d ")
    try:
        return isinstance(found, bytes) and workshop_envelope.openssl(opens, found) == box
    except workshop_envelope.OpenSslError:
        return False


def _check_content(name: str, found: object, content: bytes, number: int) -> None:
    if found == content:
        return
    what = f"{len(found):,} bytes" if isinstance(found, bytes) else f"`{type(found).__name__}`"
    if number:
        raise Wrong(
            f"What `{name}` gave back for note {number + 1} is not the file that belongs to it. It "
            f"was {what}."
        )
    raise Wrong(f"What `{name}` gave back is not what Jiho sealed. It was {what}.")


FROM_THE_FILE_ALONE = (
    "The same file was sealed twice, and a piece of 16 bytes is in both and not in another file's. "
    "So that piece is made from the file, and neither the data key nor chance is in it: a thief "
    "tells equal files by it, and who knows your program may undo it."
)


def check_envelope(clinic: Clinic, seal: Function, unseal: Function) -> str:
    lab, record = clinic.lab, fresh.record()
    every_key.enable(lab)
    key, other = fresh.key(lab), fresh.key(lab)
    with recorded(lab) as before:
        require_bodies([seal, unseal], key, record)
    every_key.disable(lab, but=key)
    pair = sealing.Pair(lab, key, seal, unseal)
    files = [sealing.seal(pair, data) for data in (record, record, clinic.table, clinic.scan)]
    sealing.check_asks_for_each(pair, files, before)
    for file in files:
        sealing.check_hides(pair, file)
    keys = opening.check_opens(pair, files)
    opening.check_key_for_each(files, keys)
    if files[0].box == files[1].box:
        raise Wrong(sealing.SAME_BYTES)
    opening.check_notices_damage(pair, files[0])
    opening.check_uses_the_key(pair, files[0], files[1])
    opening.check_needs_the_key(pair, files[0], other)
    mixing.check_sealed_with_the_key(pair, files[0], files[2])
    mixing.check_after_a_restart(pair, files[0])
    sealing.check_fresh_keys(pair, files[0])
    refusing.check_lets_refusals_out(pair, files[0])
    other_record = sealing.seal(pair, fresh.other_digits(record))
    if made_from_data_alone(files[0].box, files[1].box, other_record.box):
        raise Wrong(FROM_THE_FILE_ALONE)
    return (
        "Four files, four data keys, and the largest file took no more calls than the smallest. "
        "With the key off nothing opens; on again, everything does. Sora's test is passed."
    )


# --------------------------------------------------------------------------------- the folder

DESK = allow("kms:GenerateDataKeyWithoutPlaintext")
JIHO = allow("kms:Decrypt")
DESK_REFUSED = {
    "GenerateDataKey": "its answer would bring the plaintext key to the desk",
    "Encrypt": "who has a key encrypted has the key",
    "Decrypt": "its answer would be the plaintext key",
}
NOT_ALLOWED = (
    "`{}` called {}, and the desk was refused: {}. The desk may call one operation, "
    "GenerateDataKeyWithoutPlaintext."
)
WENT_ON = "`{}` called {}, then went on as if nothing had happened. The desk was refused: {}."
AS_SOMEBODY_ELSE = (
    "`{}` was given the desk's own handle on the key, and made a call as {}. On the desk's "
    "computer no other user is signed in: use the argument `key`."
)
NOT_A_DATA_KEY = (
    "What `{}` gave back is not a data key that this KMS key has encrypted: Decrypt answers `{}`."
)

OFF, NO_RIGHT = "The key was off", "Somebody without any right called it"
GOING = "The key was to be deleted"
SILENT = (
    "{}, and `{}` gave back {} without an error. Whoever called it goes on as if it had worked. "
    "Let the KMS's error come out."
)
STRANGE = (
    "The folder lay under another KMS key than the one that `{}` was given, and `{}` filled it "
    "without an error: what a stranger prepared, a stranger may open. Tell Decrypt which key you "
    "expect (`key.decrypt`)."
)


def check_folder(clinic: Clinic, new_folder: Function, fill_folder: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key = fresh.key(lab)
    desk, jiho = (fresh.held_by(fresh.person(lab, may), key) for may in (DESK, JIHO))
    record = fresh.record()
    blob = key.generate_data_key_without_plaintext()
    require_bodies([new_folder, fill_folder], desk, blob, record)
    folders = [_new_folder(new_folder, desk, key) for _ in range(2)]
    if folders[0] == folders[1]:
        raise Wrong("Two folders have one and the same data key. Each patient gets a fresh one.")
    for folder, data in zip(folders, (record, clinic.scan), strict=True):
        _check_fills(fill_folder, jiho, folder, data)
    for happened, folder in damaged(folders[0]):
        _check_refuses(happened, fill_folder, jiho, folder, record)
    strange = fresh.key(lab).generate_data_key_without_plaintext()
    if error_of(fill_folder, jiho, strange, record) is None:
        raise Wrong(STRANGE.format(fill_folder.__name__, fill_folder.__name__))
    visitor = fresh.held_by(fresh.person(lab), key)
    _check_refuses(NO_RIGHT, fill_folder, visitor, folders[0], record)
    _check_refuses(NO_RIGHT, new_folder, visitor)
    _check_refuses_if_going(lab, new_folder, fill_folder, record)
    every_key.disable(lab)
    _check_refuses(OFF, fill_folder, jiho, folders[0], record)
    _check_refuses(OFF, new_folder, desk)
    return (
        "The desk made two folders and could have read neither; Jiho's program filled both. "
        "Making keys and using them are two rights, and two people may have them."
    )


def _check_refuses_if_going(
    lab: Lab, new_folder: Function, fill_folder: Function, record: bytes
) -> None:
    going = fresh.key(lab)
    desk, jiho = (fresh.held_by(fresh.person(lab, may), going) for may in (DESK, JIHO))
    folder = going.generate_data_key_without_plaintext()
    going.schedule_deletion()
    _check_refuses(GOING, fill_folder, jiho, folder, record)
    _check_refuses(GOING, new_folder, desk)


def _check_refuses(happened: str, function: Function, *arguments: Any) -> None:
    try:
        found = function(*arguments)
    except Exception:
        return
    shown = f"{len(found):,} bytes" if isinstance(found, bytes) and found else f"`{found!r}`"
    raise Wrong(SILENT.format(happened, function.__name__, shown))


def _new_folder(function: Function, desk: CMK, key: CMK) -> bytes:
    """An encrypted data key, made with the desk's one right."""
    name = function.__name__
    with recorded(key.lab) as calls:  # type: ignore[arg-type]  # a check's key is a lab's
        try:
            folder = result_of(function, desk)
        except Wrong:
            _check_rights(name, calls, desk, NOT_ALLOWED)
            raise
    _check_rights(name, calls, desk, WENT_ON)
    if not isinstance(folder, bytes):
        raise Wrong(
            f"`{name}` should give back one thing, the encrypted data key, which is bytes. It gave "
            f"back `{type(folder).__name__}`."
        )
    context = next((call.request.get("EncryptionContext") for call in calls), None)
    if (answer := outcome(key.decrypt, folder, context)) != "ok":
        raise Wrong(NOT_A_DATA_KEY.format(name, answer))
    if (size := len(key.decrypt(folder, context))) != AES_256_KEY:
        raise Wrong(f"The folder's data key has {size} bytes; `lock` takes {AES_256_KEY}.")
    return folder


def _check_rights(name: str, calls: RecordedCalls, holder: CMK, message: str) -> None:
    for call in calls:
        if call.caller != holder.lab.caller:
            raise Wrong(AS_SOMEBODY_ELSE.format(name, _who(call.caller.principal)))
    if calls.refused:
        operation = calls.refused.operations[0]
        reason = DESK_REFUSED.get(operation, "it needs no such call")
        raise Wrong(message.format(name, operation, reason))


def _who(principal: str) -> str:
    return "the account" if principal.endswith(":root") else principal.rpartition("/")[2]


def _check_fills(function: Function, jiho: CMK, folder: bytes, data: bytes) -> None:
    name = function.__name__
    denied = (
        f"`{name}` was refused. It has one right, to decrypt with this key, and needs no other: "
        "the folder has its data key already."
    )
    meanings: dict[type[Exception], str] = {EXCEPTIONS["AccessDeniedException"]: denied}
    with watched() as left, recorded(jiho.lab) as calls:  # type: ignore[arg-type]
        box = result_of(function, jiho, folder, data, meanings=meanings)
    if not isinstance(box, bytes):
        raise Wrong(
            f"`{name}` should give back one thing, what `lock` made. It gave back "
            f"`{type(box).__name__}`."
        )
    if how := found_in(box, data):
        raise Wrong(f"The thief reads in the folder what `{name}` put there, {how}.")
    if any(call.caller != jiho.lab.caller for call in calls):
        raise Wrong(f"`{name}` was given Jiho's handle on the key, and made a call as another.")
    secrets = calls.of("Decrypt").secrets
    if not secrets:
        raise Wrong(f"`{name}` sealed something, and did not ask for the folder's data key.")
    if found_in(box, secrets[0]):
        raise Wrong(f"`{name}` left the plaintext data key in the folder.")
    check_left(name, left, calls, [("the data key", secrets[0]), ("the data", data)])
    try:
        if unlock(box, secrets[0]) == data:
            return
    except Forged:
        raise Wrong(f"The folder's data key does not open what `{name}` gave back.") from None
    raise Wrong(f"What `{name}` put into the folder comes out as something else.")
