"""Exercise 13-anywhere: seal with any client of any KMS, and move a file from one to another."""

from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh, opening, sealing
from kmslab.course.exercises.answers import Function, Wrong, error_of, require_bodies, result_of
from kmslab.course.exercises.lesson_03_file import check_opens
from kmslab.course.exercises.other_answers import other_answers
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.course.stand_in import stand_in
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

NAMES = ("R-017.csv", "R-101.csv", "R-017.csv")
LABS_OWN = (
    "`{}` works with `lab.kms` and not with boto3's client: {}. AWS has no handle on a key such as "
    "`records`; it has calls, such as `kms.generate_data_key(KeyId=key_id, …)`."
)
WRONG_KEY = (
    "`{}` was given another key's id, and opened the file. Tell Decrypt which key you expect: "
    "`KeyId=key_id`."
)
WRONG_NAME = "The file of `{1}` was put in the place of `{2}`, and `{0}` opened it."
NOT_MOVED = (
    "The old KMS was gone, and the file that `{}` gave back did not open in the new one under its "
    "name, `{}`: {}."
)
STILL_ASKS = (
    "The file that `{}` gave back is opened with the old KMS, which is the one that will be "
    "switched off: its Decrypt was called."
)
OLD_NOT_ASKED = (
    "(The old KMS was not asked: first open the file with the old one, then seal what came out "
    "with the new one.)"
)
OTHER_DATA = "What was moved opens in the new KMS, and it is not what was sealed."
MOVED_WRONG_NAME = (
    "The file of `{1}` lay in the place of `{2}`, and `{0}` moved it there as if it were that "
    "file. To move is to open and to seal: the wrong name has to be refused."
)
LOST_ITS_NAME = "What `{}` moved as `{}` opens under the name `{}`, too."
LIES_OPEN = "{} stands in what `{}` gave back{}."
WRONG_PLACE = "`{}` called {} of the {} KMS, which it does not need for a move."
ANSWER_IGNORED = (
    "The new KMS was made to answer with another key, and the moved file opened all the same."
)


