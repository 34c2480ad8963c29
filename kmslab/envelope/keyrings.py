"""Keyrings: each wraps a message's data key under one wrapping key, and unwraps it again.

A message contains its data key once for each keyring that it was encrypted with, and each of those
keyrings can open it. A keyring binds the data key to the encryption context if its key can do that.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import product
from typing import Any

from kmslab.crypto import Forged, SecretBytes
from kmslab.envelope.errors import NOT_OPENED, DecryptionError
from kmslab.envelope.message import Context, EncryptedDataKey, Header

MAX_FAILURES = 100  # each try to unwrap a data key may cost a call to a KMS


class Refused(Exception):
    """A key management service refused; its own error is the `__cause__`."""


class Keyring(ABC):
    """One wrapping key, wherever it is kept. A subclass of your own has `wrap` and `unwrap`."""

    def generate(self, size: int, context: Context) -> tuple[SecretBytes, EncryptedDataKey]:
        """A fresh data key of `size` bytes, in plaintext and wrapped."""
        data_key = SecretBytes(secrets.token_bytes(size))
        return data_key, self.wrap(data_key, context)

    @abstractmethod
    def wrap(self, data_key: bytes, context: Context) -> EncryptedDataKey:
        """The data key under this keyring's key, bound to the context if that key can do it."""

    @abstractmethod
    def unwrap(self, wrapped: EncryptedDataKey, context: Context) -> SecretBytes | None:
        """The data key, or None if another key wrapped it. Raises Forged or Refused."""


def keyrings_of(given: Any) -> tuple[Keyring, ...]:
    """From a keyring, an object with a `keyring` method (such as a CMK), or several of these."""
    if isinstance(given, Keyring):
        return (given,)
    if callable(getattr(given, "keyring", None)):
        return keyrings_of(given.keyring())
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        found = tuple(ring for one in given for ring in keyrings_of(one))
        if not found:
            raise ValueError("no keyring: a message needs at least one to wrap its data key")
        return found
    raise TypeError(
        "expected a keyring, an object with .keyring() such as a CMK, or a list of them, "
        f"not {type(given).__name__}"
    )


def unwrap(keyrings: Iterable[Keyring], header: Header) -> SecretBytes:
    """The data key, from the first keyring that opens it. Errors of the others are then ignored."""
    failures: list[Exception] = []
    context = header.full_context
    for keyring, wrapped in product(keyrings, header.keys):
        try:
            data_key = keyring.unwrap(wrapped, context)
            if data_key is None:
                continue
            if len(data_key) == header.suite.data_key:
                return data_key
            raise Forged
        except (Forged, Refused) as error:
            failures.append(error)
            if len(failures) == MAX_FAILURES:
                break
    refused = next((each for each in failures if isinstance(each, Refused)), None)
    if refused:
        raise DecryptionError(str(refused)) from refused.__cause__
    raise DecryptionError(NOT_OPENED if failures else _other_keys(header))


def _other_keys(header: Header) -> str:
    shown = ", ".join(map(str, header.keys[:3])) + (", …" if header.keys[3:] else "")
    return (
        "None of the given keyrings has a key that wrapped this message's data key. The header "
        f"names {shown}: use a keyring with one of these."
    )
