"""What one commit does to records, guarded by the version of each record that it stands on.

A new record's version starts at the store's count of changes and not at 1. So no version of a name
ever comes back, and one who found an alias that was then deleted and made anew is refused.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from kmslab.contract.records import Record
from kmslab.store.cache import Name
from kmslab.store.errors import Conflict
from kmslab.store.schema import ABOUT, ROWS


class Change:
    def __init__(
        self, put: Sequence[Record], remove: Sequence[Record], found: Sequence[Record]
    ) -> None:
        staged = {name_of(record): record.version for record in (*put, *remove)}
        if len(staged) < len(put) + len(remove):
            raise ValueError("a record is staged twice in one commit")
        self.put = put
        self.gone = [name_of(record) for record in remove]
        self.names = staged.keys() | {name_of(record) for record in found}
        self._remove = remove
        # A staged record is guarded where it is written.
        self._found = [record for record in found if staged.get(name_of(record)) != record.version]

    def __bool__(self) -> bool:
        return bool(self.put or self.gone)

    def write(self, connection: Connection) -> list[tuple[Name, Record]]:
        """Do it, inside a transaction; returns the records put with the versions they have now."""
        for record in self._found:
            rows = ROWS[type(record)]
            version = connection.scalar(rows.version, {"at_name": rows.name_of(record)})
            _demand(version == record.version, record)
        for record in self._remove:
            removed = connection.execute(ROWS[type(record)].delete, _guard(record))
            _demand(removed.rowcount == 1, record)
        return [(name_of(record), _put(connection, record)) for record in self.put]


def name_of(record: Record) -> Name:
    return type(record), ROWS[type(record)].name_of(record)


def _guard(record: Record) -> dict[str, str | int]:
    return {"at_name": name_of(record)[1], "at_version": record.version}


def _demand(unchanged: bool, record: Record) -> None:
    if not unchanged:
        kind, name = name_of(record)
        raise Conflict(f"{kind.__name__} {name} has been changed since it was read")


def _put(connection: Connection, record: Record) -> Record:
    rows = ROWS[type(record)]
    if not record.version:
        changes = connection.scalar(select(ABOUT.c.changes)) or 0
        new = replace(record, version=changes + 1)
        try:
            connection.execute(rows.insert, rows.encode(new))
        except IntegrityError:
            _demand(False, record)
        return new
    new = replace(record, version=record.version + 1)
    updated = connection.execute(rows.update, rows.encode(new) | _guard(record))
    _demand(updated.rowcount == 1, record)
    return new
