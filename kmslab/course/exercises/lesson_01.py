"""Seal a record so that a stolen laptop stays shut: only the KMS can open what `seal` made."""

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import switch
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written
from kmslab.lab.lab import Lab

FIRST, SECOND = "R-017", "R-101"
ALONE = (
    "It works, and so does the thief: `seal` never asked the KMS, so your program holds a "
    "key of its own. Friday again. (Or did you run the lesson's first cell again? Then run "
    "those after it too.)"
)
REMEMBERED = (
    "The key is off, and the record opens all the same: `unseal` remembers what `seal` was given. "
    "So will the program on the stolen laptop."
)


def seal(clinic: Clinic, close: Answer, open_: Answer) -> str:
    one, two = clinic.record(FIRST), clinic.record(SECOND)
    switch.on(clinic.lab)
    need_written([close, open_], one)
    calls = len(clinic.lab.trail)
    sealed = [ask(close, one), ask(close, one), ask(close, two)]
    asked = len(clinic.lab.trail) > calls
    _hides(one, sealed)
    for record, box in zip((one, one, two), sealed, strict=True):
        if ask(open_, box) != record:
            raise Wrong("What comes back is not the record that was sealed.")
    _notices_change(open_, sealed[0])
    _needs_the_kms(clinic.lab, open_, one, sealed[0], REMEMBERED if asked else ALONE)
    return (
        "The record comes back; with the key off it does not; on again, it does. "
        "The laptop may be stolen now."
    )


def _hides(record: bytes, sealed: list[bytes]) -> None:
    if not all(isinstance(box, bytes) for box in sealed):
        raise Wrong("`seal` should give back bytes: the ciphertext blob is what goes on the disk.")
    if any(record in box for box in sealed):
        raise Wrong("The thief reads the record as it lies there: `seal` did not encrypt it.")
    if len(sealed[0]) < len(record):
        raise Wrong(
            f"A record of {len(record)} bytes became {len(sealed[0])}: what was thrown away can't "
            "come back. A hash is a fingerprint and no box."
        )
    if sealed[0] == sealed[1]:
        raise Wrong(
            "The same record gave the same bytes twice, so a thief can count equal records. "
            "The KMS never answers twice alike; who made these bytes?"
        )


def _notices_change(open_: Answer, box: bytes) -> None:
    for position in (0, len(box) // 2, len(box) - 1):
        spoiled = bytearray(box)
        spoiled[position] ^= 1
        if ask(open_, bytes(spoiled), refusal_is_fine=True) is not None:
            raise Wrong("One bit of the blob was flipped, and `unseal` gave something back anyway.")


def _needs_the_kms(lab: Lab, open_: Answer, record: bytes, box: bytes, why_not: str) -> None:
    switch.off(lab)
    if ask(open_, box, refusal_is_fine=True) == record:
        raise Wrong(why_not)
    switch.on(lab)
    if ask(open_, box) != record:
        raise Wrong("The key is on again, and the record does not come back.")
