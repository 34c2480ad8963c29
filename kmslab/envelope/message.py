"""The message format of the AWS Encryption SDK: bytes to dataclasses and back, without any key.

A message is a header, then frames, then a footer if the suite signs. Integers are big-endian. The
two versions of the format differ in a few fields of the header, which `suites.Format` lists. An
unframed body, which only old writers made, is one block; kmslab reads it and does not write it.
Rule: there is one way to write a message, and reading accepts no other; only the order of a
context's pairs is free. Source: "AWS Encryption SDK message format reference", in its Developer
Guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Self

from kmslab.byte_streams import Buffer, ByteSource, FromMemory
from kmslab.crypto.backend import GCM_IV, GCM_TAG
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.suites import FORMATS, SUITES, Suite

MAX_COUNT = 2**16 - 1  # in a field of two bytes
MAX_FRAME_LENGTH = 2**31 - 1  # bytes
MAX_BLOCK_LENGTH = 2**36 - 32  # bytes that AES-GCM encrypts under one IV
MAX_HEADER_LENGTH = 2**27  # bytes; our own limit, as a header is in memory before it is verified
UNFRAMED, FRAMED = b"\x01", b"\x02"
CLIENT = b"AWSKMSEncryptionClient "
IV_START = bytes(GCM_IV - 4)  # before the frame's number
FINAL = b"\xff\xff\xff\xff"  # comes before the number of the final frame
FINAL_HEAD = len(FINAL) + 4 + GCM_IV + 4  # bytes before its ciphertext
MAX_FRAMES = 2**32 - 1  # only the final frame may have this number, which is also FINAL

RESERVED = "aws-crypto-"  # context keys that begin with it belong to the format itself
PUBLIC_KEY = "aws-crypto-public-key"


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


NO_CONTEXT = Context({}, b"")


@dataclass(frozen=True, slots=True, repr=False)
class Header:
    """A message's header. Anybody can read it; that of a decrypted message has been verified."""

    suite: Suite
    message_id: bytes
    context: Context
    keys: tuple[EncryptedDataKey, ...]
    frame_length: int  # bytes of plaintext in each frame except the final one; 0 if unframed
    commitment: bytes
    unstored: Context = NO_CONTEXT  # known to writer and reader, not in the message

    @property
    def full_context(self) -> Context:
        """What the data key and the header's tag are bound to."""
        if not self.unstored.pairs:
            return self.context  # in the writer's order
        return Context.of({**self.context.pairs, **self.unstored.pairs})

    def encode(self) -> bytes:
        """The bytes of the header up to its tag, exactly as they were read."""
        form = self.suite.format
        parts = (part for k in self.keys for part in (k.provider.encode(), k.info, k.ciphertext))
        return b"".join(
            [
                form.version.to_bytes(1, "big"),
                form.type,
                self.suite.id_bytes,
                self.message_id,
                _field(self.context.encoded),
                _count(len(self.keys)),
                *map(_field, parts),
                FRAMED if self.frame_length else UNFRAMED,
                form.reserved,
                form.iv_length,
                self.frame_length.to_bytes(4, "big"),
                self.commitment,
            ]
        )

    def __repr__(self) -> str:
        keys = ", ".join(map(str, self.keys))
        frames = f"frames of {self.frame_length:,} bytes" if self.frame_length else "unframed"
        return f"<Header suite {self.suite}, {frames}, key by {keys}>"


class FrameKind:
    """What frames with the same number of bytes have in common: all whole ones, or the final one.

    `bound`: the message and the kind; each frame is bound to them. `mark` and `end` begin and end
    the head of a final frame.
    """

    def __init__(self, length: int, bound: bytes, mark: bytes = b"", end: bytes = b"") -> None:
        self.length = length  # of the plaintext
        self.final = bool(end)
        self.head = len(mark) + 4 + GCM_IV + len(end)  # bytes before the ciphertext
        self.size = self.head + length + GCM_TAG
        self._bound, self._length = bound, length.to_bytes(8, "big")
        self._mark, self._end = mark, end

    def frame(self, sequence: int) -> tuple[bytes, bytes, bytes]:
        """Head, IV and AAD of the frame with this number.

        The AAD binds it to its message and its place: it cannot be moved, copied or left out.
        """
        number = sequence.to_bytes(4, "big")
        iv = IV_START + number
        return self._mark + number + iv + self._end, iv, self._bound + number + self._length


