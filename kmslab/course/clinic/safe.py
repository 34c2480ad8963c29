"""The clinic's safe: sheets of paper, each with 32 bytes of key material, and the key they go into.

A sheet has the same bytes as long as the clinic lives, and other bytes in each kernel.
"""

from datetime import timedelta
from secrets import token_bytes

from kmslab.crypto import SecretBytes
from kmslab.lab.cmk import CMK

TRIAL = "555566667777"  # an account in which nothing of the clinic's can be broken
MATERIAL = 32  # bytes
WEEK, FRIDAY = 7, 4  # days; FRIDAY after a Monday is the last of sheet 1


class Safe:
    """Sheets of paper by their number."""

    def __init__(self) -> None:
        self._sheets: dict[int, SecretBytes] = {}

    def sheet(self, number: int) -> SecretBytes:
        """The 32 bytes on a sheet; they are made up when a number is asked for the first time."""
        return self._sheets.setdefault(number, SecretBytes(token_bytes(MATERIAL)))


def two_sheets(key: CMK, safe: Safe) -> None:
    """Both sheets are in the key, sheet 2 is current, and sheet 1 expires in four days.

    The key had sheet 1 first. Sheet 2 comes in on the next Monday, once; after that this only sets
    the key's materials again.
    """
    clock = key.lab.clock
    if len(key.rotations.rows) == 1:
        clock.advance(days=WEEK - clock.now().weekday())
        key.import_material(safe.sheet(2), new=True)
        key.rotate()
    key.import_material(safe.sheet(1), expires=clock.now() + timedelta(days=FRIDAY))
    key.import_material(safe.sheet(2))
