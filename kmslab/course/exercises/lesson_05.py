"""Exercise 05-rescue: encrypt each data key anew before the KMS key that it needs is deleted."""

from collections.abc import Sequence
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.outcome import outcome
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.lab import Lab

UNTIL_DELETED = 31  # days; the waiting period has thirty at most
KEY_GONE = "AccessDeniedException"  # the KMS's answer to Decrypt if the blob's key is gone


def check_rescue(clinic: Clinic, rescue: Function) -> str:
    lab, old = clinic.lab, clinic.forgotten_key()
    folders = list(old.folders)
    keys = [lab.decrypt(blob) for blob in folders]
    require_bodies([rescue], folders[:1])
    calls_before = len(lab.trail)
    saved = result_of(rescue, folders)
    calls = len(lab.trail) - calls_before
    _check_blobs(saved, folders, keys)
    outcome(old.key.schedule_deletion)  # unless the learner has done that already
    lab.clock.advance(days=UNTIL_DELETED)
    _check_data_keys(keys, [_decrypt(lab, blob) for blob in saved])
    return (
        f"The old key is gone, and all {len(keys)} folders open. That took {calls:,} small calls, "
        "however many pages there are: no page was touched."
    )


def _check_blobs(saved: Any, folders: Sequence[bytes], keys: Sequence[bytes]) -> None:
    if not isinstance(saved, list | tuple) or not all(isinstance(each, bytes) for each in saved):
        raise Wrong("`rescue` should give back a list of blobs, one for each that it got.")
    if len(saved) != len(folders):
        raise Wrong(f"{len(folders)} blobs went in and {len(saved)} came back. The rest is lost.")
    if set(saved) & set(keys):
        raise Wrong(
            "What you gave back are the data keys themselves, as they are. They would lie beside "
            "the folders for everybody to take: the first Friday again."
        )
    if list(saved) == list(folders):
        raise Wrong(
            "These are the blobs that went in, and so they still name the old key. A moved alias "
            "or a rotated key changes no blob; when the key is deleted, they are lost."
        )


def _decrypt(lab: Lab, blob: bytes) -> bytes | str:
    """The plaintext, or the name of the error."""
    try:
        return lab.decrypt(blob)
    except KMSError as refusal:
        return refusal.code


def _check_data_keys(keys: Sequence[bytes], opened: Sequence[bytes | str]) -> None:
    if gone := opened.count(KEY_GONE):
        raise Wrong(
            f"Lost with the old key: {gone} of {len(keys)} blobs, since they name it. Sealing anew "
            "helps only under another key."
        )
    if refusals := [each for each in opened if isinstance(each, str)]:
        raise Wrong(f"The KMS can't open what you gave back: `{refusals[0]}`. Who sealed it?")
    if set(opened) == set(keys) and list(opened) != list(keys):
        raise Wrong("Everything opens, but not in the old order: folders got each other's keys.")
    if list(opened) != list(keys):
        raise Wrong(
            f"A blob opens, and {len(opened[0])} bytes come out: not the folder's data key, which "
            f"has {len(keys[0])}. What did you seal?"
        )
