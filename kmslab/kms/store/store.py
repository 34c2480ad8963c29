"""The one place where records and events are stored.

Records are cached, decisions never are. A commit writes everything or nothing, and nothing if any
record that it relies on has changed since it was read. When `commit` returns, it has been stored.
"""

import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from kmslab.kms.contract.events import DAMAGED, Event, LastUse
from kmslab.kms.contract.records import Key, R, Record
from kmslab.kms.store.cache import Cache, Place
from kmslab.kms.store.errors import Conflict, Damaged, StoreError
from kmslab.kms.store.events import EVENTS, WRITE, decode, nth_last, uses, written
from kmslab.kms.store.line import Line, Staged
from kmslab.kms.store.polling import Polling
from kmslab.kms.store.schema import COUNT, DUE, ROWS, STATE, State, microseconds, parse_state
from kmslab.kms.store.sql import Database
from kmslab.kms.store.writer import WRITER, Outbox
from kmslab.kms.store.writes import Writes

CACHED = 4_096  # records; twice as many at most
log = logging.getLogger("kmslab.kms.store")


Done = tuple[Staged, int, list[tuple[Place, Record]]]  # its number, and what it has stored
Refused = tuple[Staged, Conflict]


class Store:
    """Records by kind and name, and the events of all calls."""

    def __init__(self, database: Database, cached: int = CACHED) -> None:
        self.shared = database.shared
        self._database = database
        self._cache = Cache(cached)
        self._outbox = Outbox(database)
        self._line = Line(self._write)
        self._polling = Polling(self._look)
        self._damaged: set[str] = set()  # what the log has said
        self._finalizer = weakref.finalize(self, WRITER.retire, self._outbox)
        self._finalizer.atexit = False  # each part is called at the interpreter's end (`fork`)
        self._look()
        self._reported = self._cache.others  # the changes that `refresh` has returned True for

    @property
    def path(self) -> Path | None:
        """The file's absolute path; None in memory and at a server."""
        return self._database.path

    @property
    def is_used(self) -> bool:
        """Whether any record has ever been stored."""
        return self._cache.changes > 0

    @property
    def next_due(self) -> datetime | None:
        """When the service itself must act next. Uses no SQL."""
        return self._cache.next_due

    def get(self, kind: type[R], name: str) -> R | None:
        """The record of this name, at most half a second behind other processes.

        Raises `Damaged` if its row cannot be read. Lists of records leave such a row out.
        """
        record: R | None = self._cache.hot.get((kind, name))
        return record if record is not None else self._read(kind, name)

    def _read(self, kind: type[R], name: str) -> R | None:
        cache = self._cache
        record: R | None = cache.again((kind, name))
        if record is not None:
            return record
        commits = cache.commits  # before reading: see the cache's rule
        rows = self._rows(ROWS[kind].one, {"at_name": name})
        if not rows:
            return None
        record = found = ROWS[kind].decode(rows[0])
        cache.fill((kind, name), found, commits)
        return record

    def find(self, kind: type[R], **equal: str) -> list[R]:
        """All records with these values in the fields of an index, in order of their names."""
        place = kind, tuple(equal.items())
        known = self._cache.lists.get(kind, {}).get(place[1])
        if known is None:
            commits = self._cache.commits  # before reading: see the cache's rule
            known = self._select(kind, ROWS[kind].by(*equal), equal)
            self._cache.fill_list(place, known, commits)
        return list(known)

    def are_fewer(self, kind: type[R], most: int, **equal: str) -> bool:
        """Whether `find` would return fewer records. They are counted only if it may be close."""
        place = kind, tuple(equal.items())
        known = self._cache.bound(place)
        if known is None or known >= most:
            commits = self._cache.commits  # before reading: see the cache's rule
            known = int(self._database.read(ROWS[kind].count(*equal), equal)[0][0])
            self._cache.fill_bound(place, known, commits)
        return known < most

    def page(
        self, kind: type[R], prefix: str, after: str = "", limit: int = 100, **equal: str
    ) -> list[R]:
        """The first records whose names begin with `prefix` and come after `after`. Not cached.

        Names are in the order of their code points. `equal`: as for `find`.
        """
        asked = limit
        while True:
            rows = self._rows(ROWS[kind].page(prefix, after, asked, equal), equal)
            found = self._whole(kind, rows)[:limit]
            if len(found) == limit or len(rows) < asked:
                return found
            asked *= 2  # some rows are damaged: the page is filled up with the next ones

    def all(self, kind: type[R]) -> list[R]:
        """Every record of a kind, in order of their names. Not cached."""
        return self._select(kind, ROWS[kind].all)

    def due(self, at: datetime, limit: int = 100) -> list[Key]:
        """Keys on which the service itself must act by this time, earliest first. Not cached.

        Reads `next_due` again too, because other processes may have done what was due.
        """
        if self.shared:
            self._look()
        return self._select(Key, DUE, {"at": microseconds(at), "most": limit})

    def _select(
        self, kind: type[R], statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> list[R]:
        return self._whole(kind, self._rows(statement, parameters))

    def _rows(
        self, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Sequence[Any]]:
        if parameters and any("\0" in value for value in parameters.values() if type(value) is str):
            return []  # no name contains NUL, and PostgreSQL would refuse it
        try:
            return self._database.read(statement, parameters)
        except UnicodeEncodeError:  # a lone surrogate, which no stored text contains
            return []

    def _whole(self, kind: type[R], rows: Sequence[Sequence[Any]]) -> list[R]:
        """The records of these rows. A damaged row is left out; the log says so once."""
        found = []
        for row in rows:
            try:
                found.append(ROWS[kind].decode(row))
            except Damaged as error:
                if str(error) not in self._damaged:
                    log.warning("%s", error)
                    self._damaged.add(str(error))
        return found

    def commit(
        self,
        put: Sequence[Record] = (),
        remove: Sequence[Record] = (),
        found: Sequence[Record] = (),
        events: Sequence[Event] = (),
    ) -> None:
        """Store everything, or raise `Conflict` and store nothing.

        A record of version 0 is new. Any other record must still have its version in the store, and
        so must each of `found`, on which the commit relies without changing it.
        """
        self._line.store(Staged(Writes(put, remove, found), events), self._database.writing)

    def _write(self, group: Sequence[Staged]) -> None:
        """Store these together, with the events that wait. Those that conflict are refused."""
        try:
            done, refused, next_due = self._stored(group)
            for staged, changes, records in done:
                if staged.writes:
                    self._cache.committed(changes, next_due, records, staged.writes.gone)
        except BaseException:  # even an interrupt: it may have been committed or not
            self._cache.clear()
            with suppress(StoreError):
                self._cache.seen(*self._state())
            raise
        for staged, conflict in refused:
            self._cache.forget(staged.writes.places)
            self._polling.look_at_next()
            staged.refuse(conflict)

    def _stored(self, group: Sequence[Staged]) -> tuple[list[Done], list[Refused], datetime | None]:
        done: list[Done] = []
        refused: list[Refused] = []
        with self._outbox.drained() as pairs, self._database.commit() as cursor:
            before, next_due = parse_state(cursor.one(STATE, {}))
            changes = before
            for staged in group:
                try:
                    staged.writes.check(cursor)
                except Conflict as conflict:
                    refused.append((staged, conflict))
                    continue
                changes += bool(staged.writes)
                done.append((staged, changes, staged.writes.run(cursor, changes)))
                pairs += staged.events
            if pairs:
                cursor.run_all(WRITE, [row for _, row in pairs])
            if changes > before:
                cursor.run(COUNT, {"count": changes})
            if any(staged.writes.moves_due for staged, _, _ in done):
                next_due = parse_state(cursor.one(STATE, {}))[1]
        return done, refused, next_due

    def refresh(self) -> bool:
        """Look whether other processes changed records, at most every half second; True if so.

        Raises `StoreError` if the store cannot be read, so that nothing is answered from the cache
        either: see `polling`.
        """
        if not self.shared:
            return False
        self._database.check_file()
        self._polling.poll()
        reported, others = self._reported, self._cache.others
        self._reported = others
        return reported != others

    def _look(self) -> None:
        state = self._state()
        if state[0] < self._cache.changes:  # a commit of another thread may have come in between
            with self._database.writing:
                state = self._state()
            if state[0] < self._cache.changes:
                raise self._database.problem(
                    "is older than it was: a copy was put in its place while the lab was open. "
                    "Close the lab and open it again"
                )
        self._cache.seen(*state)

    def _state(self) -> State:
        return parse_state(self._database.read(STATE)[0])

    def log(self, event: Event) -> None:
        """Take an event whose call changed no record; it is written within a second."""
        self._outbox.put(event)

    def listen(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Call `listener` with each group of events when it is stored, in the order of writing.

        The thread that has written them calls it, one group at a time, and waits until it returns.
        """
        self._outbox.listener = listener

    def flush(self) -> None:
        """Write the waiting events: when this returns, every logged event has been stored."""
        self._outbox.write()

    def events(
        self,
        account: str | None = None,
        region: str | None = None,
        after: int = 0,
        limit: int | None = None,
        last: int | None = None,
    ) -> list[Event]:
        """Events in the order of their times; those of one time in the order of writing.

        `after` (a `sequence`) and `limit` select the events that were written next, `last` those
        that were written last.
        """
        if last is not None:
            after = max(after, self.position(last, account))
        asked = written(account, region, after, limit)
        rows = self._database.read(asked) if limit is not None else []
        # A full page is the same without the waiting events, which are written after all others.
        if limit is None or len(rows) < limit:
            self.flush()
            rows = self._database.read(asked)
        found = [decode(row) for row in rows]
        return sorted(found, key=lambda event: (event.time, event.sequence))

    def position(self, last: int = 0, account: str | None = None) -> int:
        """The `sequence` after which the last so many events were written."""
        self.flush()
        found = self._database.read(nth_last(account, last))
        return int(found[0][0]) if found else 0

    def last_use(self, key: str) -> LastUse | None:
        """When this key last did cryptography. Every such call has left an event."""
        self.flush()
        rows = [
            row
            for column in (EVENTS.c.used, EVENTS.c.used_too)
            for row in self._database.read(uses(column, key))
        ]
        if not rows:
            return None
        event = decode(max(rows, key=lambda row: row[0]))
        if event.operation == DAMAGED:
            return None
        return LastUse(event.operation, event.time, event.request_id)

    def forget_events(self, after: int) -> None:
        """Delete the events written after this `sequence`, for a rehearsal's end."""
        self.flush()
        with self._database.writing, self._database.transaction() as connection:
            connection.execute(delete(EVENTS).where(EVENTS.c.sequence > after))

    def close(self) -> None:
        """Write the waiting events and close the database. Closing again does nothing."""
        if self._finalizer.alive:
            self._outbox.close()
            self._finalizer.detach()
            self._cache.clear()
