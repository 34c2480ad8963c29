"""What a message says to those without a key: each field with its place, its bytes, its meaning.

Nothing is opened and nothing verified. A message that leaves the format is shown up to that byte,
with the reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import count, islice, takewhile

from kmslab.crypto.backend import GCM_TAG, Bytes
from kmslab.display import Table
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.message import FINAL, Header, Walk, read_frame, read_header
from kmslab.envelope.source import InMemory
from kmslab.envelope.suites import SUITES

INK = "#1a1a1a"  # on tints: legible whatever the theme behind them
# As in a picture of an envelope, the encrypted data key is green and the sealed data blue.
BLUE, GREEN, ORANGE, PURPLE, GREY = "#cfe6f7", "#cdeee0", "#ffdcc2", "#ecd3e4", "#e4e4e4"
YELLOW = "#fbf2bf"
HEADINGS = ("byte", "length", "field", "bytes", "meaning")
SHOWN, LETTERS, MOST_ROWS = 8, 90, 100  # bytes of a field; letters of a meaning; fields in all
LINE, MOST_LINES = 32, 40  # bytes of a map's line; lines of a map


@dataclass(frozen=True, slots=True)
class Field:
    offset: int
    name: str
    content: bytes
    size: int

    @property
    def meaning(self) -> str:
        """In a few words. Text that others wrote is one line, and commands no terminal."""
        text = _kind(self.name).meaning(self.content)
        text = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
        return text if text.isprintable() else ascii(text)[1:-1]

    @property
    def hex(self) -> str:
        more = " …" if len(self.content) > SHOWN else ""
        return self.content[:SHOWN].hex(" ") + more


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field is for."""

    colour: str
    meaning: Callable[[bytes], str]


def _number(content: bytes) -> str:
    return f"{int.from_bytes(content, 'big'):,}"


def _words(text: str) -> Callable[[bytes], str]:
    return lambda content: text


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _name(content: bytes) -> str:
    """A raw AES key's is followed by the lengths of its tag and its IV, and the IV."""
    name = "".join(takewhile(str.isprintable, _text(content)))
    rest = len(content) - len(name.encode())
    return f"{name}, and {rest} bytes that go with it" if rest > 0 else name


def _suite(content: bytes) -> str:
    suite = SUITES.get(int.from_bytes(content, "big"))
    if suite is None:
        return f"0x{content.hex()}: none that kmslab reads"
    signed = f", signed with {suite.signature.algorithm}" if suite.signature else ", not signed"
    return f"{suite}: AES-256-GCM, {suite.kdf}, key commitment{signed}"


def _frame_number(content: bytes) -> str:
    return "the final frame" if content == FINAL else _number(content)


LENGTH = Kind(GREY, _number)
KINDS = {
    "format version": Kind(YELLOW, _number),
    "algorithm suite": Kind(YELLOW, _suite),
    "message id": Kind(YELLOW, _words("random; this message's keys are derived with it")),
    "context key": Kind(ORANGE, _text),
    "context value": Kind(ORANGE, _text),
    "key provider": Kind(GREEN, _text),
    "key name": Kind(GREEN, _name),
    "encrypted data key": Kind(GREEN, _words("only the holder of that key can open it")),
    "content type": Kind(YELLOW, lambda content: "framed" if content == b"\2" else "not framed"),
    "frame length": Kind(YELLOW, lambda content: f"{_number(content)} bytes of plaintext each"),
    "key commitment": Kind(PURPLE, _words("fits one data key alone")),
    "header tag": Kind(PURPLE, _words("fits no other header, under this message's key")),
    "frame number": Kind(YELLOW, _frame_number),
    "number of final frame": Kind(YELLOW, _number),
    "IV": Kind(YELLOW, _words("the nonce: the frame's number again")),
    "ciphertext": Kind(BLUE, lambda content: "as long as its plaintext"),
    "tag": Kind(PURPLE, _words("fits no other frame, and this one in no other place")),
    "more frames": Kind(BLUE, _words("like the one before them")),
    "more fields": Kind(GREY, _words("like those before them")),
    "signature": Kind(PURPLE, _words("of everything before it; its key stands in the context")),
}


