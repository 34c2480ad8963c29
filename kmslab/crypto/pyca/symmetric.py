"""What has one secret key: AES-GCM, HMAC, and the derivation of keys."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from kmslab.crypto.backend import (
    Bytes,
    Forged,
    check_buffers,
    check_hkdf,
    check_open,
    check_seal,
    kdf_fixed_input,
)
from kmslab.crypto.secret import SecretBytes

HMACS: dict[str, hashes.HashAlgorithm] = {
    "HMAC_SHA_224": hashes.SHA224(),
    "HMAC_SHA_256": hashes.SHA256(),
    "HMAC_SHA_384": hashes.SHA384(),
    "HMAC_SHA_512": hashes.SHA512(),
}
HKDFS: dict[str, hashes.HashAlgorithm] = {
    "HKDF_SHA_256": hashes.SHA256(),
    "HKDF_SHA_384": hashes.SHA384(),
    "HKDF_SHA_512": hashes.SHA512(),
}


def aes_gcm_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    check_seal(key, nonce)
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def aes_gcm_open(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
    check_open(key, nonce)
    try:
        return SecretBytes(AESGCM(key).decrypt(nonce, sealed, aad))
    except InvalidTag:
        pass
    raise Forged  # here, not in the handler: the library's exception would hang on ours


def aes_gcm_seal_into(
    key: bytes, nonce: bytes, plaintext: Bytes, aad: bytes, sealed: memoryview
) -> None:
    check_seal(key, nonce)
    check_buffers(plaintext, sealed)
    AESGCM(key).encrypt_into(nonce, plaintext, aad, sealed)


def aes_gcm_open_into(
    key: bytes, nonce: bytes, sealed: Bytes, aad: bytes, plaintext: memoryview
) -> None:
    check_open(key, nonce)
    check_buffers(plaintext, sealed)
    try:
        AESGCM(key).decrypt_into(nonce, sealed, aad, plaintext)
        return
    except InvalidTag:
        plaintext[:] = bytes(len(plaintext))  # the library leaves in it what it did not verify
    raise Forged


def hmac(algorithm: str, key: bytes, message: bytes) -> bytes:
    code = HMAC(key, HMACS[algorithm])
    code.update(message)
    return code.finalize()


def hkdf(algorithm: str, secret: bytes, salt: bytes, info: bytes, length: int) -> SecretBytes:
    check_hkdf(length, HKDFS[algorithm].digest_size)
    return SecretBytes(HKDF(HKDFS[algorithm], length, salt, info).derive(secret))


def kdf_counter(key: bytes, label: bytes, context: bytes, length: int) -> SecretBytes:
    return _counter_mode(key, kdf_fixed_input(label, context, length), length)


_SHA_256 = hashes.SHA256()
_COUNTER, _BEFORE = Mode.CounterMode, CounterLocation.BeforeFixed


def _counter_mode(key: bytes, fixed: bytes, length: int) -> SecretBytes:
    """NIST's vectors give the fixed input whole, so this is the part that they can test."""
    kdf = KBKDFHMAC(_SHA_256, _COUNTER, length, 4, None, _BEFORE, None, None, fixed)
    return SecretBytes(kdf.derive(key))
