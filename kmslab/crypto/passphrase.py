"""A key from a passphrase: Argon2id (RFC 9106), which makes each guess cost memory and time.

Rule: before its first use it gives its published answer, as every algorithm here does.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.self_test import SelfTestFailed

SALT = 16  # bytes, RFC 9106 §4
KEY = 32


class Cost(NamedTuple):
    """What one guess costs. Each value is one that RFC 9106 §3.1 and this machine allow."""

    iterations: int
    lanes: int
    memory: int  # KiB

    def check(self) -> None:
        """Raises ValueError. The bounds are the RFC's below, and above what a computer can do."""
        legal = 1 <= self.lanes <= 64 and 1 <= self.iterations <= 1_000
        if not (legal and 8 * self.lanes <= self.memory <= 2**23):
            raise ValueError("these are not costs of Argon2id")


RECOMMENDED = Cost(iterations=3, lanes=4, memory=64 * 1024)  # RFC 9106 §4, the second choice
SMALLEST = Cost(iterations=1, lanes=1, memory=8)  # what the RFC allows; it protects nothing


def stretched(passphrase: bytes, salt: bytes, cost: Cost) -> SecretBytes:
    """A key of 32 bytes. The same passphrase, salt and cost give the same key."""
    cost.check()
    _self_test()
    argon2 = Argon2id(
        salt=salt,
        length=KEY,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    )
    return SecretBytes(argon2.derive(passphrase))


def as_typed(text: str) -> SecretBytes:
    """A passphrase's bytes: composed (NFC), so that every keyboard's "é" is the same (RFC 8265)."""
    return SecretBytes(unicodedata.normalize("NFC", text).encode())


@cache
def _self_test() -> None:
    """RFC 9106 §5.3."""
    found = Argon2id(
        salt=b"\2" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        secret=b"\3" * 8,
        ad=b"\4" * 12,
    ).derive(b"\1" * 32)
    if found.hex() != "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659":
        raise SelfTestFailed("Argon2id gives a wrong answer")
