"""Explains a message without any key: each field with its place, its bytes and its meaning.

Nothing is decrypted and nothing is verified. If the bytes break the format, they are shown up to
that place, with the reason.
"""

from itertools import count, takewhile

from kmslab.byte_streams import FromMemory
from kmslab.crypto.backend import GCM_IV, GCM_TAG, Bytes
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.message import (
    FINAL,
    FieldReader,
    FrameKind,
    Header,
    final_frame,
    read_block,
    read_header,
    whole_frames,
)
from kmslab.envelope.suites import SUITES
from kmslab.field_map import BLUE, GREEN, GREY, ORANGE, PURPLE, YELLOW, Field, FieldKind, FieldMap


def _number(content: bytes) -> str:
    return f"{int.from_bytes(content, 'big'):,}"


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _name(content: bytes) -> str:
    """After a raw AES key's name come the lengths of tag and IV, and the IV."""
    name = "".join(takewhile(str.isprintable, _text(content)))
    rest = len(content) - len(name.encode())
    return f"{name}, and {rest} bytes that go with it" if rest > 0 else name


def _suite(content: bytes) -> str:
    suite = SUITES.get(int.from_bytes(content, "big"))
    if suite is None:
        return f"0x{content.hex()}: there is no such suite"
    kdf = suite.kdf or "no key derivation"
    commitment = "key commitment" if suite.commits else "no key commitment"
    signed = f"signed with {suite.signature.algorithm}" if suite.signature else "not signed"
    return f"{suite}: AES-{8 * suite.data_key}-GCM, {kdf}, {commitment}, {signed}"


def _frame_number(content: bytes) -> str:
    return "the final frame" if content == FINAL else _number(content)


LENGTH = FieldKind(GREY, _number)
FIELD_KINDS = {  # as in the pictures of an envelope: encrypted data keys green, encrypted data blue
    "format version": FieldKind(YELLOW, _number),
    "message type": FieldKind(YELLOW, "always the same"),
    "algorithm suite": FieldKind(YELLOW, _suite),
    "message id": FieldKind(YELLOW, "random; this message's keys are derived with it"),
    "context key": FieldKind(ORANGE, _text),
    "context value": FieldKind(ORANGE, _text),
    "key provider": FieldKind(GREEN, _text),
    "key name": FieldKind(GREEN, _name),
    "encrypted data key": FieldKind(GREEN, "only the holder of that key can open it"),
    "content type": FieldKind(YELLOW, lambda kind: "framed" if kind == b"\2" else "not framed"),
    "frame length": FieldKind(YELLOW, lambda size: f"{_number(size)} bytes of plaintext each"),
    "reserved field": FieldKind(YELLOW, "always zero"),
    "IV length": FieldKind(YELLOW, _number),
    "header IV": FieldKind(YELLOW, "always zero: the frames count from one"),
    "key commitment": FieldKind(PURPLE, "fits one data key only"),
    "header tag": FieldKind(PURPLE, "fits no other header, under this message's key"),
    "frame number": FieldKind(YELLOW, _frame_number),
    "number of final frame": FieldKind(YELLOW, _number),
    "IV": FieldKind(YELLOW, "the frame's number again"),
    "ciphertext": FieldKind(BLUE, "as long as its plaintext"),
    "tag": FieldKind(PURPLE, "fits no other frame, and this one in no other place"),
    "more frames": FieldKind(BLUE, "like the one before them"),
    "signature": FieldKind(PURPLE, "of everything before it; the public key is in the context"),
}


class MessageView(FieldMap):
    AFTER = ("frame number", "IV")


def inspect(message: Bytes) -> MessageView:
    """Explain a message without any key: its header byte by byte, its frames and its signature.

    The first and the final frame are shown. Nothing is verified. If the bytes are not a message,
    `.problem` says where and how they break the format.
    """
    recorder = _Recorder(FromMemory(message))
    try:
        _read_all(recorder)
    except NotAMessage as error:
        return MessageView(tuple(recorder.fields), f"at byte {recorder.taken:,}: {error}")
    return MessageView(tuple(recorder.fields), None)


class _Recorder(FieldReader):
    def __init__(self, source: FromMemory) -> None:
        super().__init__(source)
        self.fields: list[Field] = []

    def take(self, name: str, size: int) -> bytes:
        offset, content = self.taken, super().take(name, size)
        if size:
            kind = FIELD_KINDS.get(name, LENGTH)
            self.fields.append(Field(offset, name, content, size, kind))
        return content


def _read_all(recorder: _Recorder) -> None:
    header = read_header(recorder)
    recorder.expect("header IV", header.suite.format.header_iv)
    recorder.take("header tag", GCM_TAG)
    _body(recorder, header)
    if header.suite.signature:
        recorder.field("signature")
    recorder.expect_end()


def _body(recorder: _Recorder, header: Header) -> None:
    """If there are many frames, those between the first and the final one become one field."""
    first = 0
    for sequence in count(1):
        seen, began = len(recorder.fields), recorder.taken
        frame = _read_frame(recorder, header, sequence)
        recorder.take("ciphertext", frame.length)
        recorder.take("tag", GCM_TAG)
        if frame.final:
            return
        if sequence == 1:
            first = recorder.taken
        else:
            del recorder.fields[seen - (began > first) :]
            size, kind = recorder.taken - first, FIELD_KINDS["more frames"]
            recorder.fields.append(Field(first, "more frames", b"", size, kind))


def _read_frame(fields: FieldReader, header: Header, sequence: int) -> FrameKind:
    """The head of the frame that must come next. Its ciphertext and its tag follow."""
    if not header.frame_length:
        return read_block(fields, header)
    mark = fields.take("frame number", 4)
    kind, number = whole_frames(header), b""
    if mark == FINAL:
        number = fields.take("number of final frame", 4)
    head = mark + number + fields.take("IV", GCM_IV)
    if mark == FINAL:
        length = fields.take("length of final frame", 4)
        kind, head = final_frame(header, int.from_bytes(length, "big")), head + length
    if head != kind.frame(sequence)[0] or kind.length > header.frame_length:
        raise NotAMessage(f"this is not the head of frame {sequence:,}")
    return kind
