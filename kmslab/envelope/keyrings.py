"""Keyrings: who may wrap a message's data key, and who unwraps it.

A keyring wraps a data key together with the message's encryption context. A message carries the
data key once for each keyring that it was sealed with, and any of them opens it.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import product
from typing import Any

from kmslab.crypto import Forged, SecretBytes
from kmslab.envelope.errors import NOT_OPENED, DecryptionError
from kmslab.envelope.message import Context, EncryptedDataKey, Header

MOST_TRIES = 100  # of data keys that name our key and are not opened by it: each may cost a call


class Refused(Exception):
    """A key management service has said no; its own error is the `__cause__`."""


class Keyring(ABC):
    """One wrapping key, wherever it is kept."""

    def generate(self, size: int, context: Context) -> tuple[SecretBytes, EncryptedDataKey]:
        """A fresh data key of `size` bytes, in plaintext and wrapped."""
        data_key = SecretBytes(secrets.token_bytes(size))
        return data_key, self.wrap(data_key, context)

    @abstractmethod
    def wrap(self, data_key: bytes, context: Context) -> EncryptedDataKey:
        """The data key under this keyring's key, bound to the context where the key can do that."""

    @abstractmethod
    def unwrap(self, wrapped: EncryptedDataKey, context: Context) -> SecretBytes | None:
        """The data key; None if another's key has wrapped it. Else Forged, or Refused."""


def keyrings_of(given: Any) -> tuple[Keyring, ...]:
    """One or more, from a keyring, from what has one (such as a CMK), or from several of these."""
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
        "wanted a keyring, something with .keyring() such as a CMK, or a list of them, "
        f"not {type(given).__name__}"
    )


def unwrap(keyrings: Iterable[Keyring], header: Header) -> SecretBytes:
    """The data key by the first keyring that gets it. The others' refusals are then forgotten."""
    failures: list[Exception] = []
    for keyring, wrapped in product(keyrings, header.keys):
        try:
            data_key = keyring.unwrap(wrapped, header.context)
        except (Forged, Refused) as error:
            failures.append(error)
            if len(failures) == MOST_TRIES:
                break
            continue
        if data_key is not None:
            return data_key
    refused = next((each for each in failures if isinstance(each, Refused)), None)
    if refused:
        raise DecryptionError(str(refused)) from refused.__cause__
    raise DecryptionError(NOT_OPENED if failures else _strangers(header))


def _strangers(header: Header) -> str:
    shown = ", ".join(map(str, header.keys[:3])) + (", …" if header.keys[3:] else "")
    return (
        "None of the keys that you gave has wrapped this message's data key. Its header names "
        f"{shown}: give the keyring of one of these."
    )
