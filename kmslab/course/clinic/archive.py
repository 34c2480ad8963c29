"""The clinic's archive: a folder for each patient, and the forgotten KMS key that they all need.

A folder is sealed under a data key, which lies beside it, encrypted under that KMS key. The KMS key
has lost its name: the alias was moved to a newer one. A scene sets the key's state again, whatever
was done to it before.
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
UNUSED_FOR = timedelta(weeks=12)  # at least
WAITING_PERIOD = timedelta(days=7)
FRIDAY = 4  # as `weekday` counts


@dataclass(frozen=True, slots=True)
class Archive:
    """A key, and the encrypted data keys beside the folders, one for each patient."""

    key: CMK
    folders: tuple[CiphertextBlob, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"<Archive of {len(self.folders):,} folders, sealed under {self.key}>"


def forgotten_archive(lab: Lab) -> Archive:
    """Sealed in January, then the alias moved to another key; today is a Friday in spring.

    Once the alias has moved, it stays there: the next forgotten key never had it.
    """
    key, alias_exists = lab.create_cmk(), _alias_exists(lab)
    if not alias_exists:
        lab.kms.create_alias(AliasName=ALIAS, TargetKeyId=key.arn)
    folders = tuple(key.generate_data_key().encrypted for _ in records.rows())
    if not alias_exists:
        lab.kms.update_alias(AliasName=ALIAS, TargetKeyId=lab.create_cmk().arn)
    lab.clock.advance(days=UNUSED_FOR.days)
    _advance_to_friday(lab)
    return Archive(key, folders)


def key_is_gone(archive: Archive) -> bool:
    """True if its key was deleted, or was made in a rehearsal that is over."""
    try:
        return not archive.key.state
    except EXCEPTIONS["NotFoundException"]:
        return True


def enable(key: CMK) -> None:
    """Enable the key, whatever its state."""
    if key.state in PENDING:
        key.cancel_deletion()
    if key.state is KeyState.DISABLED:
        key.enable()


def schedule_deletion_on_friday(lab: Lab, key: CMK) -> None:
    """Go to a Friday on which the key has all of its last seven days before it."""
    if key.metadata.get("DeletionDate") == lab.clock.now() + WAITING_PERIOD:
        return
    enable(key)
    _advance_to_friday(lab)
    key.schedule_deletion(days=WAITING_PERIOD.days)


def current_key(lab: Lab) -> CMK:
    """What lesson 05 leaves behind: the archive's key of today, with a name and tags."""
    return lab.create_cmk(NAME, description=DESCRIPTION, tags=TAGS)


def _alias_exists(lab: Lab) -> bool:
    return any(alias["AliasName"] == ALIAS for alias in lab.kms.list_aliases()["Aliases"])


def _advance_to_friday(lab: Lab) -> None:
    lab.clock.advance(days=(FRIDAY - lab.clock.now().weekday()) % 7)
