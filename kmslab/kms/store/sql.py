"""One database and this process's connections to it, whichever database it is.

A read returns rows and keeps no lock or transaction. A transaction has the store's write lock
from its first statement on, so what it has checked stays true until it commits; while another
process has that lock, it waits. Nothing is read from or written to a file that is no longer at its
path (`files`). Every error of a database becomes a `StoreError` that says what to do. What differs
between databases is in `sqlite` and `postgresql`.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Table, inspect
from sqlalchemy.exc import DBAPIError

from kmslab.kms.store import fork
from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.files import Place
from kmslab.kms.store.statements import Cursor

T = TypeVar("T")

PATIENCE = 60.0  # seconds to wait for other processes before giving up
PAUSE = 0.01  # seconds between two attempts
DAMAGED = "is damaged. Restore it from a copy"
LOCKED = f"has been locked by another process for {PATIENCE:.0f} seconds. Find and end the program "
LOCKED += "that holds it"

_FORKED = (
    "This lab lives in the memory of another process, from which this one was forked: what happens "
    'here would be lost. Keep it in a file: Lab(store="sqlite:///my.db").'
)


def patiently(attempt: Callable[[], T], is_busy: Callable[[Any], bool]) -> T:
    """Try again while another process holds a lock for a moment."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except Exception as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if not is_busy(cause) or time.monotonic() > end:
                raise
        time.sleep(PAUSE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the databases differ in. The driver must begin no transaction by itself."""

    where: str  # as errors name the store
    begin: str  # begins a transaction that has the write lock
    advice: Callable[[Any], str]  # the driver's error → what is wrong with the store, what to do
    is_busy: Callable[[Any], bool]  # the driver's error → whether to try again
    width: int  # connections of this process, and so threads that read at the same moment
    shared: bool  # whether other processes may use the store at the same time
    prepare: str = ""  # what is left to do when the schema is there
    snapshot: str = "BEGIN"  # begins a transaction that reads one state of the database
    number_on: str = ""  # after events were written with their numbers

    def problem(self, what: str) -> StoreError:
        return StoreError(f"The store {self.where} {what}{'' if what.endswith('?') else '.'}")


class Database(fork.ForkAware):
    """One database and this process's connections to it."""

    def __init__(self, engine: Engine, dialect: Dialect, path: Path | None = None) -> None:
        self.path = path
        self.shared = dialect.shared
        self.writing = threading.Lock()  # one writer of this process at a time
        self._place = Place(path) if path else None
        self._engine = engine
        self._dialect = dialect
        self._problem = ""  # why it can no longer be used; "" while it can
        self._slots = threading.Semaphore(dialect.width)
        fork.join(self)

    def read(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Sequence[Any]]:
        with self._connection() as connection:
            return self._patiently(lambda: connection.execute(statement, parameters).all())

    def has(self, table: Table) -> bool:
        with self._connection() as connection:
            return inspect(connection).has_table(table.name)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing, and on the disk when it ends. The caller holds `writing`."""
        with (
            self._connection() as connection,
            self._all_or_nothing(connection.exec_driver_sql, connection.commit),
        ):
            yield connection

    @contextmanager
    def commit(self) -> Iterator[Cursor]:
        """A transaction whose statements the driver gets at once."""
        spoken, raw = self._engine.dialect, None
        with self._admitted():
            try:
                raw = self._engine.raw_connection()
                # Closed before the connection is given back: no connection crosses a fork, and an
                # open cursor would keep SQLite's open.
                with (
                    closing(raw.cursor()) as cursor,
                    self._all_or_nothing(cursor.execute, raw.commit),
                ):
                    yield Cursor(cursor, spoken)
            except spoken.loaded_dbapi.Error as error:
                if raw and spoken.is_disconnect(error, raw, None):
                    raw.invalidate()
                raise self._dialect.problem(self._dialect.advice(error)) from error
            finally:
                if raw:
                    raw.close()  # rolls back what was not committed

    @contextmanager
    def _all_or_nothing(
        self, run: Callable[[str], object], commit: Callable[[], object]
    ) -> Iterator[None]:
        self._patiently(lambda: run(self._dialect.begin))
        if self._place:
            self._place.opened()
        yield
        self._check_place()  # before the commit, and once more before anybody relies on it
        commit()
        self._check_place()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """For many reads of one state, while others write. It takes no lock."""
        with self._connection() as connection:
            connection.exec_driver_sql(self._dialect.snapshot)
            yield connection

    def number_on(self, connection: Connection) -> None:
        """New events get the numbers after those that were written together with their events."""
        if self._dialect.number_on:
            connection.exec_driver_sql(self._dialect.number_on)

    def prepare(self) -> None:
        """What is left to do when the schema is there."""
        if self._dialect.prepare:
            with self._connection() as connection:
                self._patiently(lambda: connection.exec_driver_sql(self._dialect.prepare))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._admitted():
            try:
                with self._engine.connect() as connection:  # rolls back what was not committed
                    yield connection
                    if self._place:  # it stays open: a later commit writes to the same files
                        self._place.opened()
            except DBAPIError as error:
                raise self.problem(self._dialect.advice(error.orig)) from error
            except UnicodeDecodeError as error:  # SQLite's own error has rotten bytes in its text
                raise self.problem(DAMAGED) from error

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        with self._slots:
            if self._problem:
                raise StoreError(self._problem)
            self._check_place()
            yield

    def _patiently(self, attempt: Callable[[], T]) -> T:
        return patiently(attempt, self._dialect.is_busy)

    def problem(self, what: str) -> StoreError:
        return self._dialect.problem(what)

    def check_file(self) -> None:
        """Raise `StoreError` if the file is not where it was opened."""
        if self._place:
            self._place.check_file()

    def _check_place(self) -> None:
        if self._place:
            self._place.check()

    def close(self, problem: str) -> None:
        """Later uses raise `StoreError` with this problem as its text."""
        self._stop()
        self._problem = self._problem or problem
        self._engine.dispose()
        self._go_on()

    def rest(self) -> None:
        """Close the connections for now: the last one folds the write-ahead log into the file."""
        self._stop()
        self._go_on()

    def _stop(self) -> None:
        """Wait until none is in use, admit no new use, and close connections that others share."""
        self.writing.acquire()
        for _ in range(self._dialect.width):
            self._slots.acquire()
        if self.shared:
            self._engine.dispose()
        if self._place:
            self._place.closed()

    def _go_on(self) -> None:
        self._slots.release(self._dialect.width)
        self.writing.release()

    def before_fork(self) -> None:
        self._stop()

    def after_fork(self) -> None:
        self._go_on()

    def in_forked_child(self) -> None:
        self.writing = threading.Lock()
        self._slots = threading.Semaphore(self._dialect.width)
        if not self.shared:
            self._problem = self._problem or _FORKED
