"""Bytes that don't show themselves: a secret hides in everything that makes text of it.

The rule: turning a secret into text says only its class and its length. Revealing takes a word that
a reader can see in the code: `bytes(secret)`, `secret.hex()`, `secret.decode()`, a slice or a sum
(both give plain `bytes`). Nothing here wipes memory: Python moves and copies bytes as it likes.
"""

from collections.abc import Iterator
from hmac import compare_digest
from typing import NoReturn


class _Covered(bytes):
    """`repr` alone would leak: f-strings, `print` and `%s` ask `__format__` and `__str__`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} bytes>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)  # whatever the spec: an error while logging would help nobody

    def __rich_repr__(self) -> Iterator[str]:
        yield f"{len(self)} bytes"  # rich cuts long bytes itself and prints the slice


class SecretBytes(_Covered):
    """A secret, such as a plaintext data key: `bytes`, but shown as `<SecretBytes 32 bytes>`.

    `bytes(secret)` reveals it. Slices and sums are plain `bytes`: taking it apart is explicit.
    Copies and pickles keep the class; a pickle holds the secret in clear.
    """

    __slots__ = ()

    # `==` on a secret is where timing attacks begin, because comparing stops at the first byte that
    # differs. So it takes the same time wherever the difference is (not for another length). Python
    # asks the subclass first, which covers `guess == secret` too.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (bytes, bytearray)):
            return NotImplemented
        return compare_digest(self, other)

    def __ne__(self, other: object) -> bool:  # else bytes' own, which is not constant in time
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = bytes.__hash__  # equal to plain bytes, so of the same hash

    def __int__(self) -> NoReturn:  # int(b"…") quotes the bytes in its error, whatever their class
        raise TypeError("a secret is not a number; int.from_bytes(secret, 'big') makes one of it")


class CiphertextBlob(_Covered):
    """An encrypted message: not secret, only long, so shown as `<CiphertextBlob 152 bytes>`."""

    __slots__ = ()
