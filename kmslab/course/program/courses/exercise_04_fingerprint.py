"""04-fingerprint: accept a report only if the clinic's own key has signed it."""

from hashlib import sha256

from kmslab import PublicKey
from kmslab.course.program.courses.exercise_04_genuine import is_genuine


def is_from_clinic(
    fingerprint: str, public_key: PublicKey, report: bytes, signature: bytes
) -> bool:
    right_key = sha256(public_key.der).hexdigest() == fingerprint
    return right_key and is_genuine(public_key, report, signature)