def _kind(name: str) -> Kind:
    return KINDS.get(name, LENGTH)


def _few(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """As many as people read: who has put a thousand keys into a header knows what they are."""
    if len(fields) <= MOST_ROWS:
        return fields
    before, after = fields[: MOST_ROWS - 20], fields[-20:]
    gap = before[-1].offset + before[-1].size
    return (*before, Field(gap, "more fields", b"", after[0].offset - gap), *after)


class View:
    """A message, field by field: a table in a terminal, with a coloured map in a notebook."""

    def __init__(self, fields: tuple[Field, ...], problem: str | None) -> None:
        self.fields = fields
        self.problem = problem  # where and why it is no message any more

    def table(self) -> Table:
        rows = [
            [f"{f.offset:,}", f"{f.size:,}", f.name, f.hex, f.meaning] for f in _few(self.fields)
        ]
        if self.problem:
            rows.append(["", "", "no message", "", self.problem])
        return Table(HEADINGS, rows)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        """The bytes of the header, and each field in its colour. Nothing from afar, no scripts."""
        problem = f"<p><b>No message:</b> {escape(self.problem)}</p>" if self.problem else ""
        return f"{_map(self.fields)}{_legend(_few(self.fields))}{problem}"


def inspect(message: Bytes) -> View:
    """Explain a message without any key: its header byte by byte, its frames and its signature.

    Of its frames the first and the last are shown. What the bytes claim is not verified, and for
    any other bytes the view says in `.problem` where they are no message.
    """
    walk = _Recorder(InMemory(message))
    try:
        _walk_through(walk)
    except NotAMessage as error:
        return View(tuple(walk.fields), f"at byte {walk.taken:,}: {error}")
    return View(tuple(walk.fields), None)


class _Recorder(Walk):
    def __init__(self, source: InMemory) -> None:
        super().__init__(source)
        self.fields: list[Field] = []

    def take(self, name: str, size: int) -> bytes:
        offset, content = self.taken, super().take(name, size)
        if size:
            self.fields.append(Field(offset, name, content, size))
        return content


def _walk_through(walk: _Recorder) -> None:
    header = read_header(walk)
    walk.take("header tag", GCM_TAG)
    _body(walk, header)
    if header.suite.signature:
        walk.field("signature")
    if walk.source.upto(1):
        raise NotAMessage("there are bytes after the end of the message")


def _body(walk: _Recorder, header: Header) -> None:
    """Of many frames, those between the first and the final one become one field."""
    first = 0
    for sequence in count(1):
        seen, began = len(walk.fields), walk.taken
        frame = read_frame(walk, header, sequence)
        walk.take("ciphertext", frame.length)
        walk.take("tag", GCM_TAG)
        if frame.final:
            return
        if sequence == 1:
            first = walk.taken
        else:
            del walk.fields[seen - (began > first) :]
            walk.fields.append(Field(first, "more frames", b"", walk.taken - first))


# ------------------------------------------------------------------------------------------- html

CELL = f"color:{INK};font-family:monospace;padding:1px 3px;background-color:"
EDGE = f"border-left:2px solid {INK};"


def _map(fields: tuple[Field, ...]) -> str:
    """The header as in a hex dump; a bar stands where a field begins."""
    cells = list(islice(_cells(fields), LINE * MOST_LINES))
    lines = "".join(
        f'<tr><td style="font-family:monospace;text-align:right">{start}</td>'
        f"{''.join(cells[start : start + LINE])}</tr>"
        for start in range(0, len(cells), LINE)
    )
    return f'<table style="border-spacing:0">{lines}</table>'


def _cells(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        if field.name == "frame number":
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
