"""Calls a learner's `seal` and `unseal` where the KMS refuses: the error has to come out.

A program that writes the file as it is when the KMS refuses is worse than none, since nobody
notices. Each kind of refusal is tried: programs catch one kind and forget the others.
"""

from dataclasses import replace

from kmslab.course.exercises import fresh, opening
from kmslab.course.exercises.answers import Wrong
from kmslab.course.exercises.recording import recorded
from kmslab.course.exercises.sealing import Pair, Sealed, seal
from kmslab.course.exercises.searching import found_in

NO_RIGHT = "Somebody without any right called it"
OFF, GOING = "The key was off", "The key was to be deleted"
IN_THE_CLEAR = (
    "{}, and `{}` gave back the file itself, {}, and no error. That would lie on the disk until "
    "somebody steals it. What can't be sealed must not be written."
)
SEALED_ANYWAY = (
    "{}, and the KMS refused; `{}` gave back something without an error. Let the error come out, "
    "or nobody learns that the file is not sealed."
)


def check_lets_refusals_out(pair: Pair, file: Sealed) -> None:
    off, going = fresh.key(pair.lab), fresh.key(pair.lab)
    boxes = [seal(replace(pair, key=key), file.data, *file.named).box for key in (off, going)]
    off.disable()
    going.schedule_deletion()
    visitor = fresh.held_by(fresh.person(pair.lab), pair.key)
    tried = ((NO_RIGHT, visitor, file.box), (OFF, off, boxes[0]), (GOING, going, boxes[1]))
    for happened, key, box in tried:
        own = replace(pair, key=key)
        _check_seals_or_stops(own, file, happened)
        answer = opening.attempt(own, box, file.named)
        if answer.calls.refused:
            opening.check_loud(own, happened, answer)


def _check_seals_or_stops(pair: Pair, file: Sealed, happened: str) -> None:
    with recorded(pair.lab) as calls:
        try:
            box = pair.seal(pair.key, *file.named, file.data)
        except Exception:
            return
    if how := found_in(box or b"", file.data):
        raise Wrong(IN_THE_CLEAR.format(happened, pair.seal.__name__, how))
    if calls.refused:
        raise Wrong(SEALED_ANYWAY.format(happened, pair.seal.__name__))
