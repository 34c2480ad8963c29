"""How tables and errors are shown in a terminal and in a notebook."""

import shutil
import sys
import sysconfig
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

# A Korean letter may be written in two or three parts: the first alone takes room.
LATER_JAMO = frozenset(map(chr, [*range(0x1160, 0x1200), *range(0xD7B0, 0xD800)]))
UNITS = ((1e6, "s"), (1e3, "ms"), (1.0, "µs"), (1e-3, "ns"))
BELOW = "    "  # before cells that stand below their row
COLUMNS = 85  # of an error's text: as wide as a notebook's output on a projector


class PlainError(Exception):
    """An error whose text says what to do. A notebook shows it without paths or line numbers."""

    def _paragraphs(self) -> list[str]:
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]

    def _render_traceback_(self) -> list[str]:
        """For IPython: the name in bold and no colour, the text wrapped."""
        lines = [line for text in self._paragraphs() for line in _wrapped(text)]
        name = type(self).__name__
        return [lines[0].replace(name, f"\x1b[1m{name}\x1b[0m", 1), *lines[1:]]


def this_python() -> str:
    """How a shell starts the Python that runs this, for an error that says what to type."""
    return f'"{sys.executable}"' if " " in sys.executable else sys.executable


def this_command() -> str:
    """How a shell starts this `kmslab`: by its name, or by its Python if its path lacks that."""
    found = shutil.which("kmslab")
    if found and Path(found).parent == Path(sysconfig.get_path("scripts")):
        return "kmslab"
    return f"{this_python()} -m kmslab"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


class Table:
    """Rows of cells under headings. `str(table)` is its text; notebooks show it as Markdown."""

    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.headings = [str(heading) for heading in headings]
        self.rows = [[visible(str(cell)) for cell in row] for row in rows]

    def __repr__(self) -> str:
        return self.fitted(sys.maxsize)

    def fitted(self, width: int) -> str:
        """Its text for a terminal: the last cells of a row that is wider stand in a line below.

        No cell is cut; below, one that is wider than the terminal is wrapped.
        """
        widths = [
            max(map(columns, column)) for column in zip(self.headings, *self.rows, strict=True)
        ]
        heading, *lines = (_fitted(row, widths, width) for row in (self.headings, *self.rows))
        rule = "  ".join("─" * each for each in widths)
        return "\n".join([heading, rule[:width], *lines])

    def _repr_markdown_(self) -> str:
        rows = [self.headings, ["---"] * len(self.headings), *self.rows]
        return "\n".join("| " + " | ".join(map(escaped, row)) + " |" for row in rows)


def _fitted(row: Sequence[str], widths: Sequence[int], width: int) -> str:
    """From the first cell that ends beyond `width` on, all are below; never a row's first."""
    ends = [start + columns(cell) for start, cell in zip(_starts(widths), row, strict=True)]
    number = next((n for n, end in enumerate(ends) if n and end > width and row[n]), len(row))
    line, below = (
        "  ".join(map(padded, cells, sizes)).rstrip()
        for cells, sizes in ((row[:number], widths), (row[number:], widths[number:]))
    )
    more = textwrap.wrap(
        below,
        width,
        initial_indent=BELOW,
        subsequent_indent=BELOW,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join([line, *more])


def _starts(widths: Sequence[int]) -> Iterator[int]:
    """Where each column begins; two columns of the terminal are between them."""
    return accumulate((each + 2 for each in widths[:-1]), initial=0)


def terminal_width() -> int:
    """Of the terminal that the command prints to; 100 columns if it prints to something else."""
    return shutil.get_terminal_size((100, 24)).columns


def columns(cell: str) -> int:
    """How many columns of a terminal a cell takes: a Korean letter takes two."""
    return len(cell) if cell.isascii() else sum(map(_columns, cell))


def padded(cell: str, width: int) -> str:
    """With spaces after it, to `width` columns."""
    return cell + " " * (width - columns(cell))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me") or letter in LATER_JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def visible(cell: str) -> str:
    """Escapes what is not printable: a cell stays on one line, and cannot control a terminal."""
    if cell.isprintable():
        return cell
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cell)


def escaped(cell: str) -> str:
    """For Markdown: a pipe would end the cell, `<` could start HTML, `[` a link or an image.

    Two stars, as in `kms:Get*, kms:List*`, would put the words between them in italics.
    """
    for mark in "\\|[*`":
        cell = cell.replace(mark, "\\" + mark)
    return cell.replace("<", "&lt;")


def microseconds(value: float) -> str:
    """A time in a unit that fits, with at most three significant digits."""
    size, unit = next(((size, unit) for size, unit in UNITS if value >= size), UNITS[-1])
    return f"{float(f'{value / size:.3g}'):,g} {unit}"
