"""How things show themselves in a terminal and in a notebook: tables, and errors in plain text."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

# They derive from random key material, so a table that must look the same twice leaves them out.
MATERIAL_IDS = frozenset({"CurrentKeyMaterialId", "KeyMaterialId", "keyMaterialId"})

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


class Metadata(dict[str, Any]):
    """A key's metadata: AWS's KeyMetadata, a dict that shows itself as a table."""

    def table(self, *, material_ids: bool = False) -> Table:
        members = [m for m in self if material_ids or m not in MATERIAL_IDS]
        return Table(["metadata", "value"], [[m, _plain(self[m])] for m in members])

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


class Trail(list[dict[str, Any]]):
    """What happened, in CloudTrail's form: a list of events that shows itself as a table."""

    def table(self, *, material_ids: bool = False) -> Table:
        headings = ["time (UTC)", "who", "did", "key", "context", "outcome"]
        if material_ids:
            headings.append("key material")
        return Table(headings, [_event_row(event)[: len(headings)] for event in self])

    def about(self, text: str) -> "Trail":
        """The events in which this text stands anywhere: a name, a key's id, a record's number."""
        return Trail(event for event in self if text in json.dumps(event, ensure_ascii=False))

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


def _event_row(event: Mapping[str, Any]) -> list[str]:
    keys = [arn["ARN"].rpartition(":")[2] for arn in event["resources"]]
    parameters = event["requestParameters"] or {}
    contexts = [
        value for name, value in parameters.items() if name.lower().endswith("encryptioncontext")
    ]
    return [
        event["eventTime"].replace("T", " ").rstrip("Z"),
        _who(event["userIdentity"]),
        event["eventName"],
        ", ".join(keys),
        " → ".join(", ".join(f"{name}={value}" for name, value in c.items()) for c in contexts),
        event.get("errorCode", "ok"),
        event.get("additionalEventData", {}).get("keyMaterialId", ""),
    ]


def _who(identity: Mapping[str, Any]) -> str:
    """A user by name; a service as itself, or behind the one for whom it has called."""
    service = identity.get("invokedBy", "")
    if identity.get("type", "AWSService") == "AWSService":
        return str(service)
    name = identity.get("userName") or identity["type"]
    if name == "AWSAccount":
        name = f"account {identity['accountId']}"
    return f"{name} via {service.partition('.')[0]}" if service else name


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if hasattr(value, "strftime") else str(value)


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
