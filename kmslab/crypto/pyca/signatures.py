"""Signatures: one object for each way to sign, and one table of them all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kmslab.crypto.backend import Forged, Signature, check_message
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.pyca.keys import peer_key, private_key

Hash = hashes.HashAlgorithm | Prehashed


@dataclass(frozen=True, slots=True)
class Rsa:
    padding: padding.AsymmetricPadding
    hashes: Mapping[MessageType, Hash]

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        key = private_key(private, rsa.RSAPrivateKey)
        return key.sign(message, self.padding, self.hashes[message_type])

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        key = peer_key(public, rsa.RSAPublicKey)
        if 8 * len(signature) != key.key_size:  # the library accepts PSS without leading zeros
            raise Forged
        key.verify(signature, message, self.padding, self.hashes[message_type])


@dataclass(frozen=True, slots=True)
class Ecdsa:
    hashes: Mapping[MessageType, Hash]

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        key = private_key(private, ec.EllipticCurvePrivateKey)
        return key.sign(message, ec.ECDSA(self.hashes[message_type]))

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        key = peer_key(public, ec.EllipticCurvePublicKey)
        key.verify(signature, message, ec.ECDSA(self.hashes[message_type]))


class Ed25519:
    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        return private_key(private, ed25519.Ed25519PrivateKey).sign(message)

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        peer_key(public, ed25519.Ed25519PublicKey).verify(signature, message)


MlDsaPrivate = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
MlDsaPublic = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
ML_DSA_PRIVATE: tuple[type[MlDsaPrivate], ...] = get_args(MlDsaPrivate)
ML_DSA_PUBLIC: tuple[type[MlDsaPublic], ...] = get_args(MlDsaPublic)


class MlDsa:
    """Pure ML-DSA with an empty context, hedged: the default of the library and of AWS."""

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes:
        key = private_key(private, ML_DSA_PRIVATE)
        if message_type == MessageType.EXTERNAL_MU:
            return key.sign_mu(message)
        return key.sign(message)

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None:
        key = peer_key(public, ML_DSA_PUBLIC)
        if message_type == MessageType.EXTERNAL_MU:
            key.verify_mu(signature, message)
        else:
            key.verify(signature, message)


def _rsa(scheme: padding.AsymmetricPadding, algorithm: hashes.HashAlgorithm) -> Rsa:
    return Rsa(scheme, _hashes(algorithm))


def _pss(algorithm: hashes.HashAlgorithm) -> Rsa:
    scheme = padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH)
    return Rsa(scheme, _hashes(algorithm))


def _hashes(algorithm: hashes.HashAlgorithm) -> dict[MessageType, Hash]:
    return {MessageType.RAW: algorithm, MessageType.DIGEST: Prehashed(algorithm)}


SIGNATURES: dict[str, Signature] = {
    "RSASSA_PSS_SHA_256": _pss(hashes.SHA256()),
    "RSASSA_PSS_SHA_384": _pss(hashes.SHA384()),
    "RSASSA_PSS_SHA_512": _pss(hashes.SHA512()),
    "RSASSA_PKCS1_V1_5_SHA_256": _rsa(padding.PKCS1v15(), hashes.SHA256()),
    "RSASSA_PKCS1_V1_5_SHA_384": _rsa(padding.PKCS1v15(), hashes.SHA384()),
    "RSASSA_PKCS1_V1_5_SHA_512": _rsa(padding.PKCS1v15(), hashes.SHA512()),
    "ECDSA_SHA_256": Ecdsa(_hashes(hashes.SHA256())),
    "ECDSA_SHA_384": Ecdsa(_hashes(hashes.SHA384())),
    "ECDSA_SHA_512": Ecdsa(_hashes(hashes.SHA512())),
    "ED25519_SHA_512": Ed25519(),
    # Version 48 cannot verify an external mu: there PyCryptodome serves all of ML-DSA.
    **({"ML_DSA_SHAKE_256": MlDsa()} if hasattr(mldsa.MLDSA44PublicKey, "verify_mu") else {}),
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
        except InvalidSignature:
            pass
        raise Forged
