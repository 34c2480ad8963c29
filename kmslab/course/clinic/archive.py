"""The clinic's archive: a folder a patient, each sealed under a data key, and a forgotten KMS key.

What lies beside a folder is its data key, encrypted under a KMS key. That key has lost its name:
the alias was moved to a newer one. Scenes start from here, whatever was done to the key since.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from kmslab.course.clinic import records
from kmslab.crypto import CiphertextBlob
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.states import PENDING, KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

NAME = "archive"
ALIAS = f"alias/{NAME}"
DESCRIPTION, TAGS = "Seals the data keys of the patients' folders", {"owner": "Sora"}
FORGOTTEN = timedelta(weeks=12)  # how long nobody has used the key, at least
WINDOW = timedelta(days=7)
FRIDAY = 4  # as `weekday` counts


@dataclass(frozen=True, slots=True)
class Archive:
    """A key, and the encrypted data keys that lie beside the folders, one a patient."""

    key: CMK
    folders: tuple[CiphertextBlob, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"<Archive of {len(self.folders):,} folders, sealed under {self.key}>"


def forgotten(lab: Lab) -> Archive:
    """Sealed in January, then the alias moved to another key; today is a Friday in spring.

    Once the alias has moved, it stays: the next forgotten key never had it.
    """
    key, named = lab.create_cmk(), _is_named(lab)
    if not named:
        lab.kms.create_alias(AliasName=ALIAS, TargetKeyId=key.arn)
    folders = tuple(key.generate_data_key().encrypted for _ in records.rows())
    if not named:
        lab.kms.update_alias(AliasName=ALIAS, TargetKeyId=lab.create_cmk().arn)
    lab.clock.advance(days=FORGOTTEN.days)
    _until_friday(lab)
    return Archive(key, folders)


def is_gone(archive: Archive) -> bool:
    """Deleted for good, or made in a rehearsal."""
    try:
        return not archive.key.state
    except EXCEPTIONS["NotFoundException"]:
        return True


def wake(key: CMK) -> None:
    """Enabled, from whatever state."""
    if key.state in PENDING:
        key.cancel_deletion()
    if key.state is KeyState.DISABLED:
        key.enable()


def condemn(lab: Lab, key: CMK) -> None:
    """Friday at five: seven days left, all seven."""
    if key.metadata.get("DeletionDate") == lab.clock.now() + WINDOW:
        return
    wake(key)
    _until_friday(lab)
    key.schedule_deletion(days=WINDOW.days)


def current(lab: Lab) -> CMK:
    """What lesson 05 leaves behind: the archive's key of today, with a name and a note."""
    return lab.create_cmk(NAME, description=DESCRIPTION, tags=TAGS)


def _is_named(lab: Lab) -> bool:
    return any(alias["AliasName"] == ALIAS for alias in lab.kms.list_aliases()["Aliases"])


def _until_friday(lab: Lab) -> None:
    lab.clock.advance(days=(FRIDAY - lab.clock.now().weekday()) % 7)
