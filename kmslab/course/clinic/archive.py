"""The clinic's archive: a folder for each patient, and the forgotten KMS key that they all need.

A folder is sealed under a data key, which lies beside it, encrypted under that KMS key. The KMS key
has lost its name: the alias was moved to a newer one. A scene sets the key's state again, whatever
was done to it before. All of it happens in January, and stands on January's bill.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from kmslab.course.clinic import records
from kmslab.crypto import CiphertextBlob
from kmslab.kms.arn import root_arn
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.states import PENDING, KeyState
from kmslab.kms.operations.policies import default_policy
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

NAME = "archive"
ALIAS = f"alias/{NAME}"
DESCRIPTION, TAGS = "Seals the data keys of the patients' folders", {"owner": "Sora"}
UNUSED_FOR = timedelta(weeks=1)  # at least
WAITING_PERIOD = timedelta(days=7)
FRIDAY = 4  # as `weekday` counts
BUSAN = "444455556666"  # the account of a hospital that has an archive too
FOR_OTHER_ACCOUNTS = ("kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*")


@dataclass(frozen=True, slots=True)
class Archive:
    """A key, and the encrypted data keys beside the folders, one for each patient."""

    key: CMK
    folders: tuple[CiphertextBlob, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"<Archive of {len(self.folders):,} folders, sealed under {self.key}>"


def forgotten_archive(lab: Lab) -> Archive:
    """Sealed on a Monday, then the alias moved to another key; today is the Friday of next week.

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


def hospital(lab: Lab) -> View:
    """The hospital in Busan, which has an archive and an alias of its own.

    The clinic's key lets its account encrypt.
    """
    busan = lab.account(BUSAN)
    busan.create_cmk(NAME)
    let_use(lab.create_cmk(NAME), BUSAN)
    return busan


def let_use(key: CMK, account: str) -> None:
    """Give the key the default policy, and let another account look it up and encrypt with it."""
    policy = json.loads(default_policy(key.lab.caller.account))
    statement = {
        "Sid": "Another account may encrypt",
        "Effect": "Allow",
        "Principal": {"AWS": root_arn(account)},
        "Action": list(FOR_OTHER_ACCOUNTS),
        "Resource": "*",
    }
    key.put_policy({**policy, "Statement": [*policy["Statement"], statement]})


def left_behind(lab: Lab) -> None:
    """What lesson 05 leaves: the forgotten key, turned off and not deleted, and the one of today.

    A key that is turned off costs as much as any other.
    """
    lab.create_cmk().disable()
    lab.create_cmk(NAME, description=DESCRIPTION, tags=TAGS)


def _alias_exists(lab: Lab) -> bool:
    return any(alias["AliasName"] == ALIAS for alias in lab.kms.list_aliases()["Aliases"])


def _advance_to_friday(lab: Lab) -> None:
    lab.clock.advance(days=(FRIDAY - lab.clock.now().weekday()) % 7)
