"""January at the clinic: the calls that its staff, and a thief, made with the key `records`.

All three are administrators, as happens in small offices. On a Friday evening a thief uses the
laptop on which Jiho is signed in (lesson 01), and the trail records that like any other reading. On
the next three Mondays Sora rotates the key, which takes nothing from a thief (lesson 06).
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

NAMES = ("sora", "jiho", "mina")
ADMINISTRATOR = allow("*")  # what AWS calls AdministratorAccess
SEALED = ("R-016", "R-017", "R-018")  # the records that Jiho's program encrypts on the first Monday
MORNING, EVENING = timedelta(hours=1), timedelta(hours=13, minutes=40)  # 10:00 and 22:40 in Seoul
# Days after the first Monday, the time of day in UTC, and the record that was read.
READINGS: Sequence[tuple[int, timedelta, str]] = (
    (1, MORNING, "R-016"),
    (2, MORNING, "R-017"),
    (3, MORNING, "R-018"),
    (4, EVENING, "R-017"),  # the thief
    (11, MORNING, "R-016"),
    (16, MORNING, "R-017"),
    (22, MORNING, "R-018"),
)
ROTATION_DAYS = (7, 14, 21)  # after the first Monday
MONTH = timedelta(days=28)  # until Monday, the second of February


class Staff(NamedTuple):
    """The people, each as a caller of the KMS."""

    sora: View
    jiho: View
    mina: View


def staff(lab: Lab) -> Staff:
    """Each with every right that IAM can give; a key's policy may still refuse them."""
    return Staff(*(lab.user(name, ADMINISTRATOR) for name in NAMES))


def context_of(number: str) -> dict[str, str]:
    """A record's encryption context: its number."""
    return {"record": number}


def play_january(lab: Lab, key: CMK) -> dict[str, CiphertextBlob]:
    """Encrypt the records, then make the month's calls. Returns the blobs by record number."""
    start, (sora, jiho, _) = lab.clock.now(), staff(lab)
    soras_key, jihos_key = sora.cmk(key.arn), jiho.cmk(key.arn)
    sealed = {
        number: jihos_key.encrypt(records.record(number), context_of(number)) for number in SEALED
    }

    def read(number: str) -> None:
        jiho.decrypt(sealed[number], context_of(number))

    calls: list[tuple[timedelta, Callable[[], None]]] = [
        *((timedelta(days=days) + time, partial(read, number)) for days, time, number in READINGS),
        *((timedelta(days=days), soras_key.rotate) for days in ROTATION_DAYS),
    ]
    for moment, call in sorted(calls, key=itemgetter(0)):
        _advance_to(lab, start + moment)
        call()
    _advance_to(lab, start + MONTH)
    return sealed


def _advance_to(lab: Lab, moment: datetime) -> None:
    lab.clock.advance(seconds=(moment - lab.clock.now()).total_seconds())
