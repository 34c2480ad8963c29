"""The one interface to cryptography. Keys and messages are bytes, and a refusal gives no reason.

`pyca` and `pycryptodome` implement it. An IV is an argument here, so that published answers can be
tested; each caller draws a fresh one for each message.
"""

from collections.abc import Callable
from typing import Protocol

from kmslab.crypto.message_types import MESSAGE_TYPES, MessageType
from kmslab.crypto.secret import SecretBytes

Bytes = bytes | bytearray | memoryview

# Sizes, in bytes.
GCM_IV = 12  # SP 800-38D §5.2.1.1 recommends this length; any other costs an extra hash
GCM_TAG = 16  # a shorter tag is easier to forge (SP 800-38D, appendix C)
PIECE = 1024 * 1024  # bytes that are wiped together
AES_256_KEY = 32
AES_BLOCK = 16  # also the length of CBC's IV
AES_KEYS = frozenset({16, 24, AES_256_KEY})


class Forged(Exception):
    """This was not sealed or signed with this key. It never says why: that would help a forger."""


class Malformed(Exception):
    """These bytes are not a public key of the wanted kind."""


SealInto = Callable[[bytes, Bytes, bytes, memoryview], None]  # IV, plaintext, AAD, sealed
OpenInto = Callable[[bytes, Bytes, bytes, memoryview], None]  # IV, sealed, AAD, plaintext


class Pieces(Protocol):
    def decrypt(self, piece: Bytes, plaintext: memoryview) -> None:
        """Write the next piece's plaintext, which is as long. Anybody may have changed it."""

    def verify(self, tag: bytes) -> None:
        """Forged unless the pieces are the whole message."""


class Backend(Protocol):
    """One library's cryptography. Each method does the same in every backend.

    Keys are bytes. A private key is PKCS#8 DER (RFC 5958), for ML-DSA and ML-KEM as a seed (RFC
    9881, RFC 9935); a public key is SubjectPublicKeyInfo DER (RFC 5280). Both say which kind of key
    they are, so a key spec is an argument only where a key is made. A private key comes from
    `generate_key`, or was checked before: it is not validated again at each use. A public key may
    come from anybody, so it is checked at each use: Malformed if it does not have the form of its
    spec or the algorithm does not accept it.

    Algorithms and key specs have AWS's names. The service's contract says which of them go
    together; an impossible combination or length of message raises RuntimeError.
    """

    NAME: str
    ALGORITHMS: frozenset[str]  # what this backend has, in the names of self_tests.json
    KEY_SPECS: frozenset[str]  # of the asymmetric keys that it makes and uses
    LONG_EXPONENTS: bool  # whether it takes an RSA_4096 public key with `has_long_exponent`

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-GCM (SP 800-38D): ciphertext ‖ 16-byte tag, from a key of 16, 24 or 32 bytes.

        `iv` is 12 bytes (else RuntimeError). Never use it twice with the same key: two messages
        under one IV reveal their difference, and the key that makes tags.
        """

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        """The plaintext. Forged for anything else, including inputs of impossible lengths."""

    def aes_gcm_sealer(self, key: bytes) -> SealInto:
        """`aes_gcm_seal` for many messages, but what it returns writes to `sealed`.

        That is 16 bytes longer than the plaintext. A copy of a megabyte would cost as much as its
        encryption, and for a few kilobytes the preparation of the key does.
        """

    def aes_gcm_opener(self, key: bytes) -> OpenInto:
        """`aes_gcm_open` for many messages, but what it returns writes to `plaintext`.

        That is 16 bytes shorter than `sealed`. Both may be the same memory. If it raises Forged,
        `plaintext` is all zeros.
        """

    def aes_gcm_in_pieces(self, key: bytes, iv: bytes, aad: bytes) -> Pieces:
        """`aes_gcm_open` for one message, piece by piece. Nothing is verified before the end."""

    def aes_cbc_encrypt(self, key: bytes, iv: bytes, blocks: bytes) -> bytes:
        """AES-CBC (SP 800-38A §6.2) of whole 16-byte blocks, under an unpredictable IV of 16 bytes.

        It hides and does not authenticate: use it only where a format asks for it.
        """

    def aes_cbc_decrypt(self, key: bytes, iv: bytes, blocks: bytes) -> SecretBytes:
        """The inverse. It opens anything of the right lengths; Forged for other lengths."""

    def aes_wrap(self, key: bytes, secret: bytes) -> bytes:
        """AES Key Wrap with Padding (RFC 5649; KWP in SP 800-38F), 9 to 16 bytes longer.

        The secret has one byte or more (else RuntimeError). There is no IV, so equal secrets are
        wrapped alike.
        """

    def aes_unwrap(self, key: bytes, wrapped: bytes) -> SecretBytes:
        """What `aes_wrap` wrapped under this key. Forged for anything else."""

    def hmac(self, algorithm: str, key: bytes, message: bytes) -> bytes:
        """HMAC (FIPS 198-1), not truncated; `algorithm` is HMAC_SHA_224, _256, _384 or _512."""

    def kdf_counter(self, key: bytes, label: bytes, context: bytes, length: int) -> SecretBytes:
        """A key of `length` bytes by SP 800-108r1 §4.1: counter mode with HMAC-SHA-256.

        Counter and length take 32 bits each. A zero byte ends the label, so `label` must not
        contain one (RuntimeError): there would be two ways to divide label from context.
        """

    def hkdf(
        self, algorithm: str, secret: bytes, salt: bytes, info: bytes, length: int
    ) -> SecretBytes:
        """A key of `length` bytes by RFC 5869; `algorithm` is HKDF_SHA_256, _384 or _512.

        `secret` must be as good as random: a key, never a password. No salt and an empty salt are
        the same. `length` is at most 255 times the hash's length (else RuntimeError).
        """

    def decompress(self, spec: str, point: bytes) -> bytes:
        """The public key (SubjectPublicKeyInfo) of a compressed point (SEC 1 §2.3.4).

        Malformed if it is not a compressed point on that spec's curve. `compress` is the inverse.
        """

    def generate_key(self, spec: str) -> SecretBytes:
        """A new private key, PKCS#8. RSA_4096 may take seconds. RSA's public exponent is 65537."""

    def public_key(self, private: bytes) -> bytes:
        """The public key of this private key, SubjectPublicKeyInfo."""

    def sign(
        self, algorithm: str, private: bytes, message: bytes, message_type: MessageType
    ) -> bytes:
        """A signature. RSA's is as long as its modulus; ECDSA's is DER, and its length varies.

        PSS has a salt as long as its hash. ECDSA, PSS and ML-DSA sign differently each time.
        ED25519_PH_SHA_512 takes a digest as its message, and hashes it again (RFC 8032 §5.1).
        """

    def verify(
        self,
        algorithm: str,
        public: bytes,
        message: bytes,
        message_type: MessageType,
        signature: bytes,
    ) -> None:
        """Raises Forged unless this key signed this message."""

    def encrypt(self, algorithm: str, public: bytes, plaintext: bytes) -> bytes:
        """RSAES-OAEP (RFC 8017 §7.1), without a label, with one hash: as long as the modulus.

        The plaintext must be at least two hashes and two bytes shorter (RuntimeError).
        """

    def decrypt(self, algorithm: str, private: bytes, ciphertext: bytes) -> SecretBytes:
        """The plaintext; Forged if the ciphertext does not open."""

    def agree(self, private: bytes, peer: bytes) -> SecretBytes:
        """ECDH (SP 800-56A §5.7.1.2): the x coordinate, zero-padded to the length of the field.

        Malformed unless `peer` is a public key on the private key's curve.
        """

    def encapsulate(self, public: bytes) -> tuple[bytes, SecretBytes]:
        """ML-KEM (FIPS 203 §7.2): a ciphertext, and the 32-byte secret in it."""

    def decapsulate(self, private: bytes, ciphertext: bytes) -> SecretBytes:
        """The secret; Forged if the ciphertext has a wrong length.

        For any other wrong ciphertext, ML-KEM raises nothing and returns a wrong secret, always the
        same one for that ciphertext (implicit rejection, FIPS 203 §6.3).
        """


