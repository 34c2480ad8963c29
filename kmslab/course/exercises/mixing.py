"""Calls a learner's `unseal` with a box made of two boxes, and as it is after a restart.

A program may ask for the data key, compare it with something on the disk, and then open the file
with a key of its own. Put together from two boxes, it opens what it should not.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kmslab.course.exercises import opening
from kmslab.course.exercises.answers import Wrong
from kmslab.course.exercises.boxes import exchanged, parts_of, with_part
from kmslab.course.exercises.restarting import restarted
from kmslab.course.exercises.sealing import Pair, Sealed

CUTS = (12, 16, 28, 32, 44, 48, 60, 64, 80, 96, 128)  # bytes: where a nonce, hash or box may end
OPENS_A_MIXTURE = (
    "The check laid the sealed data of one file into the box of another, whose encrypted key and "
    "everything else stayed. `{}` opened it. So the data key is asked for and compared, and it is "
    "not what seals the file."
)
NOT_AFTER_A_RESTART = (
    "The computer was switched off and on again, and `{}` did not give the file back: what it "
    "needs was in your program's memory. Only what `{}` gave back lies on the disk."
)


def check_sealed_with_the_key(pair: Pair, one: Sealed, two: Sealed) -> None:
    for box in _mixtures(one, two):
        if any(opening.attempt(pair, box, each.named).found == one.data for each in (one, two)):
            raise Wrong(OPENS_A_MIXTURE.format(pair.unseal.__name__))


def check_after_a_restart(pair: Pair, file: Sealed) -> None:
    _, unseal = restarted([pair.seal, pair.unseal])
    tried = opening.attempt(replace(pair, unseal=unseal), file.box, file.named)
    if tried.found != file.data:
        raise Wrong(NOT_AFTER_A_RESTART.format(pair.unseal.__name__, pair.seal.__name__))


def _mixtures(one: Sealed, two: Sealed) -> Iterator[Any]:
    """The second box with a part of the first in it, whole or cut, without the first's key."""
    if _with_key_of_two(one.box, one, two) == one.box:  # the key is hidden: it might go along
        return
    theirs = parts_of(two.box)
    for number, own in enumerate(parts_of(one.box)[: len(theirs)]):
        if isinstance(own, bytes | str) and type(own) is type(theirs[number]):
            for part in _crossed(own, theirs[number]):
                yield _with_key_of_two(with_part(two.box, number, part), one, two)


def _crossed(own: Any, theirs: Any) -> Iterator[Any]:
    yield own
    for cut in CUTS:
        if cut < min(len(own), len(theirs)):
            yield theirs[:cut] + own[cut:]
            yield own[:-cut] + theirs[-cut:]


def _with_key_of_two(box: Any, one: Sealed, two: Sealed) -> Any:
    for old, new in zip(one.calls.blobs, two.calls.blobs, strict=False):
        box = exchanged(box, old, new)
    return box
