"""Statements in the driver's own words: SQLAlchemy writes each one once, and is then left out.

Its work on a statement takes some ten times as long as SQLite's. So commits, which are a few small
statements each, go to the driver's cursor. Reads are rarer, because records are cached.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Dialect


class Words(NamedTuple):
    """A statement as a driver takes it, with its parameters in order or by name."""

    sql: str
    names: list[str]
    ordered: bool


class Cursor:
    """A driver's cursor in one transaction."""

    def __init__(self, cursor: Any, dialect: Dialect) -> None:
        self._cursor = cursor
        self._dialect = dialect

    def run(self, statement: Any, values: Mapping[str, Any]) -> int:
        """Returns how many rows the statement has changed."""
        sql, names, ordered = _words(statement, self._dialect)
        self._cursor.execute(sql, [values[name] for name in names] if ordered else values)
        changed: int = self._cursor.rowcount
        return changed

    def run_all(self, statement: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Run it with each of these rows: the values in the order of the table's columns."""
        sql, names, ordered = _words(statement, self._dialect)
        by_name = () if ordered else [dict(zip(names, row, strict=True)) for row in rows]
        self._cursor.executemany(sql, by_name or rows)

    def one(self, statement: Any, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """The row that the statement finds, if there is one."""
        self.run(statement, values)
        rows: Sequence[Sequence[Any]] = self._cursor.fetchall()  # SQLite reads on until the end
        return rows[0] if rows else None


_known: dict[tuple[Any, str], Words] = {}  # by the statement and the database's name


def _words(statement: Any, dialect: Dialect) -> Words:
    words = _known.get((statement, dialect.name))
    if words is None:
        columns = None
        if statement.is_insert:  # a number that the database counts up is left to it
            table = statement.table
            columns = [each.name for each in table.c if each is not table.autoincrement_column]
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        names = compiled.positiontup if compiled.positional else compiled.params
        words = Words(str(compiled), list(names), compiled.positional)
        _known[statement, dialect.name] = words
    return words