def check_anywhere(clinic: Clinic, seal_for: Function, unseal_for: Function, move: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key, other = fresh.key(lab), fresh.key(lab)
    with recorded(lab) as before:
        arguments = (lab.kms, key.arn, NAMES[0], b"R-000")
        require_bodies([seal_for, unseal_for, move], *arguments, lab.kms, key.arn)
    every_key.disable(lab, but=key)
    boto3 = lab.boto3()
    pair = _pair(lab, key, seal_for, unseal_for, boto3)
    contents = (fresh.record(), clinic.table, fresh.record())
    files = [sealing.seal(pair, data, name) for data, name in zip(contents, NAMES, strict=True)]
    _check_boto3(seal_for, boto3, key)
    sealing.check_asks_for_each(pair, files, before)
    for file in files:
        sealing.check_hides(pair, file)
    keys = check_opens(pair, files)
    opening.check_key_for_each(files, keys)
    _check_key_and_name(lab, pair, files, key, other)
    opening.check_notices_damage(pair, files[0])
    opening.check_uses_the_key(pair, files[0], files[2])
    for place, elsewhere in (NAMES[:2], NAMES[1::-1]):
        _check_moves(lab, key, (seal_for, unseal_for, move), place, elsewhere)
    opening.check_needs_the_key(pair, files[0], other)
    return (
        "Three functions that take any client: the lab's, boto3's, and AWS's on the day it is "
        "needed. And a file that has moved no longer needs the KMS from which it came."
    )


def _pair(lab: Lab, key: CMK, seal_for: Function, unseal_for: Function, boto3: Any) -> sealing.Pair:
    """Seals by `lab.kms` and opens by boto3, so that neither can lean on the lab's own words."""

    def seal(key_id: CMK, name: str, data: bytes) -> Any:
        return seal_for(lab.kms, key_id.arn, name, data)

    def unseal(key_id: CMK, name: str, sealed: Any) -> Any:
        return unseal_for(boto3, key_id.arn, name, sealed)

    seal.__name__, unseal.__name__ = seal_for.__name__, unseal_for.__name__
    return sealing.Pair(lab, key, seal, unseal)


def _check_boto3(seal_for: Function, boto3: Any, key: CMK) -> None:
    if error := error_of(seal_for, boto3, key.arn, NAMES[0], fresh.record()):
        text = f"`{type(error).__name__}`: {error}"
        raise Wrong(LABS_OWN.format(seal_for.__name__, text))


def _check_key_and_name(
    lab: Lab, pair: sealing.Pair, files: list[sealing.Sealed], key: CMK, other: CMK
) -> None:
    name = pair.unseal.__name__
    other.enable()
    if opening.attempt(pair, files[0].box, files[0].named, key=other).found == files[0].data:
        raise Wrong(WRONG_KEY.format(name))
    other.disable()
    for file, place in ((files[0], NAMES[1]), (files[1], NAMES[0])):
        tried = opening.attempt(pair, file.box, [place])
        if tried.found == file.data:
            raise Wrong(WRONG_NAME.format(name, file.named[0], place))
        opening.check_loud(pair, f"`{file.named[0]}` lay in the place of `{place}`", tried)


def _check_moves(
    lab: Lab, key: CMK, functions: tuple[Function, Function, Function], place: str, elsewhere: str
) -> None:
    seal_for, unseal_for, move = functions
    name, new = move.__name__, stand_in()
    old, there = (lab.kms, key.arn), (new.kms, new.create_cmk().arn)
    record = fresh.record()
    sealed = seal_for(*old, place, record)
    with recorded(lab) as olds, recorded(new) as news:
        try:
            moved = result_of(move, *old, *there, place, sealed)
        except Wrong as why:
            raise Wrong(why if olds else f"{why} {OLD_NOT_ASKED}") from why
    _check_calls(name, olds, news)
    secrets = [("A data key", each) for each in (*olds.secrets, *news.secrets)]
    for what, secret in (("The file itself", record), *secrets):
        if how := found_in(moved, secret):
            raise Wrong(LIES_OPEN.format(what, name, "" if how == "as it is" else f", {how}"))
    key.disable()
    with recorded(lab) as olds:
        found = _opened(name, unseal_for, there, place, moved)
        _check_moved(new, unseal_for, there, place, moved)
    if found != record:
        raise Wrong(OTHER_DATA)
    if olds:
        raise Wrong(STILL_ASKS.format(name))
    if error_of(unseal_for, *there, elsewhere, moved) is None:
        raise Wrong(LOST_ITS_NAME.format(name, place, elsewhere))
    key.enable()
    if error_of(move, *old, *there, elsewhere, sealed) is None:
        raise Wrong(MOVED_WRONG_NAME.format(name, place, elsewhere))


def _opened(name: str, unseal_for: Function, there: tuple[Any, str], place: str, moved: Any) -> Any:
    """What was moved, opened in the new KMS while the old one refuses."""
    try:
        return result_of(unseal_for, *there, place, moved)
    except Wrong as why:
        raise Wrong(NOT_MOVED.format(name, place, str(why).rstrip("."))) from why


def _check_moved(
    new: Lab, unseal_for: Function, there: tuple[Any, str], place: str, moved: Any
) -> None:
    with other_answers(new):
        if error_of(unseal_for, *there, place, moved) is None:
            raise Wrong(ANSWER_IGNORED)


def _check_calls(name: str, olds: RecordedCalls, news: RecordedCalls) -> None:
    for calls, allowed, which in (
        (olds, opening.OPENING, "old"),
        (news, sealing.SEALING, "new"),
    ):
        if more := [each for each in calls.operations if each not in allowed]:
            raise Wrong(WRONG_PLACE.format(name, more[0], which))
