"""Bytes that hide themselves: no text made from a secret contains it.

Rule: a secret turned into text shows only its class and its length. To reveal it, code must say so:
`bytes(secret)`, `secret.hex()`, `secret.decode()`, a slice or a concatenation (the last two give
plain `bytes`). Nothing here wipes memory, because Python may copy bytes at any time.
"""

from collections.abc import Iterator
from hmac import compare_digest
from typing import NoReturn


class _HiddenBytes(bytes):
    """Replacing `__repr__` is not enough: f-strings, `print` and `%s` use the other two methods."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} bytes>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)  # whatever the spec: an error here would break the program's logging

    def __rich_repr__(self) -> Iterator[str]:
        yield f"{len(self)} bytes"  # otherwise rich would slice the bytes and print the slice


class SecretBytes(_HiddenBytes):
    """A secret, such as a plaintext data key: `bytes`, but shown as `<SecretBytes 32 bytes>`.

    `bytes(secret)` reveals it. Slices and concatenations are plain `bytes`. Copies and
    pickles keep the class; a pickle contains the secret in clear.
    """

    __slots__ = ()

    # `bytes` compares up to the first difference, so the time it takes reveals where that is.
    # `compare_digest` takes the same time for all values of one length. Python calls the subclass's
    # method first, so this also covers `guess == secret`.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (bytes, bytearray)):
            return NotImplemented
        return compare_digest(self, other)

    def __ne__(self, other: object) -> bool:  # that of `bytes` does not take constant time
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = bytes.__hash__  # it equals plain bytes, so it has their hash

    def __int__(self) -> NoReturn:  # int(b"…") quotes the bytes in its error, whatever their class
        raise TypeError("a secret is not a number; int.from_bytes(secret, 'big') converts it")


class CiphertextBlob(_HiddenBytes):
    """An encrypted message. It is not secret, but long: shown as `<CiphertextBlob 152 bytes>`."""

    __slots__ = ()
