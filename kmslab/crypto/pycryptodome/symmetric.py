"""Algorithms with one secret key: AES-GCM, AES-CBC, HMAC, and key derivation."""

from types import ModuleType
from typing import Any

from Crypto.Cipher import AES
from Crypto.Hash import HMAC, SHA224, SHA256, SHA384, SHA512
from Crypto.Protocol.KDF import HKDF, SP800_108_Counter

from kmslab.crypto.backend import (
    GCM_IV,
    GCM_TAG,
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

HMACS: dict[str, ModuleType] = {
    "HMAC_SHA_224": SHA224,
    "HMAC_SHA_256": SHA256,
    "HMAC_SHA_384": SHA384,
    "HMAC_SHA_512": SHA512,
}
HKDFS: dict[str, Any] = {
    "HKDF_SHA_256": SHA256,
    "HKDF_SHA_384": SHA384,
    "HKDF_SHA_512": SHA512,
}
ZEROS = bytes(GCM_IV)


class Symmetric:
    """The part of a backend whose algorithms have one secret key."""

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        check_seal(key, iv)
        cipher = AES.new(key, AES.MODE_GCM, nonce=iv, mac_len=GCM_TAG)
        ciphertext, tag = cipher.update(aad).encrypt_and_digest(plaintext)
        return ciphertext + tag

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        check_open(key, iv)
        cipher = AES.new(key, AES.MODE_GCM, nonce=iv, mac_len=GCM_TAG).update(aad)
        try:  # in one step: `decrypt` alone returns plaintext before anything is verified
            return SecretBytes(cipher.decrypt_and_verify(sealed[:-GCM_TAG], sealed[-GCM_TAG:]))
        except ValueError:
            pass
        raise Forged  # here, not in the handler: the library's frames hold the unverified plaintext

    def aes_gcm_sealer(self, key: bytes) -> SealInto:
        check_seal(key, ZEROS)  # its IVs are checked when they are used

        def seal(iv: bytes, plaintext: Bytes, aad: bytes, sealed: memoryview) -> None:
            check_seal(key, iv)
            check_buffers(plaintext, sealed)
            cipher = AES.new(key, AES.MODE_GCM, nonce=iv, mac_len=GCM_TAG).update(aad)
            cipher.encrypt(plaintext, output=sealed[:-GCM_TAG])
            sealed[-GCM_TAG:] = cipher.digest()

        return seal

    def aes_gcm_opener(self, key: bytes) -> OpenInto:
        check_open(key, ZEROS)

        def open_into(iv: bytes, sealed: Bytes, aad: bytes, plaintext: memoryview) -> None:
            check_open(key, iv)
            check_buffers(plaintext, sealed)
            sealed = memoryview(sealed)  # slices of a memoryview are not copies
            cipher = AES.new(key, AES.MODE_GCM, nonce=iv, mac_len=GCM_TAG).update(aad)
            try:
                cipher.decrypt_and_verify(sealed[:-GCM_TAG], sealed[-GCM_TAG:], output=plaintext)
                return
            except ValueError:
                wipe(plaintext)  # the library left unverified bytes in it
            raise Forged

        return open_into

    def aes_gcm_in_pieces(self, key: bytes, iv: bytes, aad: bytes) -> Pieces:
        check_open(key, iv)
        return _Pieces(key, iv, aad)

    def aes_cbc_encrypt(self, key: bytes, iv: bytes, blocks: bytes) -> bytes:
        check_cbc(key, iv, blocks)
        return AES.new(key, AES.MODE_CBC, iv=iv).encrypt(blocks)

    def aes_cbc_decrypt(self, key: bytes, iv: bytes, blocks: bytes) -> SecretBytes:
        if not fits_cbc(key, iv, blocks):
            raise Forged
        return SecretBytes(AES.new(key, AES.MODE_CBC, iv=iv).decrypt(blocks))

    def aes_wrap(self, key: bytes, secret: bytes) -> bytes:
        check_wrap(key, secret)
        return bytes(AES.new(key, AES.MODE_KWP).seal(secret))

    def aes_unwrap(self, key: bytes, wrapped: bytes) -> SecretBytes:
        check_unwrap(key)
        try:
            return SecretBytes(AES.new(key, AES.MODE_KWP).unseal(wrapped))
        except ValueError:
            pass
        raise Forged

    def hmac(self, algorithm: str, key: bytes, message: bytes) -> bytes:
        return HMAC.new(key, message, HMACS[algorithm]).digest()

    def hkdf(
        self, algorithm: str, secret: bytes, salt: bytes, info: bytes, length: int
    ) -> SecretBytes:
        check_hkdf(length, HKDFS[algorithm].digest_size)
        return SecretBytes(HKDF(secret, length, salt, HKDFS[algorithm], context=info))

    def kdf_counter(self, key: bytes, label: bytes, context: bytes, length: int) -> SecretBytes:
        kdf_fixed_input(label, context, length)  # only the check: the library builds it again
        return SecretBytes(SP800_108_Counter(key, length, _prf, label=label, context=context))


def _prf(key: bytes, data: bytes) -> bytes:
    return HMAC.new(key, data, SHA256).digest()


class _Pieces:
    def __init__(self, key: bytes, iv: bytes, aad: bytes) -> None:
        self._cipher = AES.new(key, AES.MODE_GCM, nonce=iv, mac_len=GCM_TAG).update(aad)

    def decrypt(self, piece: Bytes, plaintext: memoryview) -> None:
        self._cipher.decrypt(piece, output=plaintext)

    def verify(self, tag: bytes) -> None:
        try:
            self._cipher.verify(tag)
            return
        except ValueError:
            pass
        raise Forged
