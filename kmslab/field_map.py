"""Bytes that are shown field by field, each with its place, its colour and its meaning."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import islice, takewhile

from kmslab.display import Table

INK = "#1a1a1a"  # on tints, so that it can be read in a dark theme, too
BLUE, GREEN, ORANGE, PURPLE, GREY = "#cfe6f7", "#cdeee0", "#ffdcc2", "#ecd3e4", "#e4e4e4"
YELLOW = "#fbf2bf"
HEADINGS = ("byte", "length", "field", "bytes", "meaning")
MAX_BYTES, MAX_LETTERS, MAX_ROWS = 8, 90, 100  # of a field; of a meaning; of the table
LINE, MAX_LINES = 32, 40  # bytes in a line of the map; lines of the map


@dataclass(frozen=True, slots=True)
class FieldKind:
    """How fields of one kind are shown."""

    colour: str
    meaning: str | Callable[[bytes], str]


MORE = FieldKind(GREY, "like those before them")


@dataclass(frozen=True, slots=True)
class Field:
    offset: int
    name: str
    content: bytes
    size: int
    kind: FieldKind

    @property
    def meaning(self) -> str:
        """In a few words. Text from the message is escaped, so that no terminal obeys it."""
        meaning = self.kind.meaning
        text = meaning if isinstance(meaning, str) else meaning(self.content)
        text = text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 1] + "…"
        return text if text.isprintable() else ascii(text)[1:-1]

    @property
    def hex(self) -> str:
        more = " …" if len(self.content) > MAX_BYTES else ""
        return self.content[:MAX_BYTES].hex(" ") + more


def _few(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Not more than people read, even if a header has a thousand keys."""
    if len(fields) <= MAX_ROWS:
        return fields
    before, after = fields[: MAX_ROWS - 20], fields[-20:]
    gap = before[-1].offset + before[-1].size
    return (*before, Field(gap, "more fields", b"", after[0].offset - gap, MORE), *after)


class FieldMap:
    """Bytes, field by field: a table in a terminal, and a coloured map in a notebook."""

    WHAT = "message"  # it is
    AFTER: Collection[str] = ()  # names of fields at which the map ends, since more would not help

    def __init__(self, fields: tuple[Field, ...], problem: str | None) -> None:
        self.fields = fields
        self.problem = problem  # where and how the bytes break the format, or None

    def table(self) -> Table:
        rows = [
            [f"{f.offset:,}", f"{f.size:,}", f.name, f.hex, f.meaning] for f in _few(self.fields)
        ]
        if self.problem:
            rows.append(["", "", f"not a {self.WHAT}", "", self.problem])
        return Table(HEADINGS, rows)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        """The first bytes, and each field in its colour. It loads nothing and has no scripts."""
        problem = f"<p><b>Not a {self.WHAT}:</b> {escape(self.problem or '')}</p>"
        shown = takewhile(lambda field: field.name not in self.AFTER, self.fields)
        return f"{_map(shown)}{_legend(_few(self.fields))}{problem if self.problem else ''}"


CELL = f"color:{INK};font-family:monospace;padding:1px 3px;background-color:"
EDGE = f"border-left:2px solid {INK};"


def _map(fields: Iterable[Field]) -> str:
    """A hex dump, with a bar where a field begins."""
    cells = list(islice(_cells(fields), LINE * MAX_LINES))
    lines = "".join(
        f'<tr><td style="font-family:monospace;text-align:right">{start}</td>'
        f"{''.join(cells[start : start + LINE])}</tr>"
        for start in range(0, len(cells), LINE)
    )
    return f'<table style="border-spacing:0">{lines}</table>'


def _cells(fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        for place, value in enumerate(field.content):
            style = CELL + field.kind.colour + ";" + ("" if place else EDGE)
            yield f'<td style="{style}" title="{field.name}">{value:02x}</td>'


def _chip(field: Field) -> str:
    style = CELL + field.kind.colour
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
