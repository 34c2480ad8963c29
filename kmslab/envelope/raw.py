"""Raw keyrings: you hold the wrapping key yourself, so its use is neither authorised nor logged.

A namespace and a name identify the key. The message contains them in clear, and the reader's
keyring must have the same ones.
"""

import secrets
from base64 import b64decode
from contextlib import suppress

from kmslab.crypto import Forged, Malformed, PublicKey, SecretBytes, spec_of
from kmslab.crypto.backend import AES_KEYS, GCM_IV, GCM_TAG
from kmslab.crypto.old_padding import decrypt_pkcs1_v1_5
from kmslab.crypto.self_tested import proven
from kmslab.envelope.keyrings import Keyring
from kmslab.envelope.kms import PROVIDER as KMS
from kmslab.envelope.message import MAX_COUNT, Context, EncryptedDataKey

# After a raw AES key's name come the tag's length in bits, the IV's length in bytes, and the IV.
AES_LENGTHS = (8 * GCM_TAG).to_bytes(4, "big") + GCM_IV.to_bytes(4, "big")

PADDINGS = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_384", "RSAES_OAEP_SHA_512")
OLD_PADDING = "RSAES_PKCS1_V1_5"


class RawAesKeyring(Keyring):
    """Wraps with AES-GCM under a key of 16, 24 or 32 bytes, for at most 2³² messages.

    With more, two random IVs may be equal (SP 800-38D §8.3).
    """

    def __init__(self, namespace: str, name: str, key: bytes) -> None:
        self._namespace, self._name = _named(namespace, name)
        if not isinstance(key, bytes) or len(key) not in AES_KEYS:
            raise ValueError("an AES key is 16, 24 or 32 bytes")
        self._key = SecretBytes(key)

    def wrap(self, data_key: bytes, context: Context) -> EncryptedDataKey:
        iv = secrets.token_bytes(GCM_IV)
        sealed = proven("AES_GCM").aes_gcm_seal(self._key, iv, data_key, context.encoded)
        return EncryptedDataKey(self._namespace, self._name + AES_LENGTHS + iv, sealed)

    def unwrap(self, wrapped: EncryptedDataKey, context: Context) -> SecretBytes | None:
        info, iv = wrapped.info[:-GCM_IV], wrapped.info[-GCM_IV:]
        if (wrapped.provider, info) != (self._namespace, self._name + AES_LENGTHS):
            return None
        return proven("AES_GCM").aes_gcm_open(self._key, iv, wrapped.ciphertext, context.encoded)

    def __repr__(self) -> str:
        return f"<RawAesKeyring {self._namespace} {self._name.decode()}>"


class RawRsaKeyring(Keyring):
    """Wraps with RSA-OAEP (SHA-1, SHA-256, SHA-384 or SHA-512) under a key of 2048 to 4096 bits.

    `private_key`: PKCS#8 or PKCS#1, DER or PEM; or a public key (SubjectPublicKeyInfo), which can
    only encrypt. RSA does not bind the data key to the context; only the message's header tag
    does. With `padding` "RSAES_PKCS1_V1_5" it opens old messages and encrypts none: a reader that
    reveals whether the padding is right can be used to decrypt other data keys, for example by the
    time it takes. Do not answer strangers with it.
    """

    def __init__(
        self,
        namespace: str,
        name: str,
        private_key: bytes | str | PublicKey,
        padding: str = "RSAES_OAEP_SHA_256",
    ) -> None:
        if padding not in (*PADDINGS, OLD_PADDING):
            raise ValueError(f"{padding!r} is not a padding: choose one of {', '.join(PADDINGS)}")
        self._namespace, self._name = _named(namespace, name)
        self._padding = padding
        self._public, self._private = _rsa_key(_der(private_key))

    def wrap(self, data_key: bytes, context: Context) -> EncryptedDataKey:
        if self._padding == OLD_PADDING:
            raise ValueError(f"{OLD_PADDING} only reads: choose one of {', '.join(PADDINGS)}")
        ciphertext = proven(self._padding).encrypt(self._padding, self._public, data_key)
        return EncryptedDataKey(self._namespace, self._name, ciphertext)

    def unwrap(self, wrapped: EncryptedDataKey, context: Context) -> SecretBytes | None:
        if (wrapped.provider, wrapped.info) != (self._namespace, self._name) or not self._private:
            return None
        if self._padding == OLD_PADDING:
            return decrypt_pkcs1_v1_5(self._private, wrapped.ciphertext)
        return proven(self._padding).decrypt(self._padding, self._private, wrapped.ciphertext)

    def __repr__(self) -> str:
        return f"<RawRsaKeyring {self._namespace} {self._name.decode()}>"


def _named(namespace: str, name: str) -> tuple[str, bytes]:
    if namespace == KMS:
        raise ValueError(f"the namespace {KMS!r} is reserved for KMS keyrings")
    if not 0 < len(namespace.encode()) <= MAX_COUNT or not 0 < len(name.encode()) <= MAX_COUNT - 20:
        raise ValueError("a namespace and a name have 1 to 65,515 bytes each")
    return namespace, name.encode()


def _der(key: bytes | str | PublicKey) -> bytes:
    """PEM (RFC 7468) is base64 between two lines."""
    text = key.encode() if isinstance(key, str) else bytes(key)
    if not text.lstrip().startswith(b"-----BEGIN"):
        return text
    with suppress(ValueError):
        return b64decode(b"".join(text.strip().splitlines()[1:-1]))
    return b""  # not a key


def _rsa_key(der: bytes) -> tuple[bytes, SecretBytes | None]:
    """Public and private key, tested on each other: a backend does not validate private keys."""
    padding = PADDINGS[1]
    backend = proven(padding)
    try:
        if spec_of(der).startswith("RSA"):
            return der, None
    except Malformed:
        pass
    try:
        public, probe = backend.public_key(der), secrets.token_bytes(32)
        if spec_of(public).startswith("RSA") and probe == backend.decrypt(
            padding, der, backend.encrypt(padding, public, probe)
        ):
            return public, SecretBytes(der)
    except (Forged, Malformed, RuntimeError):
        pass
    raise ValueError("not an RSA key of 2048, 3072 or 4096 bits, in PKCS#8 or SubjectPublicKeyInfo")
