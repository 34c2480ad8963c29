"""The message format of the AWS Encryption SDK: bytes to dataclasses and back, without any key.

A message is a header, then frames, then a footer if the suite signs. Integers are big-endian.
Rule: there is one way to write a message, and reading accepts no other; only the order of a
context's pairs is free. Source: "AWS Encryption SDK message format reference", in its Developer
Guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Self

from kmslab.crypto import CiphertextBlob
from kmslab.crypto.backend import GCM_IV
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.source import ByteSource
from kmslab.envelope.suites import SUITES, Suite

MAX_COUNT = 2**16 - 1  # in a field of two bytes
MAX_FRAME_LENGTH = 2**31 - 1  # bytes
MAX_HEADER_LENGTH = 2**27  # bytes; our own limit, as a header is in memory before it is verified
FRAMED = b"\x02"
FINAL = b"\xff\xff\xff\xff"  # comes before the number of the final frame
MAX_FRAMES = 2**32 - 1  # only the final frame may have this number, which is also FINAL
HEADER_IV = bytes(GCM_IV)  # the frames number their IVs from one

RESERVED = "aws-crypto-"  # context keys that begin with it belong to the format itself
PUBLIC_KEY = "aws-crypto-public-key"


class Message(CiphertextBlob):
    """A whole message: `bytes`, but shown as `<Message 1234 bytes>`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class EncryptedDataKey:
    """The data key under one wrapping key, and which key that is."""

    provider: str
    info: bytes
    ciphertext: bytes

    def __str__(self) -> str:
        """Which key wrapped it, for people to read: only the text at the beginning of `info`."""
        name = "".join(takewhile(str.isprintable, self.info.decode("utf-8", "replace")))
        provider = self.provider if self.provider.isprintable() else ascii(self.provider)
        return f"{provider[:100]} {name[:200]}"

    def __repr__(self) -> str:
        return f"<EncryptedDataKey {self}>"


@dataclass(frozen=True, slots=True)
class Context:
    """An encryption context, and the bytes of it that are authenticated."""

    pairs: Mapping[str, str]
    encoded: bytes

    @classmethod
    def of(cls, pairs: Mapping[str, str]) -> Self:
        """The pairs are sorted by the UTF-8 bytes of their keys, as the format asks of a writer."""
        fields = [_field(text.encode()) for key in sorted(pairs) for text in (key, pairs[key])]
        encoded = b"".join([_count(len(pairs)), *fields]) if pairs else b""
        if len(encoded) > MAX_COUNT:
            raise ValueError(
                f"the context takes {len(encoded):,} bytes; a message has room for {MAX_COUNT:,}"
            )
        return cls(dict(pairs), encoded)


@dataclass(frozen=True, slots=True, repr=False)
class Header:
    """A message's header. Anybody can read it; that of a decrypted message has been verified."""

    suite: Suite
    message_id: bytes
    context: Context
    keys: tuple[EncryptedDataKey, ...]
    frame_length: int  # bytes of plaintext in each frame except the final one
    commitment: bytes

    def encode(self) -> bytes:
        """The bytes that the header's tag authenticates, exactly as they were read."""
        parts = (part for k in self.keys for part in (k.provider.encode(), k.info, k.ciphertext))
        return b"".join(
            [
                self.suite.version.to_bytes(1, "big"),
                self.suite.id_bytes,
                self.message_id,
                _field(self.context.encoded),
                _count(len(self.keys)),
                *map(_field, parts),
                FRAMED,
                self.frame_length.to_bytes(4, "big"),
                self.commitment,
            ]
        )

    def __repr__(self) -> str:
        keys = ", ".join(map(str, self.keys))
        return f"<Header suite {self.suite}, frames of {self.frame_length:,} bytes, key by {keys}>"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame's place in the body: its number, and how many bytes of plaintext it has."""

    sequence: int
    length: int
    final: bool

    @property
    def iv(self) -> bytes:
        return self.sequence.to_bytes(GCM_IV, "big")

    @property
    def head(self) -> bytes:
        """The bytes before the ciphertext."""
        numbered = self.iv[-4:] + self.iv
        return FINAL + numbered + self.length.to_bytes(4, "big") if self.final else numbered

    def aad(self, message_id: bytes) -> bytes:
        """Binds the frame to its message and its place: it cannot be moved, copied or left out."""
        kind = b"AWSKMSEncryptionClient " + (b"Final Frame" if self.final else b"Frame")
        return message_id + kind + self.iv[-4:] + self.length.to_bytes(8, "big")


