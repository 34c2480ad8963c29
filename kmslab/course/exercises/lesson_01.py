"""Exercise 01-seal: seal a record so that only the KMS can open it, also on a stolen laptop."""

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.lab.lab import Lab

FIRST, SECOND = "R-017", "R-101"
KMS_NOT_CALLED = (
    "It works, and so does the thief: `seal` never asked the KMS, so your program holds a "
    "key of its own. Friday again. (Or did you run the lesson's first cell again? Then run "
    "those after it too.)"
)
OPENS_WITHOUT_THE_KEY = (
    "The key is off, and the record opens all the same: `unseal` remembers what `seal` was given. "
    "So will the program on the stolen laptop."
)


def check_seal(clinic: Clinic, seal: Function, unseal: Function) -> str:
    one, two = clinic.record(FIRST), clinic.record(SECOND)
    every_key.enable(clinic.lab)
    require_bodies([seal, unseal], one)
    calls_before = len(clinic.lab.trail)
    sealed = [result_of(seal, one), result_of(seal, one), result_of(seal, two)]
    kms_called = len(clinic.lab.trail) > calls_before
    _check_hides(one, sealed)
    for record, box in zip((one, one, two), sealed, strict=True):
        if result_of(unseal, box) != record:
            raise Wrong("What comes back is not the record that was sealed.")
    _check_notices_change(unseal, sealed[0])
    why_not = OPENS_WITHOUT_THE_KEY if kms_called else KMS_NOT_CALLED
    _check_needs_the_kms(clinic.lab, unseal, one, sealed[0], why_not)
    return (
        "The record comes back; with the key off it does not; on again, it does. "
        "The laptop may be stolen now."
    )


def _check_hides(record: bytes, sealed: list[bytes]) -> None:
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


def _check_notices_change(unseal: Function, box: bytes) -> None:
    for position in (0, len(box) // 2, len(box) - 1):
        changed = bytearray(box)
        changed[position] ^= 1
        if result_of(unseal, bytes(changed), may_fail=True) is not None:
            raise Wrong("One bit of the blob was flipped, and `unseal` gave something back anyway.")


def _check_needs_the_kms(
    lab: Lab, unseal: Function, record: bytes, box: bytes, why_not: str
) -> None:
    every_key.disable(lab)
    if result_of(unseal, box, may_fail=True) == record:
        raise Wrong(why_not)
    every_key.enable(lab)
    if result_of(unseal, box) != record:
        raise Wrong("The key is on again, and the record does not come back.")
