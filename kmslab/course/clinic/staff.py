"""January at the clinic: what its people asked of the key `records`, and who sat at whose laptop.

Everybody is an administrator, as it goes in small offices. In the second week a laptop is stolen on
which Jiho is signed in (lesson 1); that evening stands in the trail like any other. From then on
Sora rotates the key each Monday, three times, though that takes nothing from a thief (lesson 5).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from kmslab.course.clinic import records
from kmslab.crypto import CiphertextBlob
from kmslab.kms.access import allow
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

STAFF = ("sora", "jiho", "mina")
EVERYTHING = allow("*")  # what AWS calls AdministratorAccess
WORDS = ("R-016", "R-017", "R-018")  # the records that are sealed in the first hour
OFFICE, EVENING = timedelta(hours=1), timedelta(hours=13, minutes=40)  # 10:00 and 22:40 in Seoul
# Days after the first Monday, the time of day in UTC, and the record that was read.
READ: Sequence[tuple[int, timedelta, str]] = (
    (1, OFFICE, "R-016"),
    (2, OFFICE, "R-017"),
    (3, OFFICE, "R-018"),
    (4, EVENING, "R-017"),
    (11, OFFICE, "R-016"),
    (16, OFFICE, "R-017"),
    (22, OFFICE, "R-018"),
)
ROTATED = (7, 14, 21)  # days after that Monday: three more of them, out of fright
OVER = timedelta(days=28)  # Monday again, the second of February


class Staff(NamedTuple):
    """The people, each as a caller of the KMS."""

    sora: View
    jiho: View
    mina: View


def staff(lab: Lab) -> Staff:
    """With every right that IAM can give. What the keys' policies say is another matter."""
    return Staff(*(lab.user(name, EVERYTHING) for name in STAFF))


def about(number: str) -> dict[str, str]:
    """The encryption context of a record: which one it is."""
    return {"record": number}


def month(lab: Lab, key: CMK) -> dict[str, CiphertextBlob]:
    """Sealed on the first day, read until the last. Gives back the blobs, by record."""
    began, (sora, jiho, _) = lab.clock.now(), staff(lab)
    hers, his = sora.cmk(key.arn), jiho.cmk(key.arn)
    sealed = {number: his.encrypt(records.record(number), about(number)) for number in WORDS}

    def read(number: str) -> None:
        jiho.decrypt(sealed[number], about(number))

    happened: list[tuple[timedelta, Callable[[], None]]] = [
        *((timedelta(days=days) + time, partial(read, number)) for days, time, number in READ),
        *((timedelta(days=days), hers.rotate) for days in ROTATED),
    ]
    for moment, act in sorted(happened, key=itemgetter(0)):
        _until(lab, began + moment)
        act()
    _until(lab, began + OVER)
    return sealed


def _until(lab: Lab, moment: datetime) -> None:
    lab.clock.advance(seconds=(moment - lab.clock.now()).total_seconds())
