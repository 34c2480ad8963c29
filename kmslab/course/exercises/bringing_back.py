"""06-sheets: a key's expired material is brought back from the sheets in the safe.

What it asks: all that was there is there again, and nothing else; the sheets stay a secret; and a
refusal is not taken for a sheet that does not fit.
"""

from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.safe import MATERIAL
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.errors_come_out import check_lets_out, check_powers
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.recording import recorded
from kmslab.kms.access import allow
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

# A refusal that is no lack of rights and no wrong state: those two are tried for real.
ANOTHER_KIND = ["NotFoundException"]

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
NONE_FITTED = (
    "No sheet in the list belonged to the key, and `bring_back` gave back {}. The number of those "
    "that fitted is 0."
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
    missing, _ = _expired(lab, own)
    _check_errors_come_out(lab, bring_back, missing, own)
    found = result_of(bring_back, missing, [strange[0], own[1], strange[1]])
    if found != 1:
        raise Wrong(MISSING_UNNOTICED.format(_shown(found), 1))
    if (found := bring_back(missing, strange[:1])) != 0:
        raise Wrong(NONE_FITTED.format(_shown(found)))
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
    with watched() as left, recorded(lab) as calls:
        found = result_of(bring_back, key, list(sheets))
    if calls.of("CreateKey"):
        raise Wrong(ANOTHER_KEY)
    check_powers(bring_back, calls)
    check_left(bring_back.__name__, left, calls, [("what is on a sheet", each) for each in sheets])
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


def _check_errors_come_out(lab: Lab, bring_back: Function, key: CMK, own: Sequence[bytes]) -> None:
    """For the key of somebody else, one that is going, and one that is not found."""
    person = fresh.person(lab, allow("kms:DescribeKey", "kms:GetParametersForImport"))
    deleted, _ = _expired(lab, own[:1])
    deleted.schedule_deletion()
    for why, handle in ((NO_RIGHTS, fresh.held_by(person, key)), (DELETED, deleted)):
        with recorded(lab) as calls:
            error = error_of(bring_back, handle, own[:1])
        check_powers(bring_back, calls)
        if error is None:
            refused = calls.refused[0].error if calls.refused else None
            told = _shown(bring_back(handle, own[:1]))
            raise Wrong(ERROR_UNNOTICED.format(why, refused.code if refused else "no call", told))
    check_lets_out(
        lab,
        ["ImportKeyMaterial"],
        bring_back,
        key,
        own[:1],
        shown=_shown,
        kinds=ANOTHER_KIND,
    )


def _shown(found: Any) -> str:
    return "nothing (`None`)" if found is None else f"`{found!r}`"
