"""Algorithms with one secret key: AES-GCM, AES-CBC, HMAC, and key derivation."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from kmslab.crypto.backend import (
    GCM_IV,
    Bytes,
    Forged,
    OpenInto,
    Pieces,
    SealInto,
    check_buffers,
    check_cbc,
    check_hkdf,
    check_open,
    check_seal,
    check_unwrap,
    check_wrap,
    fits_cbc,
    kdf_fixed_input,
    wipe,
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
_SHA_256 = hashes.SHA256()
_COUNTER, _BEFORE = Mode.CounterMode, CounterLocation.BeforeFixed
ZEROS = bytes(GCM_IV)


class Symmetric:
    """The part of a backend whose algorithms have one secret key."""

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        check_seal(key, iv)
        return AESGCM(key).encrypt(iv, plaintext, aad)

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        check_open(key, iv)
        try:
            return SecretBytes(AESGCM(key).decrypt(iv, sealed, aad))
        except InvalidTag:
            pass
        raise Forged  # here, not in the handler: the library's exception would be our __context__

    def aes_gcm_sealer(self, key: bytes) -> SealInto:
        check_seal(key, ZEROS)  # its IVs are checked when they are used
        encrypt_into = AESGCM(key).encrypt_into

        def seal(iv: bytes, plaintext: Bytes, aad: bytes, sealed: memoryview) -> None:
            check_seal(key, iv)
            check_buffers(plaintext, sealed)
            encrypt_into(iv, plaintext, aad, sealed)

        return seal

    def aes_gcm_opener(self, key: bytes) -> OpenInto:
        check_open(key, ZEROS)
        decrypt_into = AESGCM(key).decrypt_into

        def open_into(iv: bytes, sealed: Bytes, aad: bytes, plaintext: memoryview) -> None:
            check_open(key, iv)
            check_buffers(plaintext, sealed)
            try:
                decrypt_into(iv, sealed, aad, plaintext)
                return
            except InvalidTag:
                wipe(plaintext)  # the library left unverified bytes in it
            raise Forged

        return open_into

    def aes_gcm_in_pieces(self, key: bytes, iv: bytes, aad: bytes) -> Pieces:
        check_open(key, iv)
        return _Pieces(key, iv, aad)

    def aes_cbc_encrypt(self, key: bytes, iv: bytes, blocks: bytes) -> bytes:
        check_cbc(key, iv, blocks)
        cipher = Cipher(AES(key), CBC(iv)).encryptor()
        return cipher.update(blocks) + cipher.finalize()

    def aes_cbc_decrypt(self, key: bytes, iv: bytes, blocks: bytes) -> SecretBytes:
        if not fits_cbc(key, iv, blocks):
            raise Forged
        cipher = Cipher(AES(key), CBC(iv)).decryptor()
        return SecretBytes(cipher.update(blocks) + cipher.finalize())

    def aes_wrap(self, key: bytes, secret: bytes) -> bytes:
        check_wrap(key, secret)
        return aes_key_wrap_with_padding(key, secret)

    def aes_unwrap(self, key: bytes, wrapped: bytes) -> SecretBytes:
        check_unwrap(key)
        try:
            return SecretBytes(aes_key_unwrap_with_padding(key, wrapped))
        except (InvalidUnwrap, ValueError):  # ValueError: an impossible length
            pass
        raise Forged

    def hmac(self, algorithm: str, key: bytes, message: bytes) -> bytes:
        code = HMAC(key, HMACS[algorithm])
        code.update(message)
        return code.finalize()

    def hkdf(
        self, algorithm: str, secret: bytes, salt: bytes, info: bytes, length: int
    ) -> SecretBytes:
        check_hkdf(length, HKDFS[algorithm].digest_size)
        return SecretBytes(HKDF(HKDFS[algorithm], length, salt, info).derive(secret))

    def kdf_counter(self, key: bytes, label: bytes, context: bytes, length: int) -> SecretBytes:
        return _counter_mode(key, kdf_fixed_input(label, context, length), length)


class _Pieces:
    def __init__(self, key: bytes, iv: bytes, aad: bytes) -> None:
        self._decryptor = Cipher(AES(key), GCM(iv)).decryptor()
        self._decryptor.authenticate_additional_data(aad)

    def decrypt(self, piece: Bytes, plaintext: memoryview) -> None:
        self._decryptor.update_into(piece, plaintext)

    def verify(self, tag: bytes) -> None:
        try:
            self._decryptor.finalize_with_tag(tag)
            return
        except (InvalidTag, ValueError):  # ValueError: an impossible length
            pass
        raise Forged


def _counter_mode(key: bytes, fixed: bytes, length: int) -> SecretBytes:
    """NIST's vectors give the whole fixed input, so they can test this function alone."""
    kdf = KBKDFHMAC(_SHA_256, _COUNTER, length, 4, None, _BEFORE, None, None, fixed)
    return SecretBytes(kdf.derive(key))
