"""Signatures: one object for each way to sign, and one table of them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from Crypto.Hash import SHA256, SHA384, SHA512
from Crypto.PublicKey.MLDSA import MLDSAKey
from Crypto.PublicKey.RSA import RsaKey
from Crypto.Signature import DSS, eddsa, mldsa, pkcs1_15, pss

from kmslab.crypto.backend import Forged, Signature, check_message
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.pycryptodome.keys import (
    EC_KEY,
    ED25519_KEY,
    ML_DSA_KEY,
    RSA_KEY,
    peer_key,
    private_key,
)


class Digest:
    """A digest in the shape of a hash object: the library does not accept bytes here."""

    def __init__(self, hash_: Any, digest: bytes) -> None:
        self.oid: str = hash_.oid
        self.digest_size: int = hash_.digest_size
        self.new: Callable[..., Any] = hash_.new  # PSS hashes more than the message
        self._digest = digest

    def digest(self) -> bytes:
        return self._digest


class ExternalMu(mldsa.MLDSAMuHash):
    """ML-DSA's own digest of a message, computed elsewhere."""

    def __init__(self, key: MLDSAKey, mu: bytes) -> None:
        super().__init__(key)
        self._mu = mu

    def digest(self) -> bytes:
        return self._mu


class StrictPkcs1(pkcs1_15.PKCS115_SigScheme):
    """PKCS#1 v1.5 with the NULL in its DigestInfo (RFC 8017 §9.2, note 1).

    The library also accepts signatures without it; `cryptography` does not.
    """

    def verify(self, msg_hash: Any, signature: bytes) -> None:
        super().verify(msg_hash, signature)
        digest = msg_hash.digest()
        number = pow(int.from_bytes(signature, "big"), self._key.e, self._key.n)
        padded = number.to_bytes(len(signature), "big")
        if not padded.endswith(b"\5\0\4" + bytes([len(digest)]) + digest):
            raise ValueError


def _hashed(hash_: Any, message: bytes, message_type: MessageType) -> Any:
    return Digest(hash_, message) if message_type == MessageType.DIGEST else hash_.new(message)


@dataclass(frozen=True, slots=True)
class Rsa:
    scheme: Callable[[RsaKey], Any]
    hash: Any

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        scheme = self.scheme(private_key(private, RSA_KEY))
        signature: bytes = scheme.sign(_hashed(self.hash, message, message_type))
        return signature

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        scheme = self.scheme(peer_key(public, RSA_KEY))
        scheme.verify(_hashed(self.hash, message, message_type), signature)


@dataclass(frozen=True, slots=True)
class Ecdsa:
    hash: Any

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        key = private_key(private, EC_KEY)
        return DSS.new(key, "sec1", "der").sign(_hashed(self.hash, message, message_type))

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        key = peer_key(public, EC_KEY)
        DSS.new(key, "sec1", "der").verify(_hashed(self.hash, message, message_type), signature)


@dataclass(frozen=True, slots=True)
class Ed25519:
    prepare: Callable[[bytes], Any]

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        return eddsa.new(private_key(private, ED25519_KEY), "rfc8032").sign(self.prepare(message))

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        eddsa.new(peer_key(public, ED25519_KEY), "rfc8032").verify(self.prepare(message), signature)


class MlDsa:
    """Pure ML-DSA with an empty context, hedged: the default of the library and of AWS."""

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        key = private_key(private, ML_DSA_KEY)
        return mldsa.new(key).sign(self._form(key, message, message_type))

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        key = peer_key(public, ML_DSA_KEY)
        mldsa.new(key).verify(self._form(key, message, message_type), signature)

    @staticmethod
    def _form(key: MLDSAKey, message: bytes, message_type: MessageType) -> bytes | ExternalMu:
        return ExternalMu(key, message) if message_type == MessageType.EXTERNAL_MU else message


SIGNATURES: dict[str, Signature] = {
    "RSASSA_PSS_SHA_256": Rsa(pss.new, SHA256.new()),
    "RSASSA_PSS_SHA_384": Rsa(pss.new, SHA384.new()),
    "RSASSA_PSS_SHA_512": Rsa(pss.new, SHA512.new()),
    "RSASSA_PKCS1_V1_5_SHA_256": Rsa(StrictPkcs1, SHA256.new()),
    "RSASSA_PKCS1_V1_5_SHA_384": Rsa(StrictPkcs1, SHA384.new()),
    "RSASSA_PKCS1_V1_5_SHA_512": Rsa(StrictPkcs1, SHA512.new()),
    "ECDSA_SHA_256": Ecdsa(SHA256.new()),
    "ECDSA_SHA_384": Ecdsa(SHA384.new()),
    "ECDSA_SHA_512": Ecdsa(SHA512.new()),
    "ED25519_SHA_512": Ed25519(bytes),
    "ED25519_PH_SHA_512": Ed25519(SHA512.new),  # the library reads a hash object as Ed25519ph
    "ML_DSA_SHAKE_256": MlDsa(),
}


class Signatures:
    """The part of a backend that signs and verifies."""

    def sign(
        self, algorithm: str, private: bytes, message: bytes, message_type: MessageType
    ) -> bytes:
        check_message(algorithm, message, message_type)
        return SIGNATURES[algorithm].sign(private, message, message_type)

    def verify(
        self,
        algorithm: str,
        public: bytes,
        message: bytes,
        message_type: MessageType,
        signature: bytes,
    ) -> None:
        check_message(algorithm, message, message_type)
        try:
            return SIGNATURES[algorithm].verify(public, message, message_type, signature)
        except ValueError:
            pass
        raise Forged
