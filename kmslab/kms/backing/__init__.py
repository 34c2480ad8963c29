"""Where key material lives. A key's Origin chooses its backing, and operations know only `Backing`.

Outside a backing, key material is sealed. `hsm` are KMS's own hardware security modules; `blob` is
the form of their ciphertexts, and `domain_keys` and `root_key` are the keys that seal keys.
`importing` takes key material that its owner brings, and `brought` refuses what does not fit the
key. `access_keys` keeps the secrets with which requests are signed, and `recipients` seals answers
for enclaves that it has verified. Keys in custom key stores have other backings: `cloudhsm`, a
simulated cluster, and `xks`, an external key manager behind its `proxy`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from kmslab.crypto import CiphertextBlob, SecretBytes
from kmslab.crypto.message_types import MessageType
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import DomainKey, Key, Material, Reader, Setting

# With what has to be stored if the domain key is new.
Sealed = tuple[Material, *tuple[DomainKey | Setting, ...]]


class Backing(Protocol):
    """What operations ask of the place where key material lives.

    A backing opens a key's sealed material, works with it, and forgets it. It stores nothing: what
    `create` returns is to be stored by the caller. Errors are AWS's; a ciphertext that does not
    open raises InvalidCiphertextException, whatever the reason.
    """

    def random(self, size: int) -> SecretBytes:
        """This many random bytes."""
        ...

    def key_pair(self, spec: str) -> tuple[SecretBytes, bytes]:
        """A private key (PKCS#8) and its public key (SubjectPublicKeyInfo), both in DER."""
        ...

    def create(self, records: Reader, key: Key, now: datetime) -> Sealed:
        """New material for a key, sealed, and the domain key that seals it if that is new too.

        `records`: what is stored, or will be together with the material.
        """
        ...

    def take(self, records: Reader, key: Key, now: datetime, known: bytes) -> Sealed:
        """The same of known material: raw, or a private key in PKCS#8.

        Raises IncorrectKeyMaterialException if it does not fit the key's spec.
        """
        ...

    def copy(
        self, records: Reader, key: Key, materials: Sequence[Material], now: datetime
    ) -> list[Material | DomainKey | Setting]:
        """A related key's materials for `key`, sealed in its Region, to be stored like `create`'s.

        The plaintext stays inside.
        """
        ...

    def encrypt(
        self, material: Material, algorithm: str, plaintext: bytes, context: Mapping[str, str]
    ) -> CiphertextBlob: ...

    def decrypt(
        self, material: Material, algorithm: str, ciphertext: bytes, context: Mapping[str, str]
    ) -> SecretBytes: ...

    def public_key(self, material: Material) -> bytes: ...

    def sign(
        self, material: Material, algorithm: str, message: bytes, form: MessageType
    ) -> bytes: ...

    def verify(
        self,
        material: Material,
        algorithm: str,
        message: bytes,
        form: MessageType,
        signature: bytes,
    ) -> None:
        """Raises KMSInvalidSignatureException."""
        ...

    def mac(self, material: Material, algorithm: str, message: bytes) -> bytes: ...

    def verify_mac(self, material: Material, algorithm: str, message: bytes, mac: bytes) -> None:
        """Raises KMSInvalidMacException."""
        ...

    def agree(self, material: Material, algorithm: str, peer: bytes) -> SecretBytes:
        """The secret shared with the owner of `peer`, a public key in DER."""
        ...

    def encapsulate(
        self, material: Material, algorithm: str
    ) -> tuple[CiphertextBlob, SecretBytes]: ...

    def decapsulate(self, material: Material, algorithm: str, ciphertext: bytes) -> SecretBytes: ...


class Asking(Protocol):
    """The call for which a key store is used. An external key manager gets to know of it."""

    name: str
    caller: Caller
    request_id: str


class KeyStoreBacking(Protocol):
    """Where the keys of all custom key stores of one type live."""

    def holding(self, store: KeyStore, key: Key, asking: Asking) -> Backing:
        """The backing of this key, for one call."""
        ...

    def with_secret(self, store: KeyStore, secret: str) -> KeyStore:
        """The store's record with its secret, sealed."""
        ...

    def check(self, store: KeyStore, asking: Asking) -> None:
        """Raises what CreateCustomKeyStore or UpdateCustomKeyStore answers if it cannot work."""
        ...

    def connect(self, store: KeyStore, asking: Asking) -> str:
        """A ConnectionErrorCode; "" if the store can be used."""
        ...

    def draw(self, store: KeyStore, size: int) -> SecretBytes:
        """This many bytes, drawn in the store."""
        ...
