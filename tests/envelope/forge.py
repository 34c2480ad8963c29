"""A forger who has the data key, and whose messages break the format in one place.

Built from the format's description and the standard library's names, not from the code it tries.
"""

import base64
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WRAPPING_KEY = bytes(range(32))
DATA_KEY = bytes(range(100, 132))
MESSAGE_ID = bytes(range(200, 232))

# Bytes of the data key, hash of the KDF, curve of the signature. 4 and 5 commit and are version 2.
SUITES: dict[int, tuple[int, Any, Any]] = {
    0x0014: (16, None, None),
    0x0046: (24, None, None),
    0x0078: (32, None, None),
    0x0114: (16, hashes.SHA256(), None),
    0x0146: (24, hashes.SHA256(), None),
    0x0178: (32, hashes.SHA256(), None),
    0x0214: (16, hashes.SHA256(), ec.SECP256R1()),
    0x0346: (24, hashes.SHA384(), ec.SECP384R1()),
    0x0378: (32, hashes.SHA384(), ec.SECP384R1()),
    0x0478: (32, hashes.SHA512(), None),
    0x0578: (32, hashes.SHA512(), ec.SECP384R1()),
}


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-512, for one block or less."""
    extracted = hmac.digest(salt, secret, "sha512")
    return hmac.digest(extracted, info + b"\1", "sha512")[:32]


def field16(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


@dataclass(frozen=True)
class FrameParts:
    sequence: int
    content: bytes
    final: bool
    iv: bytes | None = None
    aad_sequence: int | None = None
    aad_length: int | None = None
    string: bytes | None = None
    block: bool = False  # the body of an unframed message
    length: int | None = None  # what the field says

    def encode(self, key: bytes, message_id: bytes = MESSAGE_ID) -> bytes:
        iv = struct.pack(">QI", 0, self.sequence) if self.iv is None else self.iv
        kind = b"Single Block" if self.block else b"Final Frame" if self.final else b"Frame"
        aad = message_id + (self.string or b"AWSKMSEncryptionClient " + kind)
        sequence = self.sequence if self.aad_sequence is None else self.aad_sequence
        length = len(self.content) if self.aad_length is None else self.aad_length
        aad += struct.pack(">IQ", sequence, length)
        sealed = AESGCM(key).encrypt(iv, self.content, aad)
        number = struct.pack(">I", self.sequence)
        said = len(self.content) if self.length is None else self.length
        if self.block:
            return iv + struct.pack(">Q", said) + sealed
        if self.final:
            return b"\xff" * 4 + number + iv + struct.pack(">I", said) + sealed
        return number + iv + sealed


@dataclass(frozen=True)
class Forger:
    """A message of suite 0x0478, or another, under a raw AES key named `clinic`/`aes`."""

    version: int | None = None
    suite: int = 0x0478
    type: bytes = b"\x80"
    context: bytes = b""
    keys: tuple[bytes, ...] | None = None
    count: int | None = None  # of the keys
    content_type: int = 2
    reserved: bytes = bytes(4)
    iv_length: bytes = b"\x0c"
    frame_length: int = 16
    commitment: bytes | None = None
    header_iv: bytes = bytes(12)
    frames: tuple[FrameParts, ...] = (
        FrameParts(1, b"sixteen bytes...", False),
        FrameParts(2, b"and five", True),
    )
    tail: bytes = b""
    data_key: bytes | None = None
    signer: ec.EllipticCurvePrivateKey | None = None
    digest: Any = None  # the hash of the signature
    tagged: Callable[[bytes], bytes] = field(default=lambda header: header)

    def but(self, **changes: Any) -> "Forger":
        return replace(self, **changes)

    def signed(self, curve: Any = None, digest: Any = None) -> "Forger":
        """With the suite's own curve and hash unless others are given."""
        curve = curve or SUITES[self.suite][2] or ec.SECP384R1()
        digest = digest or (hashes.SHA256() if curve.name == "secp256r1" else hashes.SHA384())
        signer = ec.generate_private_key(curve)
        point = signer.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        pair = (b"aws-crypto-public-key", base64.b64encode(point))
        return self.but(context=context(pair), signer=signer, digest=digest)

    @property
    def _key(self) -> bytes:
        return (
            DATA_KEY[: SUITES.get(self.suite, (32,))[0]] if self.data_key is None else self.data_key
        )

    def wrapped(self) -> bytes:
        iv = bytes(range(12))
        info = b"aes" + struct.pack(">II", 128, 12) + iv
        sealed = AESGCM(WRAPPING_KEY).encrypt(iv, self._key, self.context)
        return field16(b"clinic") + field16(info) + field16(sealed)

    def _derived(self, message_id: bytes) -> bytes:
        number, (size, kdf, _) = struct.pack(">H", self.suite), SUITES.get(self.suite, (32, 0, 0))
        if self.suite >= 0x0400:
            return hkdf(self._key, message_id, number + b"DERIVEKEY")
        if not kdf:
            return self._key
        return HKDF(kdf, size, None, number + message_id).derive(self._key)

    def encode(self) -> bytes:
        suite, new = struct.pack(">H", self.suite), self.suite >= 0x0400
        message_id = MESSAGE_ID if new else MESSAGE_ID[:16]
        key = self._derived(message_id)
        commitment = hkdf(self._key, message_id, b"COMMITKEY")
        keys = (self.wrapped(),) if self.keys is None else self.keys
        version = (2 if new else 1) if self.version is None else self.version
        header = bytes([version]) + (b"" if new else self.type) + suite + message_id
        header += field16(self.context)
        header += struct.pack(">H", len(keys) if self.count is None else self.count)
        header += b"".join(keys) + bytes([self.content_type])
        header += b"" if new else self.reserved + self.iv_length
        header += struct.pack(">I", self.frame_length)
        if new:
            header += commitment if self.commitment is None else self.commitment
        tag = AESGCM(key).encrypt(self.header_iv, b"", self.tagged(header))
        whole = header + (b"" if new else self.header_iv) + tag
        whole += b"".join(frame.encode(key, message_id) for frame in self.frames)
        return whole + self._footer(whole) + self.tail

    def _footer(self, content: bytes) -> bytes:
        return field16(self.signer.sign(content, ec.ECDSA(self.digest))) if self.signer else b""


def context(*pairs: tuple[bytes, bytes], count: int | None = None) -> bytes:
    body = b"".join(field16(part) for pair in pairs for part in pair)
    return struct.pack(">H", len(pairs) if count is None else count) + body
