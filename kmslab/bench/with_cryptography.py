"""Every method in `cryptography`, written as in a program that wraps many data keys."""

import secrets
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kmslab.bench.methods import Refused, Wrapper
from kmslab.crypto.pyca.exchange import ML_KEM_PRIVATE
from kmslab.crypto.pyca.keys import private_key

NAME = "cryptography"
IV, KEK, POINT, KW = 12, 32, 65, 40  # bytes; KW is a data key that AES-KW has wrapped
SHA_256 = hashes.SHA256()
OAEP = padding.OAEP(padding.MGF1(SHA_256), SHA_256, None)
P_256 = ec.SECP256R1()


def gcm(key: bytes) -> Wrapper:
    cipher = AESGCM(key)

    def wrap(data_key: bytes) -> bytes:
        iv = secrets.token_bytes(IV)
        return iv + cipher.encrypt(iv, data_key, None)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return cipher.decrypt(wrapped[:IV], wrapped[IV:], None)
        except InvalidTag:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def kw(key: bytes) -> Wrapper:
    def wrap(data_key: bytes) -> bytes:
        return keywrap.aes_key_wrap(key, data_key)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return keywrap.aes_key_unwrap(key, wrapped)
        except keywrap.InvalidUnwrap:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def kwp(key: bytes) -> Wrapper:
    def wrap(data_key: bytes) -> bytes:
        return keywrap.aes_key_wrap_with_padding(key, data_key)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return keywrap.aes_key_unwrap_with_padding(key, wrapped)
        except keywrap.InvalidUnwrap:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def rsa_oaep(key: bytes) -> Wrapper:
    private = private_key(key, rsa.RSAPrivateKey)
    public = private.public_key()

    def wrap(data_key: bytes) -> bytes:
        return public.encrypt(data_key, OAEP)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return private.decrypt(wrapped, OAEP)
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def ecdh(key: bytes) -> Wrapper:
    """A key pair for each data key; the public points of both sides go into the derivation."""
    private = private_key(key, ec.EllipticCurvePrivateKey)
    public = private.public_key()
    ours = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def wrap(data_key: bytes) -> bytes:
        once = ec.generate_private_key(P_256)
        point = once.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        kek = HKDF(SHA_256, KEK, None, point + ours).derive(once.exchange(ec.ECDH(), public))
        return point + keywrap.aes_key_wrap(kek, data_key)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            point = wrapped[:POINT]
            theirs = ec.EllipticCurvePublicKey.from_encoded_point(P_256, point)
            kek = HKDF(SHA_256, KEK, None, point + ours).derive(private.exchange(ec.ECDH(), theirs))
            return keywrap.aes_key_unwrap(kek, wrapped[POINT:])
        except (ValueError, keywrap.InvalidUnwrap):
            raise Refused from None

    return Wrapper(wrap, unwrap)


def ml_kem(key: bytes) -> Wrapper:
    """The shared secret is the key that wraps (FIPS 203 §3.3 allows it)."""
    private = private_key(key, ML_KEM_PRIVATE)
    public = private.public_key()

    def wrap(data_key: bytes) -> bytes:
        secret, ciphertext = public.encapsulate()
        return ciphertext + keywrap.aes_key_wrap(secret, data_key)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return keywrap.aes_key_unwrap(private.decapsulate(wrapped[:-KW]), wrapped[-KW:])
        except (ValueError, keywrap.InvalidUnwrap):
            raise Refused from None

    return Wrapper(wrap, unwrap)


LOAD: Mapping[str, Callable[[bytes], Wrapper]] = {
    "AES-256-GCM": gcm,
    "AES-KW": kw,
    "AES-KWP": kwp,
    "RSA-OAEP 2048": rsa_oaep,
    "RSA-OAEP 3072": rsa_oaep,
    "RSA-OAEP 4096": rsa_oaep,
    "ECDH P-256": ecdh,
    "ML-KEM-768": ml_kem,
    "ML-KEM-1024": ml_kem,
}
GENERATE: Mapping[str, Callable[[], object]] = {
    "AES_256": lambda: secrets.token_bytes(32),
    "RSA_2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA_3072": lambda: rsa.generate_private_key(65537, 3072),
    "RSA_4096": lambda: rsa.generate_private_key(65537, 4096),
    "ECC_NIST_P256": lambda: ec.generate_private_key(P_256),
    "ML_KEM_768": mlkem.MLKEM768PrivateKey.generate,
    "ML_KEM_1024": mlkem.MLKEM1024PrivateKey.generate,
}
