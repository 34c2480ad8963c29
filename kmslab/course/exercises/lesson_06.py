"""Lesson 06's exercises on key material: find what needs an old piece, and bring back a lost one.

The one on data keys, 06-mend, is in `mending.py`.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import SystemRandom
from secrets import token_bytes
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.safe import MATERIAL
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.boxes import flipped
from kmslab.course.exercises.other_answers import other_materials
from kmslab.course.exercises.recording import recorded
from kmslab.kms.access import allow
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

_random = SystemRandom()

# ------------------------------------------------------------------------------------- 06-older

NOT_A_LIST = "`older` gave back a value of type `{}`. It should give back a list of blobs."
NOT_GIVEN = (
    "In what `older` gave back lies something that did not go in. It should give back blobs as "
    "they are, and make no new ones."
)
TWICE = "`older` gave back one and the same blob more than once."
THE_OTHERS = (
    "`older` gave back {} blobs, and those are the ones of the current material. It is the others "
    "that are asked for."
)
TOO_MANY = (
    "`older` gave back {} of {} blobs. {} of those were made with the current material, and need "
    "no older one."
)
TOO_FEW = "Of {} blobs {} need older material, and `older` gave back {} of those."
ANOTHER_KEYS = (
    "`older` called {} for another key than the one that it was given, so it compared with another "
    "key's material."
)
READ_THE_BYTES = (
    "These are the right blobs, and the KMS was asked about none of them: `older` has read their "
    "bytes. Their layout is this lab's own. AWS publishes none, so on AWS this finds nothing. Ask "
    "with a call."
)
ANSWER_IGNORED = (
    "The check let the KMS name other materials than before, and `older` gave back the same blobs. "
    "So it calls Decrypt, and goes by something else than the KeyMaterialId in the answer."
)
ROTATED_AGAIN = (
    "The key was rotated once more, so all {} blobs need older material now, and `older` gave back "
    "{}. Which material is the current one has to be asked anew."
)
ROTATED_IT = "`older` rotated the key. It was asked to look, and to change nothing."
UNREADABLE = (
    "In one of the blobs a bit had been flipped, so the KMS could not say which material made it. "
    "`older` gave back {} without an error, {}. Let the error come out."
)
DISABLED_UNNOTICED = (
    "The key was Disabled, the KMS opened not one blob, and `older` gave back {} without an error. "
    "Let the error come out."
)
WRONG_ORDER = "These are the right blobs, but not in the order in which they went in."


def check_older(clinic: Clinic, older: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key, unrotated = fresh.key(lab), fresh.key(lab)
    blobs = [key.encrypt(fresh.record())]
    require_bodies([older], key, list(blobs))
    for number in (2, 4):
        key.rotate()
        blobs += [key.encrypt(fresh.record()) for _ in range(number)]
    needs_older = blobs[:3]
    _random.shuffle(blobs)
    _check_older(lab, older, key, blobs, [each for each in blobs if each in needs_older])
    _check_follows_answers(lab, older, key, blobs)
    all_current = [unrotated.encrypt(fresh.record()) for _ in range(3)]
    _check_older(lab, older, unrotated, all_current, [])
    key.rotate()
    found = result_of(older, key, list(blobs))
    if _is_list(found) and len(found) < len(blobs):
        raise Wrong(ROTATED_AGAIN.format(len(blobs), len(found)))
    _check_older(lab, older, key, blobs, blobs)
    _check_lets_errors_out(older, key, blobs)
    return (
        "Of seven blobs of three materials, `older` found the three; of a key that was never "
        "rotated, none; and after one more rotation, all seven. A damaged one raised an error."
    )


def _check_follows_answers(lab: Lab, older: Function, key: CMK, blobs: Sequence[bytes]) -> None:
    """While the KMS names an old material as the current one and the other way round."""
    used = {blob: lab.kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] for blob in blobs}
    current = key.metadata["CurrentKeyMaterialId"]
    old = next(material for material in used.values() if material != current)
    exchanged = {current: old, old: current}
    right = [blob for blob in blobs if exchanged.get(used[blob], old) != current]
    with other_materials(lab, exchanged):
        found = result_of(older, key, list(blobs))
    if list(found) != right:
        raise Wrong(ANSWER_IGNORED)


def _check_lets_errors_out(older: Function, key: CMK, blobs: Sequence[bytes]) -> None:
    spoiled = next(flipped(blobs[1], -1))
    given = [blobs[0], spoiled, *blobs[2:]]
    if error_of(older, key, list(given)) is None:
        found = older(key, list(given))
        where = "and that blob is among them" if spoiled in found else "and left that blob out"
        raise Wrong(UNREADABLE.format(f"{len(found)} of {len(given)} blobs", where))
    key.disable()
    if error_of(older, key, list(blobs)) is None:
        raise Wrong(DISABLED_UNNOTICED.format(_shown(older(key, list(blobs)))))


def _check_older(
    lab: Lab, older: Function, key: CMK, blobs: Sequence[bytes], right: Sequence[bytes]
) -> None:
    with recorded(lab) as calls:
        found = result_of(older, key, list(blobs))
    if calls.of("RotateKeyOnDemand"):
        raise Wrong(ROTATED_IT)
    if not _is_list(found):
        raise Wrong(NOT_A_LIST.format(type(found).__name__))
    if any(each not in blobs for each in found):
        raise Wrong(NOT_GIVEN)
    if len(set(found)) < len(found):
        raise Wrong(TWICE)
    if blobs and list(found) == list(right) and not calls.of("Decrypt", "ReEncrypt"):
        raise Wrong(READ_THE_BYTES)
    if list(found) != list(right):
        asked = calls.of("DescribeKey", "ListKeyRotations")
        if asked and not asked.on(key):
            raise Wrong(ANOTHER_KEYS.format(asked[0].operation))
        raise Wrong(_difference(blobs, right, found))


def _difference(blobs: Sequence[bytes], right: Sequence[bytes], found: Sequence[bytes]) -> str:
    wrong = [each for each in found if each not in right]
    if wrong and len(wrong) == len(found) == len(blobs) - len(right):
        return THE_OTHERS.format(len(found))
    if wrong:
        return TOO_MANY.format(len(found), len(blobs), len(wrong))
    if len(found) < len(right):
        return TOO_FEW.format(len(blobs), len(right), len(found))
    return WRONG_ORDER


def _is_list(found: Any) -> bool:
    return isinstance(found, list | tuple)


# ------------------------------------------------------------------------------------ 06-sheets

NOT_A_NUMBER = (
    "`bring_back` gave back a value of type `{}`. It should give back a number: how many of the "
    "sheets fitted."
)
STILL_PENDING = (
    "After `bring_back` the key is {}. It has {} pieces of material, and {} of them {} back. The "
    "sheets for all of them were there."
)
BLOBS_SHUT = "The key is Enabled, and a blob that it made answers `{}`."
WRONG_NUMBER = "{} of the {} sheets belong to this key, and `bring_back` gave back {}."
NEW_MATERIAL = (
    "A sheet that does not belong to this key was brought in as new material, for a rotation "
    "later on. It is asked for what was there before, and nothing else."
)
ANOTHER_KEY = (
    "`bring_back` made a new KMS key. The same bytes in another key open none of the old blobs."
)
EXPIRES = (
    "`bring_back` gave {} of the key's {} pieces of material a last day ({:%Y-%m-%d}). On that day "
    "the key is PendingImport again. Sora asked for none."
)
MISSING_UNNOTICED = (
    "One of the sheets was missing, so the key is still PendingImport, and `bring_back` gave back "
    "{}: {} fitted."
)
ERROR_UNNOTICED = (
    "{}. The KMS refused, with `{}`, and `bring_back` gave back {} as if the sheets did not fit. "
    "Let that error come out."
)
NO_RIGHTS = "`bring_back` was run by somebody who may not import"
DELETED = "The key was waiting for its deletion, and takes no material in that state"


def check_sheets(clinic: Clinic, bring_back: Function) -> str:
    lab = clinic.lab
    require_bodies([bring_back], fresh.key(lab, origin="EXTERNAL"), [])
    own = [token_bytes(MATERIAL) for _ in range(2)]
    strange = [token_bytes(MATERIAL) for _ in range(2)]
    key, blobs = _expired(lab, own)
    sheets = [strange[0], own[1], strange[1], own[0]]
    _check_back(lab, bring_back, key, blobs, sheets, own)
    _check_material_errors_come_out(lab, bring_back, own)
    missing, _ = _expired(lab, own)
    found = result_of(bring_back, missing, [own[1], *strange])
    if found != 1:
        raise Wrong(MISSING_UNNOTICED.format(_shown(found), 1))
    return (
        "Two sheets of four belonged to the key, and with both of them in it all its blobs open "
        "again. With one sheet missing, `bring_back` said how many fitted, and the key stayed shut."
    )


def _imported(lab: Lab, sheets: Sequence[bytes]) -> tuple[CMK, list[bytes]]:
    """A key into which one sheet after the other was imported, and a blob of each material."""
    key, blobs = fresh.key(lab, origin="EXTERNAL"), []
    for number, sheet in enumerate(sheets):
        key.import_material(sheet, expires=lab.clock.now() + timedelta(days=2), new=True)
        if number:
            key.rotate()
        blobs.append(bytes(key.encrypt(fresh.record())))
    return key, blobs


def _expired(lab: Lab, sheets: Sequence[bytes]) -> tuple[CMK, list[bytes]]:
    """Such a key after its material has expired."""
    key, blobs = _imported(lab, sheets)
    lab.clock.advance(days=3)
    return key, blobs


def _check_back(
    lab: Lab,
    bring_back: Function,
    key: CMK,
    blobs: Sequence[bytes],
    sheets: Sequence[bytes],
    own: Sequence[bytes],
) -> None:
    with recorded(lab) as calls:
        found = result_of(bring_back, key, list(sheets))
    if calls.of("CreateKey"):
        raise Wrong(ANOTHER_KEY)
    materials = key.rotations.rows
    if len(materials) > len(own):
        raise Wrong(NEW_MATERIAL)
    if (state := key.state) is not KeyState.ENABLED:
        there = sum("IMPORTED" in row for row in materials)
        raise Wrong(
            STILL_PENDING.format(state, len(own), there or "none", "is" if there == 1 else "are")
        )
    for blob in blobs:
        if error := error_of(key.decrypt, blob):
            raise Wrong(BLOBS_SHUT.format(type(error).__name__))
    _check_no_last_day(lab, key)
    if isinstance(found, bool) or not isinstance(found, int):
        raise Wrong(NOT_A_NUMBER.format(type(found).__name__))
    if found != len(own):
        raise Wrong(WRONG_NUMBER.format(len(own), len(sheets), found))


def _check_no_last_day(lab: Lab, key: CMK) -> None:
    listed = lab.kms.list_key_rotations(KeyId=key.arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    last_days = [each["ValidTo"] for each in listed["Rotations"] if "ValidTo" in each]
    if last_days:
        raise Wrong(EXPIRES.format(len(last_days), len(listed["Rotations"]), min(last_days)))


def _check_material_errors_come_out(lab: Lab, bring_back: Function, own: Sequence[bytes]) -> None:
    person = fresh.person(lab, allow("kms:DescribeKey", "kms:GetParametersForImport"))
    key, deleted = (_expired(lab, own[:1])[0] for _ in range(2))
    deleted.schedule_deletion()
    for why, handle in ((NO_RIGHTS, fresh.held_by(person, key)), (DELETED, deleted)):
        with recorded(lab) as calls:
            error = error_of(bring_back, handle, own[:1])
        if error is None:
            refused = calls.refused[0].error if calls.refused else None
            told = _shown(bring_back(handle, own[:1]))
            raise Wrong(ERROR_UNNOTICED.format(why, refused.code if refused else "no call", told))


def _shown(found: Any) -> str:
    if _is_list(found):
        return f"a list of {len(found)}"
    return "nothing (`None`)" if found is None else f"`{found!r}`"
