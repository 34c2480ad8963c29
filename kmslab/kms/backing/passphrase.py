"""A root key that is made from a passphrase, and so lies in no file.

The store's record of its root key has the salt and the cost, and neither the passphrase nor the
key. A guess costs what `RECOMMENDED` says: 64 MiB of memory, and a fifth of a second or so.
"""

import secrets
import unicodedata

from kmslab.crypto import SecretBytes
from kmslab.kms.backing.root_record import Stretching

RECOMMENDED = (3, 4, 64 * 1024)  # passes, lanes, KiB: RFC 9106 §4, the second choice
SALT = 16  # bytes, as §4 has it


class Passphrase:
    """A passphrase, which no text shows. Raises ValueError if it is empty, or is no text.

    `cost_for_tests` makes guessing cheap: passes, lanes, KiB of memory.
    """

    __slots__ = ("_cost", "_typed")

    def __init__(self, text: str, *, cost_for_tests: tuple[int, int, int] | None = None) -> None:
        if not text:
            raise ValueError("a passphrase has at least one character")
        # Composed (NFC), so that every keyboard's "é" is the same (RFC 8265).
        try:
            self._typed = SecretBytes(unicodedata.normalize("NFC", text).encode())
        except UnicodeEncodeError:  # it has the passphrase in it
            raise ValueError("a passphrase has to be text, in UTF-8") from None
        self._cost = cost_for_tests or RECOMMENDED

    def __repr__(self) -> str:
        return "<Passphrase>"

    def new(self) -> Stretching:
        """How a new store makes its root key of this passphrase, with a fresh salt."""
        return Stretching(secrets.token_bytes(SALT), *self._cost)

    def root_key(self, made: Stretching) -> SecretBytes:
        from kmslab.crypto.argon2 import argon2id  # few labs have a passphrase: loaded when needed

        return argon2id(self._typed, made.salt, made.iterations, made.lanes, made.memory)
