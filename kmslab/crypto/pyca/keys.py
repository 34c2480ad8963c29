"""Makes private keys, and reads all keys: from bytes to the library's objects."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from kmslab.crypto.backend import Malformed
from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.spki import check_compressed, has_long_exponent, spec_of

K = TypeVar("K")
ANY_PRIVATE: tuple[type[PrivateKeyTypes], ...] = get_args(PrivateKeyTypes)

GENERATE: dict[str, Callable[[], PrivateKeyTypes]] = {
    "RSA_2048": partial(rsa.generate_private_key, 65537, 2048),
    "RSA_3072": partial(rsa.generate_private_key, 65537, 3072),
    "RSA_4096": partial(rsa.generate_private_key, 65537, 4096),
    "ECC_NIST_P256": partial(ec.generate_private_key, ec.SECP256R1()),
    "ECC_NIST_P384": partial(ec.generate_private_key, ec.SECP384R1()),
    "ECC_NIST_P521": partial(ec.generate_private_key, ec.SECP521R1()),
    "ECC_SECG_P256K1": partial(ec.generate_private_key, ec.SECP256K1()),
    "ECC_NIST_EDWARDS25519": ed25519.Ed25519PrivateKey.generate,
    "ML_DSA_44": mldsa.MLDSA44PrivateKey.generate,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey.generate,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey.generate,
    "ML_KEM_768": mlkem.MLKEM768PrivateKey.generate,
    "ML_KEM_1024": mlkem.MLKEM1024PrivateKey.generate,
}
_CURVES: dict[str, ec.EllipticCurve] = {  # of compressed points
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
}


class Keys:
    """The part of a backend that makes keys."""

    def generate_key(self, spec: str) -> SecretBytes:
        key = GENERATE[spec]()
        return SecretBytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))

    def public_key(self, private: bytes) -> bytes:
        key = private_key(private, ANY_PRIVATE).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def decompress(self, spec: str, point: bytes) -> bytes:
        check_compressed(spec, point)
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[spec], point)
            return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except ValueError:
            pass
        raise Malformed


def private_key(private: bytes, kind: type[K] | tuple[type[K], ...]) -> K:
    key = None
    # Safe: the caller made or checked this key, and kept it authenticated. Testing again whether
    # RSA's numbers are primes would take many times as long as signing.
    with suppress(ValueError, UnsupportedAlgorithm):
        key = load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, kind):
        raise RuntimeError("not a private key for this algorithm")
    return key


def peer_key(public: bytes, kind: type[K] | tuple[type[K], ...]) -> K:
    """A public key from anybody. Malformed unless it is of one of our specs, and in strict DER."""
    spec_of(public)
    key = None
    with suppress(ValueError, UnsupportedAlgorithm):
        key = None if has_long_exponent(public) else load_der_public_key(public)
    if not isinstance(key, kind):
        raise Malformed
    return key
