"""A forger who has the data key, and whose messages break the format in one place.

Built from the format's description and the standard library's names, not from the code it tries.
"""

import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

WRAPPING_KEY = bytes(range(32))
DATA_KEY = bytes(range(100, 132))
MESSAGE_ID = bytes(range(200, 232))


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

    def encode(self, key: bytes) -> bytes:
        iv = struct.pack(">QI", 0, self.sequence) if self.iv is None else self.iv
        string = b"AWSKMSEncryptionClient " + (b"Final Frame" if self.final else b"Frame")
        aad = MESSAGE_ID + (self.string or string)
        sequence = self.sequence if self.aad_sequence is None else self.aad_sequence
        length = len(self.content) if self.aad_length is None else self.aad_length
        aad += struct.pack(">IQ", sequence, length)
        sealed = AESGCM(key).encrypt(iv, self.content, aad)
        number = struct.pack(">I", self.sequence)
        if self.final:
            return b"\xff" * 4 + number + iv + struct.pack(">I", len(self.content)) + sealed
        return number + iv + sealed


@dataclass(frozen=True)
class Forger:
    """A message of suite 0x0478 under a raw AES key named `clinic`/`aes`."""

    version: int = 2
    suite: int = 0x0478
    context: bytes = b""
    keys: tuple[bytes, ...] | None = None
    content_type: int = 2
    frame_length: int = 16
    commitment: bytes | None = None
    header_iv: bytes = bytes(12)
    frames: tuple[FrameParts, ...] = (
        FrameParts(1, b"sixteen bytes...", False),
        FrameParts(2, b"and five", True),
    )
    tail: bytes = b""
    data_key: bytes = DATA_KEY
    tagged: Callable[[bytes], bytes] = field(default=lambda header: header)

    def but(self, **changes: Any) -> "Forger":
        return replace(self, **changes)

    def wrapped(self) -> bytes:
        iv = bytes(range(12))
        info = b"aes" + struct.pack(">II", 128, 12) + iv
        sealed = AESGCM(WRAPPING_KEY).encrypt(iv, self.data_key, self.context)
        return field16(b"clinic") + field16(info) + field16(sealed)

    def encode(self) -> bytes:
        suite = struct.pack(">H", self.suite)
        key = hkdf(self.data_key, MESSAGE_ID, suite + b"DERIVEKEY")
        commitment = hkdf(self.data_key, MESSAGE_ID, b"COMMITKEY")
        keys = (self.wrapped(),) if self.keys is None else self.keys
        header = bytes([self.version]) + suite + MESSAGE_ID + field16(self.context)
        header += struct.pack(">H", len(keys)) + b"".join(keys)
        header += bytes([self.content_type]) + struct.pack(">I", self.frame_length)
        header += commitment if self.commitment is None else self.commitment
        tag = AESGCM(key).encrypt(self.header_iv, b"", self.tagged(header))
        return header + tag + b"".join(frame.encode(key) for frame in self.frames) + self.tail


def context(*pairs: tuple[bytes, bytes], count: int | None = None) -> bytes:
    body = b"".join(field16(part) for pair in pairs for part in pair)
    return struct.pack(">H", len(pairs) if count is None else count) + body
