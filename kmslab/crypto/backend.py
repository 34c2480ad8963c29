"""The one interface to cryptography: keys and messages are bytes, and refusal has no reasons.

`pyca` and `pycryptodome` each are such a backend, as modules. A nonce is an argument, so that
published answers can be tested; who calls draws it, and draws a fresh one each time.
"""

from typing import Protocol

from kmslab.crypto.message_types import MESSAGE_TYPES, MessageType
from kmslab.crypto.secret import SecretBytes

Bytes = bytes | bytearray | memoryview

GCM_NONCE = 12  # bytes; SP 800-38D §5.2.1.1 recommends this length alone, others cost a hash
GCM_TAG = 16  # bytes; shorter tags are easier to forge (SP 800-38D, appendix C)
AES_KEYS = frozenset({16, 24, 32})  # bytes


class Forged(Exception):
    """Not what was sealed under this key. Never says why: each reason helps a forger's next try."""


class Malformed(Exception):
    """These bytes are no public key of the kind that is wanted."""


class Backend(Protocol):
    """One library's cryptography. Each function does the same in every backend.

    Keys cross as bytes: private ones as PKCS#8 DER (RFC 5958), ML-DSA's and ML-KEM's as seeds (RFC
    9881, RFC 9935); public ones as SubjectPublicKeyInfo DER (RFC 5280). Both say what they are, so
    that a key spec is named only where a key is made. A private key is one that `generate_key` has
    made, or that was checked: it is not validated anew at each use. A public key may come from
    anybody, and is: one that has not the form of its spec, or is none that the algorithm takes, is
    Malformed.

    Algorithms and key specs have AWS's names. Which go together is the contract's table; what
    can't, a message of a wrong length included, is a RuntimeError, as any impossible call is.
    """

    NAME: str
    ALGORITHMS: frozenset[str]  # what this backend serves, in the names of self_tests.json
    KEY_SPECS: frozenset[str]  # of the asymmetric keys that it makes and uses

    def aes_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-GCM (SP 800-38D): ciphertext ‖ 16-byte tag, from a key of 16, 24 or 32 bytes.

        `nonce` is 12 bytes and must never meet the same key twice: two messages under one nonce
        reveal their difference and the key of the tag. Another length is a RuntimeError.
        """

    def aes_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        """What was sealed; Forged for anything else, inputs of impossible lengths included."""

    def aes_gcm_seal_into(
        self, key: bytes, nonce: bytes, plaintext: Bytes, aad: bytes, sealed: memoryview
    ) -> None:
        """The same, written to `sealed`, which is 16 bytes longer than the plaintext.

        Where frames of a megabyte are sealed, copying one costs as much as encrypting it.
        """

    def aes_gcm_open_into(
        self, key: bytes, nonce: bytes, sealed: Bytes, aad: bytes, plaintext: memoryview
    ) -> None:
        """The same, written to `plaintext`, which is 16 bytes shorter; all zeros if Forged."""

    def hmac(self, algorithm: str, key: bytes, message: bytes) -> bytes:
        """HMAC (FIPS 198-1), not truncated; `algorithm` is HMAC_SHA_224, _256, _384 or _512."""

    def kdf_counter(self, key: bytes, label: bytes, context: bytes, length: int) -> SecretBytes:
        """A key of `length` bytes by SP 800-108r1 §4.1: counter mode with HMAC-SHA-256.

        Counter and length take 32 bits each. `label` holds no zero byte (RuntimeError), since one
        ends it: label and context could otherwise be divided in two ways.
        """

    def hkdf(
        self, algorithm: str, secret: bytes, salt: bytes, info: bytes, length: int
    ) -> SecretBytes:
        """A key of `length` bytes by RFC 5869; `algorithm` is HKDF_SHA_256, _384 or _512.

        `secret` is as good as random, never a password. No salt and an empty one are the same. At
        most 255 times the hash's length comes out (RuntimeError).
        """

    def decompress(self, spec: str, point: bytes) -> bytes:
        """The public key, SubjectPublicKeyInfo, of a compressed point (SEC 1 §2.3.4).

        Malformed if it is no point of that spec's curve, or not compressed. `compress` undoes it.
        """

    def generate_key(self, spec: str) -> SecretBytes:
        """A new private key, PKCS#8. RSA_4096 may take seconds. RSA's public exponent is 65537."""

    def public_key(self, private: bytes) -> bytes:
        """The public half, SubjectPublicKeyInfo."""

    def sign(
        self, algorithm: str, private: bytes, message: bytes, message_type: MessageType
    ) -> bytes:
        """A signature. RSA's is as long as its modulus, ECDSA's is DER of varying length.

        PSS has a salt as long as its hash; ECDSA, PSS and ML-DSA never sign the same way twice.
        ED25519_PH_SHA_512 takes a digest as its message, and hashes that again (RFC 8032 §5.1).
        """

    def verify(
        self,
        algorithm: str,
        public: bytes,
        message: bytes,
        message_type: MessageType,
        signature: bytes,
    ) -> None:
        """Nothing, if the signature is this key's of this message, or Forged."""

    def encrypt(self, algorithm: str, public: bytes, plaintext: bytes) -> bytes:
        """RSAES-OAEP (RFC 8017 §7.1), without a label, with one hash: as long as the modulus.

        The plaintext is shorter by two hashes and two bytes, or shorter still.
        """

    def decrypt(self, algorithm: str, private: bytes, ciphertext: bytes) -> SecretBytes:
        """What was encrypted, or Forged."""

    def agree(self, private: bytes, peer: bytes) -> SecretBytes:
        """ECDH (SP 800-56A §5.7.1.2): the x coordinate, zero-padded to the length of the field.

        Malformed unless `peer` is a public key on the private key's curve.
        """

    def encapsulate(self, public: bytes) -> tuple[bytes, SecretBytes]:
        """ML-KEM (FIPS 203 §7.2): a ciphertext, and the 32-byte secret in it."""

    def decapsulate(self, private: bytes, ciphertext: bytes) -> SecretBytes:
        """The secret; Forged for a wrong length.

        For any other wrong ciphertext it is a secret that nobody shares, always the same: ML-KEM
        refuses without saying so (implicit rejection, FIPS 203 §6.3).
        """


