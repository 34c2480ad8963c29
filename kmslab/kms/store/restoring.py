"""A new store from a copy (`copying`): all of it or nothing, and never over one that is there.

Rule: the copy's own schema is made first and filled, then brought up to date as an old store would
be. So a newer kmslab restores what an older one has copied, on another database too.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
)

from kmslab.kms.store import sqlite
from kmslab.kms.store.copying import PAGE, Item
from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.files import JOURNAL, beside
from kmslab.kms.store.migrations import prepare
from kmslab.kms.store.opening import database_at, file_of
from kmslab.kms.store.schema import METADATA, ORDERED, VERSION
from kmslab.kms.store.sql import Database
from kmslab.kms.store.store import Store

# What a column is made as again, by the names that `copying` gives to types.
TYPES: dict[str, Any] = {
    "name": ORDERED,
    "text": String(),
    "number": BigInteger().with_variant(Integer(), "sqlite"),
    "integer": BigInteger(),
    "boolean": Boolean(),
    "bytes": LargeBinary(),
}


@contextmanager
def filled(url: str, items: Iterable[Item]) -> Iterator[Store]:
    """A new store at `url`, made from a copy. Raises `StoreError` if anything is there already.

    In a file, it is at `url` only when the block ends without an error.
    """
    with _new(url) as database:
        try:
            with database.writing, database.transaction() as connection:
                _fill(connection, iter(items))
                database.number_on(connection)
            database.prepare()
            store = Store(database)
        except BaseException:
            database.close("It was not restored.")
            raise
        try:
            yield store
        finally:
            store.close()


@contextmanager
def _new(url: str) -> Iterator[Database]:
    """At a server, the transaction itself leaves nothing behind if it fails."""
    path = file_of(url)
    if path is None:
        yield database_at(url)
        return
    for each in (path, beside(path, "-wal"), beside(path, JOURNAL)):
        if os.path.lexists(each):
            raise StoreError(f"{each} is there already. Restore to another place.")
    if not path.parent.is_dir():
        raise StoreError(f"The directory {path.parent} does not exist. Make it first.")
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.kmslab-", dir=path.parent))
    try:
        made = folder / path.name
        yield sqlite.in_file(made)
        _give_name(made, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _give_name(made: Path, path: Path) -> None:
    """A hard link never replaces a file, as a rename does."""
    with open(made, "r+b") as file:
        os.fsync(file.fileno())
    try:
        os.link(made, path)
    except FileExistsError:
        raise StoreError(f"{path} is there already. Restore to another place.") from None
    except OSError:  # a file system without hard links
        os.rename(made, path)
    with suppress(OSError):  # not on Windows
        number = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _fill(connection: Connection, items: Iterator[Item]) -> None:
    if inspect(connection).get_table_names():
        raise StoreError("There is a store at this place already. Restore to an empty database.")
    schema = next(items)
    assert isinstance(schema, Mapping)
    if schema["schema"] > VERSION:
        raise StoreError(
            f"The backup was made by a newer kmslab (its schema is {schema['schema']}, this one "
            f"knows {VERSION}). Use that version, or a newer one."
        )
    is_current = schema["schema"] == VERSION
    metadata = METADATA if is_current else _described(schema["tables"])
    metadata.create_all(connection, checkfirst=False)
    for table, rows in _by_table(items, metadata):
        _insert(connection, table, rows)
    if not is_current:
        prepare(connection)
        for table in METADATA.tables.values():
            for index in table.indexes:
                index.create(connection, checkfirst=True)


def _by_table(items: Iterator[Item], metadata: MetaData) -> Iterator[tuple[Table, list[list[Any]]]]:
    """The rows in groups, each of one table."""
    table: Table | None = None
    rows: list[list[Any]] = []
    for item in items:
        if isinstance(item, Mapping):
            if table is not None and rows:
                yield table, rows
            table, rows = metadata.tables[item["table"]], []
        else:
            rows.append(item)
            if len(rows) == PAGE and table is not None:
                yield table, rows
                rows = []
    if table is not None and rows:
        yield table, rows


def _insert(connection: Connection, table: Table, rows: list[list[Any]]) -> None:
    """By the driver, as events are written: values are as they were read, damaged ones too."""
    names = [column.name for column in table.c]
    compiled = insert(table).compile(dialect=connection.dialect, column_keys=names)
    values: Any = [tuple(row) for row in rows]
    if not compiled.positional:
        values = [dict(zip(names, row, strict=True)) for row in rows]
    connection.exec_driver_sql(str(compiled), values)


def _described(tables: Mapping[str, Any]) -> MetaData:
    """The tables of an older schema, as its copy describes them. Their indexes come at the end."""
    metadata = MetaData()
    for name, columns in tables.items():
        made = [
            Column(column, TYPES[kind], nullable=nullable, primary_key=primary)
            for column, kind, nullable, primary in columns
        ]
        Table(name, metadata, *made)
    return metadata
