"""Records, keys and people that no learner's function has met: who hard-coded the example fails.

What is made in a check is gone with the rehearsal in which the check runs.
"""

from secrets import SystemRandom, token_hex
from typing import Any

from kmslab.course.clinic import records
from kmslab.kms.iam import Policy
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

NUMBERS = range(600, 1000)  # the table ends at R-569
_random = SystemRandom()


def record() -> bytes:
    """A line as the table has them, with measurements from several patients and a new number."""
    rows, number = records.rows(), _random.choice(NUMBERS)
    values = [_random.choice(rows)[name] for name in rows[0]][1:]
    return ",".join([f"R-{number}", *values]).encode("ascii")


def other_digits(data: bytes) -> bytes:
    """Other data of the same length: each digit is exchanged for the next one."""
    return data.translate(bytes.maketrans(b"0123456789", b"1234567890"))


def key(lab: View, **options: Any) -> CMK:
    """A new KMS key without a name. `options`: `spec` and the others of `lab.create_cmk`."""
    return lab.create_cmk(**options)


def person(lab: View, policy: Policy = None) -> View:
    """A user of this account whose name no policy has; without `policy`, one who may do nothing."""
    return lab.user(f"person-{token_hex(4)}", policy)


def held_by(holder: View, key: CMK) -> CMK:
    """A handle on the same key for another person; making it takes no permission."""
    return CMK(holder, {"Arn": key.arn, "KeySpec": key.spec, "KeyUsage": key.usage}, key.name)
