"""Private keys are made here, and every key is read here: from bytes to the library's objects."""

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
from kmslab.crypto.spki import check_compressed, spec_of

K = TypeVar("K")
ANY_PRIVATE: tuple[type[PrivateKeyTypes], ...] = get_args(PrivateKeyTypes)

_GENERATE: dict[str, Callable[[], PrivateKeyTypes]] = {
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
KEY_SPECS = frozenset(_GENERATE)
_CURVES: dict[str, ec.EllipticCurve] = {  # whose points the envelope compresses
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
}


def generate_key(spec: str) -> SecretBytes:
    key = _GENERATE[spec]()
    return SecretBytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def public_key(private: bytes) -> bytes:
    key = private_key(private, ANY_PRIVATE).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def decompress(spec: str, point: bytes) -> bytes:
    check_compressed(spec, point)
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[spec], point)
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError:
        pass
    raise Malformed


def private_key(private: bytes, kind: type[K] | tuple[type[K], ...]) -> K:
    key = None
    # What the HSM sealed it has made or checked, and a sealed key is authenticated. So RSA's
    # numbers are not tested for being primes again, which takes many times as long as signing.
    with suppress(ValueError, UnsupportedAlgorithm):
        key = load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, kind):
        raise RuntimeError("no private key for this algorithm")
    return key


def peer_key(public: bytes, kind: type[K] | tuple[type[K], ...]) -> K:
    """A public key from anybody: one of our specs, on its curve, in the one form that DER has."""
    spec_of(public)
    key = None
    with suppress(ValueError, UnsupportedAlgorithm):
        key = load_der_public_key(public)
    if not isinstance(key, kind):
        raise Malformed
    return key
