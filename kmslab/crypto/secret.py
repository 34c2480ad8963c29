"""Bytes that hide themselves: no text made from a secret contains it.

Rule: a secret turned into text shows only its class and its length. To reveal it, code must say so:
`bytes(secret)`, `secret.hex()`, `secret.decode()`, a slice or a sum (these two are plain `bytes`).
Nothing here wipes memory, because Python copies bytes whenever it likes.
"""

from collections.abc import Iterator
from hmac import compare_digest
from typing import NoReturn


class _Covered(bytes):
    """Hiding `repr` is not enough: f-strings, `print` and `%s` use `__format__` and `__str__`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} bytes>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)  # for any spec: an error while logging would help nobody

    def __rich_repr__(self) -> Iterator[str]:
        yield f"{len(self)} bytes"  # otherwise rich would cut the bytes itself and print the slice


class SecretBytes(_Covered):
    """A secret, such as a plaintext data key: `bytes`, but shown as `<SecretBytes 32 bytes>`.

    `bytes(secret)` reveals it. Slices and sums are plain `bytes`. Copies and pickles keep the
    class; a pickle contains the secret in clear.
    """

    __slots__ = ()

    # Comparing bytes stops at the first difference, and the time it takes shows where that is.
    # This takes the same time wherever it is (except for another length). Python asks the subclass
    # first, so it also covers `guess == secret`.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (bytes, bytearray)):
            return NotImplemented
        return compare_digest(self, other)

    def __ne__(self, other: object) -> bool:  # bytes has its own, which is not constant in time
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = bytes.__hash__  # it equals plain bytes, so it has their hash

    def __int__(self) -> NoReturn:  # int(b"…") quotes the bytes in its error, whatever their class
        raise TypeError("a secret is not a number; int.from_bytes(secret, 'big') makes one of it")


class CiphertextBlob(_Covered):
    """An encrypted message. It is not secret, but long: shown as `<CiphertextBlob 152 bytes>`."""

    __slots__ = ()
