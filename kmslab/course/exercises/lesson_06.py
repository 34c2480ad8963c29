"""06-older: which blobs need an older piece of their key's material.

Lesson 06's other exercises are in `mending.py` and `bringing_back.py`.
"""

from collections.abc import Sequence
from random import SystemRandom
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
from kmslab.course.exercises.errors_come_out import check_lets_out, check_powers
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.other_answers import other_materials
from kmslab.course.exercises.recording import recorded
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

_random = SystemRandom()

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
    records = [fresh.record() for _ in range(7)]
    blobs = [key.encrypt(records[0])]
    require_bodies([older], key, list(blobs))
    for some in (records[1:3], records[3:]):
        key.rotate()
        blobs += map(key.encrypt, some)
    needs_older = blobs[:3]
    _random.shuffle(blobs)
    right = [each for each in blobs if each in needs_older]
    with watched() as left, recorded(lab) as calls:
        _check_older(lab, older, key, blobs, right)
    if not calls.of("Decrypt", "ReEncrypt"):
        raise Wrong(READ_THE_BYTES)
    check_left(older.__name__, left, calls, [("a record", each) for each in records])
    _check_follows_answers(lab, older)
    all_current = [unrotated.encrypt(fresh.record()) for _ in range(3)]
    _check_older(lab, older, unrotated, all_current, [])
    key.rotate()
    found = result_of(older, key, list(blobs))
    if _is_list(found) and len(found) < len(blobs):
        raise Wrong(ROTATED_AGAIN.format(len(blobs), len(found)))
    _check_older(lab, older, key, blobs, blobs)
    _check_lets_errors_out(lab, older, key, blobs)
    return (
        "Of seven blobs of three materials, `older` found the three; of a key that was never "
        "rotated, none; and after one more rotation, all seven. A damaged one raised an error."
    )


def _check_follows_answers(lab: Lab, older: Function) -> None:
    """While the KMS names the old material as the current one and the other way round.

    By blobs that it has not seen: a blob's material never changes, so a program may remember it.
    """
    key = fresh.key(lab)
    first = [key.encrypt(fresh.record()) for _ in range(2)]
    old = key.metadata["CurrentKeyMaterialId"]
    key.rotate()
    second, current = key.encrypt(fresh.record()), key.metadata["CurrentKeyMaterialId"]
    with other_materials(lab, {current: old, old: current}):
        found = result_of(older, key, [first[0], second, first[1]])
    if not _is_list(found) or list(found) != [second]:
        raise Wrong(ANSWER_IGNORED)


def _check_lets_errors_out(lab: Lab, older: Function, key: CMK, blobs: Sequence[bytes]) -> None:
    spoiled = next(flipped(blobs[1], -1))
    given = [blobs[0], spoiled, *blobs[2:]]
    refused, found = _called(older, key, given)
    if not refused:
        among = _is_list(found) and spoiled in found
        where = "and that blob is among them" if among else "and left that blob out"
        raise Wrong(UNREADABLE.format(_shown(found, given), where))
    new = [key.encrypt(fresh.record()) for _ in range(2)]  # of which nothing is remembered
    key.disable()
    with recorded(lab) as calls:
        refused, found = _called(older, key, new)
    check_powers(older, calls)
    if not refused:
        raise Wrong(DISABLED_UNNOTICED.format(_shown(found)))
    key.enable()
    check_lets_out(lab, ["Decrypt", "ReEncrypt"], older, key, new, shown=_shown)


def _called(older: Function, key: CMK, blobs: Sequence[bytes]) -> tuple[bool, Any]:
    """Whether it raised an error, and else what it gave back."""
    try:
        return False, older(key, list(blobs))
    except Exception:
        return True, None


def _check_older(
    lab: Lab, older: Function, key: CMK, blobs: Sequence[bytes], right: Sequence[bytes]
) -> None:
    with recorded(lab) as calls:
        found = result_of(older, key, list(blobs))
    if calls.of("RotateKeyOnDemand"):
        raise Wrong(ROTATED_IT)
    check_powers(older, calls)
    if not _is_list(found):
        raise Wrong(NOT_A_LIST.format(type(found).__name__))
    if any(each not in blobs for each in found):
        raise Wrong(NOT_GIVEN)
    if len(set(found)) < len(found):
        raise Wrong(TWICE)
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


def _shown(found: Any, given: Sequence[bytes] = ()) -> str:
    if _is_list(found):
        return f"{len(found)} of {len(given)} blobs" if given else f"a list of {len(found)}"
    return "nothing (`None`)" if found is None else f"`{found!r}`"
