"""`ColumnKeys`: a data set's keys by name, and how Arrow has the KMS wrap a key with one of them.

Rule: a file names its keys, but only the keys that the reader has listed are asked. Arrow calls
`wrap_key` and `unwrap_key` in threads of its own, and what they raise reaches the caller unchanged.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from weakref import ref

from pyarrow.parquet.encryption import KmsClient

from kmslab.crypto import Forged
from kmslab.envelope import EncryptedDataKey, Refused
from kmslab.envelope.keyrings import Keyring, keyrings_of
from kmslab.envelope.kms import quoted
from kmslab.envelope.message import Context
from kmslab.lake.errors import LakeError

NAMED = "kmslab:column-key"  # in the encryption context of each wrapped key


class ColumnKeys:
    """The keys of a data set by names of your own, such as `{"names": cmk, "findings": cmk}`.

    A key is a CMK or a keyring of `kmslab.envelope`, such as `KmsKeyring(client, arn)`. A file says
    under which *name* a column is sealed, so a reader needs the same names. Each wrapped key is
    bound to its name and to the pairs of `context`. It is not bound to a file or a column, because
    Arrow says neither. `client` is a KmsClient for PyArrow's own functions.
    """

    def __init__(self, keys: Mapping[str, Any], *, context: Mapping[str, str] | None = None):
        for name in keys:
            if not re.fullmatch(r"[\w.-]+", name):
                raise ValueError(f"{name!r} names no key: use letters, digits, '_', '.' and '-'")
        self._keyrings = {name: _one(name, keyrings_of(key)) for name, key in keys.items()}
        self._pairs = dict(context or {})
        self.client = Client(self)

    @property
    def names(self) -> list[str]:
        return list(self._keyrings)

    def wrap(self, name: str, key: bytes) -> str:
        keyring, context = self._keyring(name), self._context(name)
        try:
            wrapped = keyring.wrap(key, context)
        except Exception as error:  # whatever a client raises, a lost network too
            raise LakeError(f"The key {name!r} cannot seal its columns. {quoted(error)}") from error
        fields = wrapped.provider.encode(), wrapped.info, wrapped.ciphertext
        return json.dumps([base64.b64encode(field).decode() for field in fields])

    def unwrap(self, name: str, text: str) -> bytes:
        keyring, context, wrapped = self._keyring(name), self._context(name), _wrapped(text)
        try:
            key = keyring.unwrap(wrapped, context)
        except Refused as error:
            cause = error.__cause__ or error
            raise LakeError(
                f"The key {name!r} does not open its columns. {quoted(cause)}"
            ) from cause
        except Forged:
            text = f"What the key {name!r} should open was changed, or has another context."
            raise LakeError(text) from None
        if key is None:
            text = f"The key {name!r} of this data set is {wrapped}, and you gave {keyring}."
            raise LakeError(text)
        return bytes(key)

    def _keyring(self, name: str) -> Keyring:
        if name not in self._keyrings:
            raise LakeError(f"No key has the name {name!r}. You gave: {', '.join(self.names)}.")
        return self._keyrings[name]

    def _context(self, name: str) -> Context:
        return Context.of({**self._pairs, NAMED: name})

    def __repr__(self) -> str:
        return f"<ColumnKeys {', '.join(self.names)}>"


class Client(KmsClient):  # type: ignore[misc] # PyArrow has no types
    """What Arrow calls. PyArrow never frees such an object, so it does not keep the keys alive."""

    def __init__(self, keys: ColumnKeys) -> None:
        super().__init__()
        self._keys = ref(keys)

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        return self._alive().wrap(master_key_identifier, key_bytes)

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        return self._alive().unwrap(master_key_identifier, wrapped_key)

    def _alive(self) -> ColumnKeys:
        keys = self._keys()
        if keys is None:
            raise LakeError("The ColumnKeys of this client are gone: keep them while it is used.")
        return keys


def _one(name: str, keyrings: tuple[Keyring, ...]) -> Keyring:
    if len(keyrings) > 1:
        raise ValueError(f"{name!r} has {len(keyrings)} keyrings, and a column is sealed under one")
    return keyrings[0]


def _wrapped(text: str) -> EncryptedDataKey:
    try:
        provider, info, ciphertext = (base64.b64decode(field) for field in json.loads(text))
        return EncryptedDataKey(provider.decode(), info, ciphertext)
    except (ValueError, TypeError):
        raise LakeError("A file of this data set holds no key that kmslab.lake wrapped.") from None