class FieldReader:
    """Reads a message field by field. Each field has a name, which `inspect` shows."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.taken = 0

    def take(self, name: str, size: int) -> bytes:
        content = bytes(self.source.take(size))
        self.taken += size
        return content

    def number(self, name: str, size: int) -> int:
        return int.from_bytes(self.take(name, size), "big")

    def field(self, name: str) -> bytes:
        """A field that comes after its length."""
        return self.take(name, self.number(f"length of {name}", 2))

    def text(self, name: str) -> str:
        try:
            return self.field(name).decode()
        except UnicodeDecodeError:
            pass
        raise NotAMessage(f"the {name} is not UTF-8")


def read_header(fields: FieldReader) -> Header:
    """The header without its tag. Nothing in it is verified yet."""
    version = fields.number("format version", 1)
    suite = SUITES.get(fields.number("algorithm suite", 2))
    if suite is None or suite.version != version:
        raise NotAMessage("kmslab does not read this suite in this version of the format")
    message_id = fields.take("message id", suite.message_id)
    context = _read_context(fields)
    keys = _read_keys(fields)
    if fields.take("content type", 1) != FRAMED:
        raise NotAMessage("the body is not framed")
    frame_length = fields.number("frame length", 4)
    if not 0 < frame_length <= MAX_FRAME_LENGTH:
        raise NotAMessage(f"a frame has 1 to {MAX_FRAME_LENGTH:,} bytes")
    commitment = fields.take("key commitment", suite.commitment)
    return Header(suite, message_id, context, keys, frame_length, commitment)


def _read_context(fields: FieldReader) -> Context:
    size = fields.number("length of context", 2)
    if not size:
        return Context({}, b"")
    end = fields.taken + size
    count = fields.number("number of pairs", 2)
    texts: list[str] = []
    while fields.taken < end:
        texts += [fields.text("context key"), fields.text("context value")]
    pairs = dict(zip(texts[::2], texts[1::2], strict=True))
    if fields.taken != end or not 0 < len(pairs) == count == len(texts) / 2:
        raise NotAMessage("the context's lengths do not add up, or a key occurs twice")
    return Context(pairs, _count(count) + b"".join(_field(text.encode()) for text in texts))


def _read_keys(fields: FieldReader) -> tuple[EncryptedDataKey, ...]:
    number = fields.number("number of encrypted data keys", 2)
    keys: list[EncryptedDataKey] = []
    while len(keys) < number:
        provider = fields.text("key provider")
        keys.append(
            EncryptedDataKey(provider, fields.field("key name"), fields.field("encrypted data key"))
        )
        if fields.taken > MAX_HEADER_LENGTH:
            raise NotAMessage(f"the header has more than {MAX_HEADER_LENGTH:,} bytes")
    if not keys:
        raise NotAMessage("the message has no encrypted data key, so no keyring can open it")
    return tuple(keys)


def read_frame(fields: FieldReader, header: Header, sequence: int) -> Frame:
    """The head of the frame that must come next. Its ciphertext and its tag follow."""
    mark = fields.take("frame number", 4)
    final = mark == FINAL
    head = mark + (fields.take("number of final frame", 4) if final else b"")
    head += fields.take("IV", GCM_IV)
    length = header.frame_length
    if final:
        length = fields.number("length of final frame", 4)
        head += length.to_bytes(4, "big")
    frame = Frame(sequence, length, final)
    if head != frame.head or length > header.frame_length:
        raise NotAMessage(f"this is not the head of frame {sequence:,}")
    return frame


def _count(number: int) -> bytes:
    if number > MAX_COUNT:
        raise ValueError(f"{number:,} is too much: this field holds at most {MAX_COUNT:,}")
    return number.to_bytes(2, "big")


def _field(content: bytes) -> bytes:
    return _count(len(content)) + content
