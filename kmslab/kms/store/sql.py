"""The only module that knows which database is used: SQLite in memory or in a file.

A read returns rows and keeps no lock or transaction. A transaction has the database's write lock
from its first statement on, so what it has checked stays true until it commits; while another
process has that lock, it waits. Nothing is read from or written to a file that is no longer at its
path (`files`). Every error of SQLite becomes a `StoreError` that says what to do.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from kmslab.kms.store import fork
from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.files import Place, made_ready

T = TypeVar("T")

READERS = 16  # connections to one file, and so threads that read it at the same moment
PATIENCE = 60.0  # seconds to wait for other processes before giving up
WAIT = 1.0  # seconds that SQLite itself waits in one attempt
PAUSE = 0.01  # seconds between two attempts

_ADVICE = {
    sqlite3.SQLITE_NOTADB: "is not an SQLite database. Name another file, or move this one away",
    sqlite3.SQLITE_READONLY: "cannot be written. Give yourself the right to write the file and "
    "its directory, or copy it to a place where you have that right",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Does its directory exist, and may you write there?",
    sqlite3.SQLITE_PERM: "cannot be opened. May you read and write it and its directory?",
    sqlite3.SQLITE_FULL: "could not grow: the disk is full. Nothing was written; make room",
    sqlite3.SQLITE_IOERR: "could not be read or written: the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "is damaged. Restore it from a copy",
    sqlite3.SQLITE_BUSY: f"has been locked by another process for {PATIENCE:.0f} seconds. Find "
    "and end the program that holds it",
}
_FORKED = (
    "This lab lives in the memory of another process, from which this one was forked: what happens "
    'here would be lost. Keep it in a file: Lab(store="sqlite:///my.db").'
)


class Database(fork.ForkAware):
    """One database and this process's connections to it."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.path = path
        self.writing = threading.Lock()  # one writer of this process at a time
        self._place = Place(path) if path else None
        self._engine = engine
        self._problem = ""  # why it can no longer be used; "" while it can
        self._width = READERS if path else 1  # a connection in memory serves one thread at a time
        self._slots = threading.Semaphore(self._width)
        fork.join(self)

    def read(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Sequence[Any]]:
        with self._connection() as connection:
            return _patiently(lambda: connection.execute(statement, parameters).all())

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing, and on the disk when it ends. The caller holds `writing`."""
        with self._connection() as connection:
            _patiently(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            if self._place:
                self._place.opened()
            yield connection
            self._check_place()  # before the commit, and once more before anybody relies on it
            connection.commit()
            self._check_place()

    def let_readers_in(self) -> None:
        """From now on, readers see the last commit while the next one is being written."""
        with self._connection() as connection:
            _patiently(lambda: connection.exec_driver_sql("PRAGMA journal_mode=WAL"))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._slots:
            if self._problem:
                raise StoreError(self._problem)
            self._check_place()
            try:
                with self._engine.connect() as connection:  # rolls back what was not committed
                    yield connection
            except DBAPIError as error:
                raise _explained(self.path, error.orig) from error

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
        """Wait until no connection is in use, admit no new use, and close connections to a file."""
        self.writing.acquire()
        for _ in range(self._width):
            self._slots.acquire()
        if self._place:
            self._engine.dispose()
            self._place.closed()

    def _go_on(self) -> None:
        self._slots.release(self._width)
        self.writing.release()

    def before_fork(self) -> None:
        self._stop()

    def after_fork(self) -> None:
        self._go_on()

    def in_forked_child(self) -> None:
        self.writing = threading.Lock()
        self._slots = threading.Semaphore(self._width)
        if not self.path:
            self._problem = self._problem or _FORKED


def _explained(path: Path | None, error: BaseException | None) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0)
    what = _ADVICE.get(code) or _ADVICE.get(code & 0xFF) or f"failed: {error}"
    return _problem(path, what)


def _problem(path: Path | None, what: str) -> StoreError:
    return StoreError(f"The store {path or 'in memory'} {what}{'' if what.endswith('?') else '.'}")


def _is_busy(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _patiently(attempt: Callable[[], T]) -> T:
    """Try again while another process holds a lock for a moment."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except DBAPIError as error:
            if not _is_busy(error) or time.monotonic() > end:
                raise
        time.sleep(PAUSE)


def in_memory() -> Database:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(":memory:"),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    return Database(engine, None)


def in_file(path: Path) -> Database:
    """The database in this file, which is made if needed. Other processes may share it."""
    place = path.as_uri()
    # Only here the file is made. If it is deleted later, no connection replaces it.
    try:
        if not path.parent.is_dir():
            raise StoreError(f"The directory {path.parent} does not exist. Make it first.")
        made_ready(path)
        _connect(f"{place}?mode=rw").close()
    except OSError:
        raise _problem(path, _ADVICE[sqlite3.SQLITE_CANTOPEN]) from None
    except sqlite3.Error as error:
        raise _explained(path, error) from error
    if not os.access(path, os.W_OK):  # SQLite would open it for reading, and fail much later
        raise _problem(path, _ADVICE[sqlite3.SQLITE_READONLY])
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(f"{place}?mode=rw"),
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
        hide_parameters=True,  # in the texts of errors
    )
    return Database(engine, path)


def _connect(place: str) -> sqlite3.Connection:
    # Without an isolation level the driver begins no transaction by itself; `transaction` does.
    raw = sqlite3.connect(
        place, timeout=WAIT, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        raw.text_factory = partial(str, encoding="utf-8", errors="replace")  # if it is damaged
        raw.execute("PRAGMA synchronous=FULL")  # a call that returned has been stored
    except BaseException:  # for example, if the file is not a database
        raw.close()
        raise
    return raw
