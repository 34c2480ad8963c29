"""Every method in `cryptography`, written as in a program that wraps many data keys."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from functools import partial

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kmslab.bench.methods import Refused, Signer, Wrapper
from kmslab.crypto.pyca.exchange import ENCRYPTION, ML_KEM_PRIVATE
from kmslab.crypto.pyca.keys import GENERATE as KEYS
from kmslab.crypto.pyca.keys import private_key
from kmslab.crypto.pyca.signatures import ML_DSA_PRIVATE

NAME = "cryptography"
IV, KEK, KW = 12, 32, 40  # bytes; KW is a data key that AES-KW has wrapped
SHA_256 = hashes.SHA256()
HpkeKey = (
    ec.EllipticCurvePrivateKey
    | x25519.X25519PrivateKey
    | mlkem.MLKEM768PrivateKey
    | hpke.MLKEM768X25519PrivateKey
)


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


def rsa_oaep(padded: padding.OAEP, key: bytes) -> Wrapper:
    private = private_key(key, rsa.RSAPrivateKey)
    public = private.public_key()

    def wrap(data_key: bytes) -> bytes:
        return public.encrypt(data_key, padded)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return private.decrypt(wrapped, padded)
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def ecdh(key: bytes) -> Wrapper:
    """A key pair for each data key; the public points of both sides go into the derivation."""
    private = private_key(key, ec.EllipticCurvePrivateKey)
    public, curve = private.public_key(), private.curve

    def encoded(point: ec.EllipticCurvePublicKey) -> bytes:
        return point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def made() -> tuple[bytes, bytes]:
        once = ec.generate_private_key(curve)
        return encoded(once.public_key()), once.exchange(ec.ECDH(), public)

    def agreed(point: bytes) -> bytes:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
        return private.exchange(ec.ECDH(), theirs)

    return _ephemeral(encoded(public), made, agreed)


def x25519_ecdh(key: bytes) -> Wrapper:
    private = private_key(key, x25519.X25519PrivateKey)
    public = private.public_key()

    def made() -> tuple[bytes, bytes]:
        once = x25519.X25519PrivateKey.generate()
        return once.public_key().public_bytes_raw(), once.exchange(public)

    def agreed(point: bytes) -> bytes:
        return private.exchange(x25519.X25519PublicKey.from_public_bytes(point))

    return _ephemeral(public.public_bytes_raw(), made, agreed)


def _ephemeral(
    ours: bytes, made: Callable[[], tuple[bytes, bytes]], agreed: Callable[[bytes], bytes]
) -> Wrapper:
    """`made`: a new point and the secret agreed with it; `agreed`: the secret of such a point."""

    def kek(point: bytes, secret: bytes) -> bytes:
        return HKDF(SHA_256, KEK, None, point + ours).derive(secret)

    def wrap(data_key: bytes) -> bytes:
        point, secret = made()
        return point + keywrap.aes_key_wrap(kek(point, secret), data_key)

    def unwrap(wrapped: bytes) -> bytes:
        point = wrapped[:-KW]
        try:
            return keywrap.aes_key_unwrap(kek(point, agreed(point)), wrapped[-KW:])
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


def _hpke(kem: hpke.KEM, private: HpkeKey) -> Wrapper:
    suite = hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    public = private.public_key()

    def wrap(data_key: bytes) -> bytes:
        return suite.encrypt(data_key, public)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return suite.decrypt(wrapped, private)
        except (ValueError, InvalidTag):
            raise Refused from None

    return Wrapper(wrap, unwrap)


def _x_wing(seed: bytes) -> Wrapper:
    """The seed becomes one for ML-KEM and a key for X25519, as the draft has it (§5.2)."""
    expanded = hashlib.shake_256(seed).digest(64 + 32)
    private = hpke.MLKEM768X25519PrivateKey(
        mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        x25519.X25519PrivateKey.from_private_bytes(expanded[64:]),
    )
    return _hpke(hpke.KEM.MLKEM768_X25519, private)


def _signer(sign: Callable[[bytes], bytes], check: Callable[[bytes, bytes], None]) -> Signer:
    def verify(signature: bytes, message: bytes) -> None:
        try:
            check(signature, message)
        except InvalidSignature:
            raise Refused from None

    return Signer(sign, verify)


def rsa_pss(key: bytes) -> Signer:
    private = private_key(key, rsa.RSAPrivateKey)
    public = private.public_key()
    scheme = padding.PSS(padding.MGF1(SHA_256), padding.PSS.DIGEST_LENGTH)
    return _signer(
        lambda message: private.sign(message, scheme, SHA_256),
        lambda signature, message: public.verify(signature, message, scheme, SHA_256),
    )


def ecdsa(hashed: hashes.HashAlgorithm, key: bytes) -> Signer:
    private = private_key(key, ec.EllipticCurvePrivateKey)
    public, scheme = private.public_key(), ec.ECDSA(hashed)
    return _signer(
        lambda message: private.sign(message, scheme),
        lambda signature, message: public.verify(signature, message, scheme),
    )


def ed25519_signer(key: bytes) -> Signer:
    private = private_key(key, ed25519.Ed25519PrivateKey)
    return _signer(private.sign, private.public_key().verify)


def ml_dsa(key: bytes) -> Signer:
    private = private_key(key, ML_DSA_PRIVATE)
    return _signer(private.sign, private.public_key().verify)


LOAD: Mapping[str, Callable[[bytes], Wrapper]] = {
    "AES-256-GCM": gcm,
    "AES-KW": kw,
    "AES-KWP": kwp,
    "RSA-OAEP 2048": partial(rsa_oaep, ENCRYPTION["RSAES_OAEP_SHA_256"]),
    "RSA-OAEP 2048 SHA-1": partial(rsa_oaep, ENCRYPTION["RSAES_OAEP_SHA_1"]),
    "RSA-OAEP 3072": partial(rsa_oaep, ENCRYPTION["RSAES_OAEP_SHA_256"]),
    "RSA-OAEP 4096": partial(rsa_oaep, ENCRYPTION["RSAES_OAEP_SHA_256"]),
    "ECDH P-256": ecdh,
    "ECDH P-384": ecdh,
    "ECDH X25519": x25519_ecdh,
    "ML-KEM-768": ml_kem,
    "ML-KEM-1024": ml_kem,
    "HPKE P-256": lambda key: _hpke(hpke.KEM.P256, private_key(key, ec.EllipticCurvePrivateKey)),
    "HPKE X25519": lambda key: _hpke(hpke.KEM.X25519, private_key(key, x25519.X25519PrivateKey)),
    "HPKE ML-KEM-768": lambda key: _hpke(
        hpke.KEM.MLKEM768, private_key(key, mlkem.MLKEM768PrivateKey)
    ),
    "HPKE X-Wing": _x_wing,
}
LACKS: Mapping[str, str] = {"ML-KEM-512": "The library has ML-KEM-768 and ML-KEM-1024 alone."}
SIGNERS: Mapping[str, Callable[[bytes], Signer]] = {
    "RSA-PSS 2048": rsa_pss,
    "RSA-PSS 3072": rsa_pss,
    "RSA-PSS 4096": rsa_pss,
    "ECDSA P-256": partial(ecdsa, SHA_256),
    "ECDSA P-384": partial(ecdsa, hashes.SHA384()),
    "Ed25519": ed25519_signer,
    "ML-DSA-44": ml_dsa,
    "ML-DSA-65": ml_dsa,
    "ML-DSA-87": ml_dsa,
}
GENERATE: Mapping[str, Callable[[], object]] = {
    "AES_256": partial(secrets.token_bytes, 32),
    "X25519": x25519.X25519PrivateKey.generate,
    **KEYS,
}
