"""Explains a message without any key: each field with its place, its bytes and its meaning.

Nothing is decrypted and nothing is verified. If the bytes break the format, they are shown up to
that place, with the reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import count, islice, takewhile

from kmslab.crypto.backend import GCM_TAG, Bytes
from kmslab.display import Table
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.message import FINAL, FieldReader, Header, read_frame, read_header
from kmslab.envelope.source import FromMemory
from kmslab.envelope.suites import SUITES

INK = "#1a1a1a"  # on tints, so that it can be read in a dark theme, too
# As in the pictures of an envelope, encrypted data keys are green and encrypted data is blue.
BLUE, GREEN, ORANGE, PURPLE, GREY = "#cfe6f7", "#cdeee0", "#ffdcc2", "#ecd3e4", "#e4e4e4"
YELLOW = "#fbf2bf"
HEADINGS = ("byte", "length", "field", "bytes", "meaning")
MAX_BYTES, MAX_LETTERS, MAX_ROWS = 8, 90, 100  # of a field; of a meaning; of the table
LINE, MAX_LINES = 32, 40  # bytes in a line of the map; lines of the map


@dataclass(frozen=True, slots=True)
class Field:
    offset: int
    name: str
    content: bytes
    size: int

    @property
    def meaning(self) -> str:
        """In a few words. Text from the message is escaped, so that no terminal obeys it."""
        meaning = _kind(self.name).meaning
        text = meaning if isinstance(meaning, str) else meaning(self.content)
        text = text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 1] + "…"
        return text if text.isprintable() else ascii(text)[1:-1]

    @property
    def hex(self) -> str:
        more = " …" if len(self.content) > MAX_BYTES else ""
        return self.content[:MAX_BYTES].hex(" ") + more


@dataclass(frozen=True, slots=True)
class FieldKind:
    """How fields of one kind are shown."""

    colour: str
    meaning: str | Callable[[bytes], str]


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
FIELD_KINDS = {
    "format version": FieldKind(YELLOW, _number),
    "message type": FieldKind(YELLOW, "always the same"),
    "algorithm suite": FieldKind(YELLOW, _suite),
    "message id": FieldKind(YELLOW, "random; this message's keys are derived with it"),
    "context key": FieldKind(ORANGE, _text),
    "context value": FieldKind(ORANGE, _text),
    "key provider": FieldKind(GREEN, _text),
    "key name": FieldKind(GREEN, _name),
    "encrypted data key": FieldKind(GREEN, "only the holder of that key can open it"),
    "content type": FieldKind(
        YELLOW, lambda content: "framed" if content == b"\2" else "not framed"
    ),
    "frame length": FieldKind(
        YELLOW, lambda content: f"{_number(content)} bytes of plaintext each"
    ),
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
    "more fields": FieldKind(GREY, "like those before them"),
    "signature": FieldKind(PURPLE, "of everything before it; the public key is in the context"),
}


def _kind(name: str) -> FieldKind:
    return FIELD_KINDS.get(name, LENGTH)


def _few(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Not more than people read, even if a header has a thousand keys."""
    if len(fields) <= MAX_ROWS:
        return fields
    before, after = fields[: MAX_ROWS - 20], fields[-20:]
    gap = before[-1].offset + before[-1].size
    return (*before, Field(gap, "more fields", b"", after[0].offset - gap), *after)


class MessageView:
    """A message, field by field: a table in a terminal, and a coloured map in a notebook."""

    def __init__(self, fields: tuple[Field, ...], problem: str | None) -> None:
        self.fields = fields
        self.problem = problem  # where and how the bytes break the format, or None

    def table(self) -> Table:
        rows = [
            [f"{f.offset:,}", f"{f.size:,}", f.name, f.hex, f.meaning] for f in _few(self.fields)
        ]
        if self.problem:
            rows.append(["", "", "not a message", "", self.problem])
        return Table(HEADINGS, rows)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        """The header's bytes, and each field in its colour. It loads nothing and has no scripts."""
        problem = f"<p><b>Not a message:</b> {escape(self.problem)}</p>" if self.problem else ""
        return f"{_map(self.fields)}{_legend(_few(self.fields))}{problem}"


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
            self.fields.append(Field(offset, name, content, size))
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
        frame = read_frame(recorder, header, sequence)
        recorder.take("ciphertext", frame.length)
        recorder.take("tag", GCM_TAG)
        if frame.final:
            return
        if sequence == 1:
            first = recorder.taken
        else:
            del recorder.fields[seen - (began > first) :]
            recorder.fields.append(Field(first, "more frames", b"", recorder.taken - first))


# ------------------------------------------------------------------------------------------- html

CELL = f"color:{INK};font-family:monospace;padding:1px 3px;background-color:"
EDGE = f"border-left:2px solid {INK};"


def _map(fields: tuple[Field, ...]) -> str:
    """The header as a hex dump, with a bar where a field begins."""
    cells = list(islice(_cells(fields), LINE * MAX_LINES))
    lines = "".join(
        f'<tr><td style="font-family:monospace;text-align:right">{start}</td>'
        f"{''.join(cells[start : start + LINE])}</tr>"
        for start in range(0, len(cells), LINE)
    )
    return f'<table style="border-spacing:0">{lines}</table>'


def _cells(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        if field.name in ("frame number", "IV"):
            return
        for place, value in enumerate(field.content):
            style = CELL + _kind(field.name).colour + ";" + ("" if place else EDGE)
            yield f'<td style="{style}" title="{field.name}">{value:02x}</td>'


def _chip(field: Field) -> str:
    style = CELL + _kind(field.name).colour
    return f'<span style="{style}">{field.hex}</span>' if field.content else ""


def _legend(fields: tuple[Field, ...]) -> str:
    rows = "".join(
        f'<tr><td style="text-align:right">{field.offset:,}</td>'
        f'<td style="text-align:right">{field.size:,}</td>'
        f'<td style="text-align:left">{field.name}</td>'
        f'<td style="text-align:left;white-space:nowrap">{_chip(field)}</td>'
        f'<td style="text-align:left">{escape(field.meaning)}</td></tr>'
        for field in fields
    )
    headings = "".join(f'<th style="text-align:left">{heading}</th>' for heading in HEADINGS)
    return f"<table><tr>{headings}</tr>{rows}</table>"
