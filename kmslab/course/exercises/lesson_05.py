"""Rescue the folders: whatever names a key must be sealed anew before the key may be deleted."""

from collections.abc import Sequence
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written
from kmslab.course.outcome import outcome
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.lab import Lab

LONG_ENOUGH = 31  # days; a window has thirty at most
OF_NO_KEY = "AccessDeniedException"  # how the KMS answers for a blob whose key is gone


def rescue(clinic: Clinic, save: Answer) -> str:
    lab, old = clinic.lab, clinic.forgotten_key()
    folders = list(old.folders)
    keys = [lab.decrypt(blob) for blob in folders]
    need_written([save], folders[:1])
    before = len(lab.trail)
    saved = ask(save, folders)
    calls = len(lab.trail) - before
    _are_blobs(saved, folders, keys)
    outcome(old.key.schedule_deletion)  # unless the learner has done that already
    lab.clock.advance(days=LONG_ENOUGH)
    _are_those(keys, [_opened(lab, blob) for blob in saved])
    return (
        f"The old key is gone, and all {len(keys)} folders open. That took {calls:,} small calls, "
        "however many pages there are: no page was touched."
    )


def _are_blobs(saved: Any, folders: Sequence[bytes], keys: Sequence[bytes]) -> None:
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


def _opened(lab: Lab, blob: bytes) -> bytes | str:
    """What is in it, or the name of the refusal."""
    try:
        return lab.decrypt(blob)
    except KMSError as refusal:
        return refusal.code


def _are_those(keys: Sequence[bytes], opened: Sequence[bytes | str]) -> None:
    if gone := opened.count(OF_NO_KEY):
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
