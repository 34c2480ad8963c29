"""How a secret reaches the holder of a private key: encryption, agreement, encapsulation."""

from typing import get_args

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, padding, rsa

from kmslab.crypto.backend import Forged, Malformed
from kmslab.crypto.pyca.keys import peer_key, private_key
from kmslab.crypto.secret import SecretBytes

MlKemPrivate = mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey
MlKemPublic = mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey
ML_KEM_PRIVATE: tuple[type[MlKemPrivate], ...] = get_args(MlKemPrivate)
ML_KEM_PUBLIC: tuple[type[MlKemPublic], ...] = get_args(MlKemPublic)


def _oaep(algorithm: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(algorithm), algorithm, None)


# AWS KMS has the first two; the AWS Encryption SDK has all four.
ENCRYPTION: dict[str, padding.OAEP] = {
    "RSAES_OAEP_SHA_1": _oaep(hashes.SHA1()),
    "RSAES_OAEP_SHA_256": _oaep(hashes.SHA256()),
    "RSAES_OAEP_SHA_384": _oaep(hashes.SHA384()),
    "RSAES_OAEP_SHA_512": _oaep(hashes.SHA512()),
}


class Exchange:
    """The part of a backend that transports secrets."""

    def encrypt(self, algorithm: str, public: bytes, plaintext: bytes) -> bytes:
        key = peer_key(public, rsa.RSAPublicKey)
        try:
            return key.encrypt(plaintext, ENCRYPTION[algorithm])
        except ValueError:
            pass
        raise RuntimeError(f"{algorithm} takes fewer bytes than {len(plaintext)} with this key")

    def decrypt(self, algorithm: str, private: bytes, ciphertext: bytes) -> SecretBytes:
        key = private_key(private, rsa.RSAPrivateKey)
        try:
            return SecretBytes(key.decrypt(ciphertext, ENCRYPTION[algorithm]))
        except ValueError:
            pass
        raise Forged

    def agree(self, private: bytes, peer: bytes) -> SecretBytes:
        key = private_key(private, ec.EllipticCurvePrivateKey)
        other = peer_key(peer, ec.EllipticCurvePublicKey)
        try:
            return SecretBytes(key.exchange(ec.ECDH(), other))
        except ValueError:  # another curve
            pass
        raise Malformed

    def encapsulate(self, public: bytes) -> tuple[bytes, SecretBytes]:
        secret, ciphertext = peer_key(public, ML_KEM_PUBLIC).encapsulate()
        return ciphertext, SecretBytes(secret)

    def decapsulate(self, private: bytes, ciphertext: bytes) -> SecretBytes:
        key = private_key(private, ML_KEM_PRIVATE)
        try:
            return SecretBytes(key.decapsulate(ciphertext))
        except ValueError:  # a wrong length
            pass
        raise Forged
