"""What one commit does to records, guarded by the version of each record that it relies on.

A new record's version starts at the store's count of changes and not at 1. So no version of a name
is ever used twice, and a commit that relies on an alias is refused if the alias was meanwhile
deleted and created again.
"""

from collections.abc import Sequence
from dataclasses import replace

from kmslab.kms.contract.records import Key, Record, name_of
from kmslab.kms.store.cache import Place
from kmslab.kms.store.errors import Conflict
from kmslab.kms.store.schema import ROWS
from kmslab.kms.store.statements import Cursor


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
        self._found = [record for record in found if staged.get(place(record)) != record.version]

    def __bool__(self) -> bool:
        return bool(self.put or self.gone)

    @property
    def moves_due(self) -> bool:
        """Whether afterwards another time may be the next at which a key is due."""
        put = [each for each in self.put if isinstance(each, Key)]
        return any(each.version or each.due for each in put) or Key in [
            kind for kind, _ in self.gone
        ]

    def check(self, cursor: Cursor) -> None:
        """Raise `Conflict` if a record has another version than the one that was read."""
        for record in (*self._found, *self._remove, *self.put):
            row = cursor.one(ROWS[type(record)].version, {"at_name": name_of(record)})
            if (row[0] if row else None) != (record.version or None):
                kind = type(record).__name__
                raise Conflict(f"{kind} {name_of(record)} has been changed since it was read")

    def run(self, cursor: Cursor, count: int) -> list[tuple[Place, Record]]:
        """Write what `check` has let through, as the change with this number.

        Returns the stored records with their new versions.
        """
        for record in self._remove:
            cursor.run(ROWS[type(record)].delete, _guard(record))
        return [(place(record), _put(cursor, record, count)) for record in self.put]


def place(record: Record) -> Place:
    """A record's place in the store and in the cache."""
    return type(record), name_of(record)


def _guard(record: Record) -> dict[str, str | int]:
    return {"at_name": name_of(record), "at_version": record.version}


def _put(cursor: Cursor, record: Record, count: int) -> Record:
    rows = ROWS[type(record)]
    new = replace(record, version=record.version + 1 if record.version else count)
    if record.version:
        cursor.run(rows.update, rows.encode(new) | _guard(record))
    else:
        cursor.run(rows.insert, rows.encode(new))
    return new
