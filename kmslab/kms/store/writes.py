"""What one commit does to records, guarded by the version of each record that it relies on.

A new record's version starts at the store's count of changes and not at 1. So no version of a name
is ever used twice, and a commit that relies on an alias is refused if the alias was meanwhile
deleted and created again.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from kmslab.kms.contract.records import Record, name_of
from kmslab.kms.store.cache import Place
from kmslab.kms.store.errors import Conflict
from kmslab.kms.store.schema import ABOUT, ROWS


class Writes:
    """Each record only once: two changes of one record in one commit could not both be guarded."""

    def __init__(
        self, put: Sequence[Record], remove: Sequence[Record], found: Sequence[Record]
    ) -> None:
        staged = {place(record): record.version for record in (*put, *remove)}
        if len(staged) < len(put) + len(remove):
            raise ValueError("a record is staged twice in one commit")
        self.put = put
        self.gone = [place(record) for record in remove]
        self.places = staged.keys() | {place(record) for record in found}
        self._remove = remove
        # A staged record is guarded where it is written.
        self._found = [record for record in found if staged.get(place(record)) != record.version]

    def __bool__(self) -> bool:
        return bool(self.put or self.gone)

    def run(self, connection: Connection) -> list[tuple[Place, Record]]:
        """Write inside a transaction; returns the stored records with their new versions."""
        for record in self._found:
            version = connection.scalar(ROWS[type(record)].version, {"at_name": name_of(record)})
            _demand(version == record.version, record)
        for record in self._remove:
            removed = connection.execute(ROWS[type(record)].delete, _guard(record))
            _demand(removed.rowcount == 1, record)
        return [(place(record), _put(connection, record)) for record in self.put]


def place(record: Record) -> Place:
    """A record's place in the store and in the cache."""
    return type(record), name_of(record)


def _guard(record: Record) -> dict[str, str | int]:
    return {"at_name": name_of(record), "at_version": record.version}


def _demand(unchanged: bool, record: Record) -> None:
    if not unchanged:
        kind = type(record).__name__
        raise Conflict(f"{kind} {name_of(record)} has been changed since it was read")


def _put(connection: Connection, record: Record) -> Record:
    return _update(connection, record) if record.version else _insert(connection, record)


def _insert(connection: Connection, record: Record) -> Record:
    changes = connection.scalar(select(ABOUT.c.changes)) or 0
    new = replace(record, version=changes + 1)
    row = ROWS[type(record)].encode(new)
    try:
        connection.execute(ROWS[type(record)].insert, row)
    except IntegrityError:  # the name is taken; `encode` has refused a None where none may be
        _demand(False, record)
    return new


def _update(connection: Connection, record: Record) -> Record:
    new = replace(record, version=record.version + 1)
    rows = ROWS[type(record)]
    updated = connection.execute(rows.update, rows.encode(new) | _guard(record))
    _demand(updated.rowcount == 1, record)
    return new
