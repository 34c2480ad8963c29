"""A whole store as a stream of rows, in no database's own format.

Rule: a copy is one state of the store, though others write meanwhile, and it describes itself. It
begins with its schema: the tables, and the types of their columns. Never more than a page is in
memory. `restoring` makes a store of it again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    bindparam,
    select,
)

from kmslab.kms.contract.records import R
from kmslab.kms.store.events import EVENTS
from kmslab.kms.store.schema import METADATA, ROWS, VERSION
from kmslab.kms.store.store import Store

PAGE = 1_000  # rows that are read together
assert EVENTS.metadata is METADATA  # the events are copied too
Item = Mapping[str, Any] | list[Any]  # the schema, a table's name, or a row of that table


class Snapshot:
    """One state of a store, to read it or to copy it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, kind: type[R], name: str) -> R | None:
        row = self._connection.execute(ROWS[kind].one, {"at_name": name}).one_or_none()
        return ROWS[kind].decode(row) if row else None

    def items(self) -> Iterator[Item]:
        tables = [*METADATA.tables.values()]
        yield {"schema": VERSION, "tables": {table.name: _columns(table) for table in tables}}
        for table in tables:
            yield {"table": table.name}
            yield from self._rows(table)

    def _rows(self, table: Table) -> Iterator[list[Any]]:
        """Page by page: a driver may fetch all rows of one statement at once."""
        names = [*table.primary_key]
        if not names:
            yield from map(list, self._connection.execute(select(table)))
            return
        [name] = names
        at = [*table.c].index(name)
        query = select(table).where(name > bindparam("after")).order_by(name).limit(PAGE)
        after: Any = -1 if isinstance(name.type, BigInteger) else ""
        while rows := self._connection.execute(query, {"after": after}).all():
            yield from map(list, rows)
            after = rows[-1][at]


@contextmanager
def snapshot(store: Store) -> Iterator[Snapshot]:
    with store._database.snapshot() as connection:
        yield Snapshot(connection)


def _columns(table: Table) -> list[list[Any]]:
    return [
        [column.name, _type(column), bool(column.nullable), bool(column.primary_key)]
        for column in table.c
    ]


def _type(column: Column[Any]) -> str:
    if isinstance(column.type, String):
        return "name" if column.primary_key else "text"
    if isinstance(column.type, LargeBinary):
        return "bytes"
    if isinstance(column.type, Boolean):
        return "boolean"
    return "number" if column.primary_key else "integer"
