"""How things show themselves in a terminal and in a notebook: tables, and errors in plain text."""

import textwrap
from collections.abc import Sequence

COLUMNS = 85  # of an error's text; what a notebook's output shows on a projector


class PlainError(Exception):
    """An error whose text says what to do. A notebook shows it without paths or line numbers."""

    def _paragraphs(self) -> list[str]:
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]

    def _render_traceback_(self) -> list[str]:
        """For IPython: the name in bold and no colour, the text wrapped."""
        lines = [line for text in self._paragraphs() for line in _wrapped(text)]
        name = type(self).__name__
        return [lines[0].replace(name, f"\x1b[1m{name}\x1b[0m", 1), *lines[1:]]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


class Table:
    """Rows of cells under a heading each. `str(table)` is the text; notebooks show the Markdown."""

    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.headings = [str(heading) for heading in headings]
        self.rows = [[visible(str(cell)) for cell in row] for row in rows]

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.headings, *self.rows, strict=True)]
        rule = ["─" * width for width in widths]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.headings, rule, *self.rows)
        ]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        rows = [self.headings, ["---"] * len(self.headings), *self.rows]
        return "\n".join("| " + " | ".join(map(escaped, row)) + " |" for row in rows)


def visible(cell: str) -> str:
    """Whatever callers have written, a row is one line, and a terminal is told to do nothing."""
    if cell.isprintable():
        return cell
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cell)


def escaped(cell: str) -> str:
    """A pipe would end the cell, `<` could start HTML, and `[` a link, or a picture from afar.

    Of two stars, as in `kms:Get*, kms:List*`, Markdown would make one word in italics.
    """
    for mark in "\\|[*`":
        cell = cell.replace(mark, "\\" + mark)
    return cell.replace("<", "&lt;")