class Signature(Protocol):
    """One way to sign with keys of one kind. The message has already passed `check_message`."""

    def sign(self, private: bytes, message: bytes, message_type: MessageType) -> bytes: ...

    def verify(
        self, public: bytes, message: bytes, message_type: MessageType, signature: bytes
    ) -> None: ...


def check_message(algorithm: str, message: bytes, message_type: MessageType) -> None:
    """PyCryptodome would sign a digest of any length."""
    types = MESSAGE_TYPES[algorithm]
    if message_type not in types or types[message_type] not in (None, len(message)):
        raise RuntimeError(f"{algorithm} takes no {message_type} of {len(message)} bytes")


def check_seal(key: bytes, iv: bytes) -> None:
    """Both libraries accept IVs of other lengths. This project makes none."""
    if len(iv) != GCM_IV or len(key) not in AES_KEYS:
        raise RuntimeError("AES-GCM takes an IV of 12 bytes and a key of 16, 24 or 32")


def check_open(key: bytes, iv: bytes) -> None:
    """An impossible length is refused like any other forgery."""
    if len(iv) != GCM_IV or len(key) not in AES_KEYS:
        raise Forged


def fits_cbc(key: bytes, iv: bytes, blocks: bytes) -> bool:
    return len(key) in AES_KEYS and len(iv) == AES_BLOCK and len(blocks) % AES_BLOCK == 0


def check_cbc(key: bytes, iv: bytes, blocks: bytes) -> None:
    if not fits_cbc(key, iv, blocks):
        raise RuntimeError("AES-CBC takes a key of 16, 24 or 32 bytes, an IV and blocks of 16")


def check_wrap(key: bytes, secret: bytes) -> None:
    if len(key) not in AES_KEYS or not secret:
        raise RuntimeError("AES key wrap takes a key of 16, 24 or 32 bytes, and a secret")


def check_unwrap(key: bytes) -> None:
    """A wrong key is refused like any other forgery."""
    if len(key) not in AES_KEYS:
        raise Forged


def check_buffers(plaintext: Bytes, sealed: Bytes) -> None:
    if len(sealed) != len(plaintext) + GCM_TAG:
        raise RuntimeError("a sealed buffer is 16 bytes longer than its plaintext")


def wipe(memory: memoryview) -> None:
    """In pieces: as many zeros at once would take as much memory again."""
    zeros = bytes(min(len(memory), PIECE))
    for at in range(0, len(memory), PIECE):
        memory[at : at + PIECE] = zeros[: len(memory) - at]


def check_hkdf(length: int, hash_size: int) -> None:
    """One byte counts the blocks (RFC 5869 §2.3)."""
    if not 0 < length <= 255 * hash_size:
        raise RuntimeError("HKDF gives a key of 1 byte to 255 times its hash")


def kdf_fixed_input(label: bytes, context: bytes, length: int) -> bytes:
    """SP 800-108r1 §4: Label ‖ 00 ‖ Context ‖ [L], where L is the wanted length in bits."""
    if 0 in label or not 0 < length < 2**29:
        raise RuntimeError("a label without zero bytes, and a length of 1 byte to 2**32 - 1 bits")
    return b"".join((label, b"\0", context, (8 * length).to_bytes(4, "big")))
