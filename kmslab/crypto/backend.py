"""The one interface to cryptography: keys and messages are bytes, and refusal has no reasons.

`pyca` and `pycryptodome` each are such a backend, as modules. A nonce is an argument, so that
published answers can be tested; who calls draws it, and draws a fresh one each time.
"""

from typing import Protocol

from kmslab.crypto.secret import SecretBytes

GCM_NONCE = 12  # bytes; SP 800-38D §5.2.1.1 recommends this length alone, others cost a hash
GCM_TAG = 16  # bytes; shorter tags are easier to forge (SP 800-38D, appendix C)
AES_KEYS = frozenset({16, 24, 32})  # bytes


class Forged(Exception):
    """Not what was sealed under this key. Never says why: each reason helps a forger's next try."""


class Backend(Protocol):
    """One library's cryptography. Each function is the same in every backend, to the last byte."""

    NAME: str
    ALGORITHMS: frozenset[str]  # what this backend serves, in the names of self_tests.json

    def aes_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-GCM (SP 800-38D): ciphertext ‖ 16-byte tag, from a key of 16, 24 or 32 bytes.

        `nonce` is 12 bytes and must never meet the same key twice: two messages under one nonce
        reveal their difference and the key of the tag. Another length is a RuntimeError.
        """

    def aes_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        """What was sealed; Forged for anything else, inputs of impossible lengths included."""

    def hmac(self, algorithm: str, key: bytes, message: bytes) -> bytes:
        """HMAC (FIPS 198-1), not truncated; `algorithm` is HMAC_SHA_224, _256, _384 or _512."""

    def kdf_counter(self, key: bytes, label: bytes, context: bytes, length: int) -> SecretBytes:
        """A key of `length` bytes by SP 800-108r1 §4.1: counter mode with HMAC-SHA-256.

        Counter and length take 32 bits each. `label` holds no zero byte (RuntimeError), since one
        ends it: label and context could otherwise be divided in two ways.
        """


def check_seal(key: bytes, nonce: bytes) -> None:
    """Both libraries take nonces of other lengths; this project makes none."""
    if len(nonce) != GCM_NONCE or len(key) not in AES_KEYS:
        raise RuntimeError("AES-GCM takes a nonce of 12 bytes and a key of 16, 24 or 32")


def check_open(key: bytes, nonce: bytes) -> None:
    """An impossible length is a forgery like any other; a message too short has no right tag."""
    if len(nonce) != GCM_NONCE or len(key) not in AES_KEYS:
        raise Forged


def kdf_fixed_input(label: bytes, context: bytes, length: int) -> bytes:
    """SP 800-108r1 §4: Label ‖ 00 ‖ Context ‖ [L], L being the wanted length in bits."""
    if 0 in label or not 0 < length < 2**29:
        raise RuntimeError("a label without zero bytes, and a length of 1 byte to 2**32 - 1 bits")
    return b"".join((label, b"\0", context, (8 * length).to_bytes(4, "big")))
