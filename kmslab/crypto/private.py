"""Reads a private key that a user brings, in any usual form, checks it, and returns PKCS#8 DER.

Rule: the result has the form that `generate_key` returns (RFC 5958), so no other module needs to
know the forms from before PKCS#8 (`BEGIN RSA PRIVATE KEY`, `BEGIN EC PRIVATE KEY`).
"""

import binascii
import re
from base64 import b64decode
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from kmslab.crypto.backend import Malformed
from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.spki import spec_of

# `openssl ecparam -genkey` writes this before the key, which names the curve itself.
PARAMETERS = re.compile(rb"-----BEGIN EC PARAMETERS-----[^-]*-----END EC PARAMETERS-----")
CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
# A sequence that begins with its version, 0 or 1, and the sequence that names an algorithm.
PKCS8 = re.compile(rb"\x30([\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]\x30", re.DOTALL)
PEM = re.compile(rb"-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----")


def read_private_key(written: bytes) -> tuple[str, SecretBytes]:
    """The key spec and the key, from PEM or DER without a password. Malformed for anything else.

    RSA's numbers are tested, which takes a while. `cryptography` does not know ML_KEM_512: a key of
    an unknown algorithm is returned untested, with an empty spec.
    """
    written = PARAMETERS.sub(b"", written)
    pem = written.lstrip().startswith(b"-----")
    try:
        key: Any = (load_pem_private_key if pem else load_der_private_key)(written, None)
    except UnsupportedAlgorithm:
        return "", SecretBytes(_unarmoured(written) if pem else written)
    except (ValueError, TypeError):  # TypeError: it has a password
        raise Malformed from None
    try:
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        spec = spec_of(public)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    except (AttributeError, ValueError):  # an algorithm that no KMS key has
        raise Malformed from None
    return spec, SecretBytes(private)


def read_pkcs8(written: bytes) -> tuple[str, SecretBytes]:
    """The same from PKCS#8 DER alone, as AWS KMS imports it: no other form, and no password."""
    if not PKCS8.match(written):
        raise Malformed
    return read_private_key(written)


def as_pkcs8(key: Any) -> SecretBytes:
    """PKCS#8 DER of a private key: an object of `cryptography`, or the key as PEM or DER.

    Malformed for anything else.
    """
    if hasattr(key, "private_bytes"):
        return SecretBytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    written = key.encode() if isinstance(key, str) else bytes(key)
    return read_private_key(written)[1]


def private_key_of_number(spec: str, number: bytes) -> SecretBytes:
    """PKCS#8 of a curve's private number, big-endian (SEC 1, 2.3.7). Malformed if it is not one."""
    curve = CURVES.get(spec)
    if curve is None or len(number) > (curve.key_size + 7) // 8:
        raise Malformed
    try:
        key = ec.derive_private_key(int.from_bytes(number, "big"), curve)
    except ValueError:
        raise Malformed from None
    return SecretBytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def _unarmoured(pem: bytes) -> bytes:
    found = PEM.search(pem)
    if found is None:
        raise Malformed
    try:
        return b64decode(found[1])
    except binascii.Error:
        raise Malformed from None
