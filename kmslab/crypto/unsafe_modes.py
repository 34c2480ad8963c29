"""Two modes of AES that must not protect anything, for pictures and attacks that show why.

ECB hides no pattern: equal blocks have equal ciphertexts. CTR hides it, but who changes a bit of
the ciphertext changes that bit of the plaintext, unnoticed, and two messages under one counter
reveal their difference. No part of the KMS or of the envelope may import this module, and
`pyproject.toml` holds that. Source: NIST SP 800-38A.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16  # bytes


def aes_ecb(key: bytes, blocks: bytes) -> bytes:
    """Broken. Encrypts whole blocks of 16 bytes, each by itself; ValueError for other lengths."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def aes_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """Unauthenticated. Encrypts, or decrypts, with `counter` (16 bytes) as the first block's."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return encryptor.update(data) + encryptor.finalize()