class Block(FrameKind):
    """The whole body of an unframed message. Its head has no number, and a longer length."""

    def frame(self, sequence: int) -> tuple[bytes, bytes, bytes]:
        _, iv, aad = super().frame(sequence)
        return iv + self._end, iv, aad


def whole_frames(header: Header) -> FrameKind:
    return FrameKind(header.frame_length, header.message_id + CLIENT + b"Frame")


def final_frame(header: Header, length: int) -> FrameKind:
    bound = header.message_id + CLIENT + b"Final Frame"
    return FrameKind(length, bound, FINAL, length.to_bytes(4, "big"))


def taken(source: ByteSource, size: int, buffer: Buffer) -> memoryview:
    """The next `size` bytes. Raises NotAMessage if there are fewer."""
    content = source.upto(size, buffer)
    if len(content) < size:
        raise NotAMessage(f"the message is cut off: {size - len(content):,} bytes are missing")
    return content


class FieldReader:
    """Reads a message field by field. Each field has a name, which `inspect` shows."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.taken = 0
        self._buffer = Buffer()

    def take(self, name: str, size: int) -> bytes:
        content = bytes(taken(self.source, size, self._buffer))
        self.taken += size
        return content

    def expect(self, name: str, content: bytes) -> None:
        """A field that has only one correct content."""
        if self.take(name, len(content)) != content:
            raise NotAMessage(f"the {name} is not {content.hex(' ')}")

    def expect_end(self) -> None:
        if self.source.upto(1, self._buffer):
            raise NotAMessage("there are bytes after the end of the message")

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


def begins_as_message(content: bytes) -> bool:
    """Whether these first bytes name a suite of the format: four bytes are enough."""
    try:
        _read_suite(FieldReader(FromMemory(content)))
    except NotAMessage:
        return False
    return True


def _read_suite(fields: FieldReader) -> Suite:
    form = FORMATS.get(fields.number("format version", 1))
    if form is None:
        raise NotAMessage("the format has the versions 1 and 2 only")
    fields.expect("message type", form.type)
    suite = SUITES.get(fields.number("algorithm suite", 2))
    if suite is None or suite.format is not form:
        raise NotAMessage("there is no such suite in this version of the format")
    return suite


def read_header(fields: FieldReader) -> Header:
    """The header without its tag. Nothing in it is verified yet."""
    suite = _read_suite(fields)
    form = suite.format
    message_id = fields.take("message id", form.message_id)
    context = _read_context(fields)
    keys = _read_keys(fields)
    content_type = fields.take("content type", 1)
    fields.expect("reserved field", form.reserved)
    fields.expect("IV length", form.iv_length)
    frame_length = fields.number("frame length", 4)
    if content_type not in (FRAMED, UNFRAMED) or (content_type == FRAMED) != (frame_length > 0):
        raise NotAMessage("content type and frame length do not fit together")
    if frame_length > MAX_FRAME_LENGTH:
        raise NotAMessage(f"a frame has 1 to {MAX_FRAME_LENGTH:,} bytes")
    commitment = fields.take("key commitment", form.commitment)
    return Header(suite, message_id, context, keys, frame_length, commitment)


def _read_context(fields: FieldReader) -> Context:
    size = fields.number("length of context", 2)
    if not size:
        return NO_CONTEXT
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


def read_block(fields: FieldReader, header: Header) -> Block:
    iv, length = fields.take("IV", GCM_IV), fields.take("length of body", 8)
    size = int.from_bytes(length, "big")
    block = Block(size, header.message_id + CLIENT + b"Single Block", end=length)
    if iv + length != block.frame(1)[0] or size > MAX_BLOCK_LENGTH:
        raise NotAMessage(f"an unframed body has IV 1 and at most {MAX_BLOCK_LENGTH:,} bytes")
    return block


def _count(number: int) -> bytes:
    if number > MAX_COUNT:
        raise ValueError(f"{number:,} is too much: this field holds at most {MAX_COUNT:,}")
    return number.to_bytes(2, "big")


def _field(content: bytes) -> bytes:
    return _count(len(content)) + content
