"""The message format of the AWS Encryption SDK: bytes to dataclasses and back, and no keys.

A message is a header, frames, and in signed suites a footer. Rule: what a reader takes is what a
writer writes, to the byte; only the order of a context's pairs is the writer's own. Integers are
big-endian. Source: "AWS Encryption SDK message format reference", in its Developer Guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Self

from kmslab.crypto import CiphertextBlob
from kmslab.crypto.backend import GCM_IV
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.source import Source
from kmslab.envelope.suites import SUITES, Suite

MOST = 2**16 - 1  # of what a field of two bytes counts
LONGEST_FRAME = 2**31 - 1  # bytes
LONGEST_HEADER = 2**27  # bytes: it lies in memory before anybody has verified it. Not the format's
FRAMED = b"\x02"
FINAL = b"\xff\xff\xff\xff"  # stands before the number of the final frame
MOST_FRAMES = 2**32 - 1  # of which the final one alone may have the number that FINAL is
HEADER_IV = bytes(GCM_IV)  # the frames count theirs from one

RESERVED = "aws-crypto-"  # begins the keys that the format itself puts into a context
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
        """Who wrapped it, for people: the name ends where bytes begin that are no text."""
        name = "".join(takewhile(str.isprintable, self.info.decode("utf-8", "replace")))
        provider = self.provider if self.provider.isprintable() else ascii(self.provider)
        return f"{provider[:100]} {name[:200]}"

    def __repr__(self) -> str:
        return f"<EncryptedDataKey {self}>"


@dataclass(frozen=True, slots=True)
class Context:
    """An encryption context, and its bytes, which are authenticated wherever it is."""

    pairs: Mapping[str, str]
    encoded: bytes

    @classmethod
    def of(cls, pairs: Mapping[str, str]) -> Self:
        """In the one order that the format has: by the keys' UTF-8 bytes."""
        fields = [_field(text.encode()) for key in sorted(pairs) for text in (key, pairs[key])]
        encoded = b"".join([_count(len(pairs)), *fields]) if pairs else b""
        if len(encoded) > MOST:
            raise ValueError(
                f"the context takes {len(encoded):,} bytes; there is room for {MOST:,}"
            )
        return cls(dict(pairs), encoded)


@dataclass(frozen=True, slots=True, repr=False)
class Header:
    """What a message says of itself. Anybody can read it; a decrypted message's was verified."""

    suite: Suite
    message_id: bytes
    context: Context
    keys: tuple[EncryptedDataKey, ...]
    frame_length: int  # bytes of plaintext in each frame but the last
    commitment: bytes

    def encode(self) -> bytes:
        """The bytes that the header's tag authenticates: of a header that was read, the same."""
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
        """What stands before the ciphertext."""
        numbered = self.iv[-4:] + self.iv
        return FINAL + numbered + self.length.to_bytes(4, "big") if self.final else numbered

    def aad(self, message_id: bytes) -> bytes:
        """Binds the frame to its message and place: none can be moved, copied or left out."""
        kind = b"AWSKMSEncryptionClient " + (b"Final Frame" if self.final else b"Frame")
        return message_id + kind + self.iv[-4:] + self.length.to_bytes(8, "big")


class Walk:
    """Takes a message apart from its front, each field by its name, which `inspect` shows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.taken = 0

    def take(self, name: str, size: int) -> bytes:
        content = bytes(self.source.take(size))
        self.taken += size
        return content

    def number(self, name: str, size: int) -> int:
        return int.from_bytes(self.take(name, size), "big")

    def field(self, name: str) -> bytes:
        """What stands behind its length."""
        return self.take(name, self.number(f"length of {name}", 2))

    def text(self, name: str) -> str:
        try:
            return self.field(name).decode()
        except UnicodeDecodeError:
            pass
        raise NotAMessage(f"the {name} is not UTF-8")


def read_header(walk: Walk) -> Header:
    """The header without its tag. Nothing in it is verified yet."""
    version = walk.number("format version", 1)
    suite = SUITES.get(walk.number("algorithm suite", 2))
    if suite is None or suite.version != version:
        raise NotAMessage("no suite that kmslab reads, in its version of the format")
    message_id = walk.take("message id", suite.message_id)
    context = _read_context(walk)
    keys = _read_keys(walk)
    if walk.take("content type", 1) != FRAMED:
        raise NotAMessage("the body is not framed")
    frame_length = walk.number("frame length", 4)
    if not 0 < frame_length <= LONGEST_FRAME:
        raise NotAMessage(f"a frame has 1 to {LONGEST_FRAME:,} bytes")
    commitment = walk.take("key commitment", suite.commitment)
    return Header(suite, message_id, context, keys, frame_length, commitment)


def _read_context(walk: Walk) -> Context:
    size = walk.number("length of context", 2)
    if not size:
        return Context({}, b"")
    end = walk.taken + size
    count = walk.number("number of pairs", 2)
    texts: list[str] = []
    while walk.taken < end:
        texts += [walk.text("context key"), walk.text("context value")]
    pairs = dict(zip(texts[::2], texts[1::2], strict=True))
    if walk.taken != end or not 0 < len(pairs) == count == len(texts) / 2:
        raise NotAMessage("the context's lengths do not fit together, or a key is there twice")
    return Context(pairs, _count(count) + b"".join(_field(text.encode()) for text in texts))


def _read_keys(walk: Walk) -> tuple[EncryptedDataKey, ...]:
    number = walk.number("number of encrypted data keys", 2)
    keys: list[EncryptedDataKey] = []
    while len(keys) < number:
        provider = walk.text("key provider")
        keys.append(
            EncryptedDataKey(provider, walk.field("key name"), walk.field("encrypted data key"))
        )
        if walk.taken > LONGEST_HEADER:
            raise NotAMessage(f"a header of more than {LONGEST_HEADER:,} bytes")
    if not keys:
        raise NotAMessage("no encrypted data key, so nobody could open it")
    return tuple(keys)


def read_frame(walk: Walk, header: Header, sequence: int) -> Frame:
    """The head of the frame that must come next; its ciphertext and tag follow."""
    mark = walk.take("frame number", 4)
    final = mark == FINAL
    head = mark + (walk.take("number of final frame", 4) if final else b"")
    head += walk.take("IV", GCM_IV)
    length = header.frame_length
    if final:
        length = walk.number("length of final frame", 4)
        head += length.to_bytes(4, "big")
    frame = Frame(sequence, length, final)
    if head != frame.head or length > header.frame_length:
        raise NotAMessage(f"not the head of frame {sequence:,}")
    return frame


def _count(number: int) -> bytes:
    if number > MOST:
        raise ValueError(f"{number:,} are too many: a message counts to {MOST:,}")
    return number.to_bytes(2, "big")


def _field(content: bytes) -> bytes:
    return _count(len(content)) + content
