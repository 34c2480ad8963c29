"""A key from a passphrase: Argon2id (RFC 9106), which makes each guess cost memory and time.

Rule: it gives its published answer before its first use, as every algorithm here does. It is not in
the backends' interface, because only one of the two libraries has it.
"""

from functools import cache

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.self_test import SelfTestFailed

KEY = 32  # bytes
MOST = (100, 64, 2 * 1024 * 1024)  # passes, lanes, KiB; more would stop the machine, not a thief


def argon2id(
    passphrase: bytes, salt: bytes, iterations: int, lanes: int, memory: int
) -> SecretBytes:
    """A key of 32 bytes. `memory` is in KiB. Raises ValueError for costs that are not possible."""
    for cost, most in zip((iterations, lanes, memory), MOST, strict=True):
        if type(cost) is not int or not 1 <= cost <= most:
            raise ValueError("these are not costs of Argon2id")
    _self_test()
    derive = Argon2id(
        salt=salt, length=KEY, iterations=iterations, lanes=lanes, memory_cost=memory
    ).derive
    return SecretBytes(derive(passphrase))


@cache
def _self_test() -> None:
    """The answer of RFC 9106 §5.3."""
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