class Signature(Protocol):
    """One way to sign, of keys of one kind; a message has passed `check_message`."""

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes: ...

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None: ...


def check_message(algorithm: str, message: bytes, message_type: MessageType) -> None:
    """PyCryptodome would sign a digest of any length."""
    types = MESSAGE_TYPES[algorithm]
    if message_type not in types or types[message_type] not in (None, len(message)):
        raise RuntimeError(f"{algorithm} takes no {message_type} of {len(message)} bytes")


def check_seal(key: bytes, nonce: bytes) -> None:
    """Both libraries take nonces of other lengths; this project makes none."""
    if len(nonce) != GCM_NONCE or len(key) not in AES_KEYS:
        raise RuntimeError("AES-GCM takes a nonce of 12 bytes and a key of 16, 24 or 32")


def check_open(key: bytes, nonce: bytes) -> None:
    """An impossible length is a forgery like any other; a message too short has no right tag."""
    if len(nonce) != GCM_NONCE or len(key) not in AES_KEYS:
        raise Forged


def check_buffers(plaintext: Bytes, sealed: Bytes) -> None:
    if len(sealed) != len(plaintext) + GCM_TAG:
        raise RuntimeError("a sealed buffer is 16 bytes longer than its plaintext")


def check_hkdf(length: int, hash_size: int) -> None:
    """One byte counts the blocks (RFC 5869 §2.3)."""
    if not 0 < length <= 255 * hash_size:
        raise RuntimeError("HKDF gives a key of 1 byte to 255 times its hash")


def kdf_fixed_input(label: bytes, context: bytes, length: int) -> bytes:
    """SP 800-108r1 §4: Label ‖ 00 ‖ Context ‖ [L], L being the wanted length in bits."""
    if 0 in label or not 0 < length < 2**29:
        raise RuntimeError("a label without zero bytes, and a length of 1 byte to 2**32 - 1 bits")
    return b"".join((label, b"\0", context, (8 * length).to_bytes(4, "big")))
