"""SQLite, in memory or in a file that several processes share."""

import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool, StaticPool

from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.files import made_ready
from kmslab.kms.store.sql import DAMAGED, LOCKED, Database, Dialect, patiently

READERS = 16  # connections to one file
WAIT = 1.0  # seconds that SQLite itself waits in one attempt

_ADVICE = {
    sqlite3.SQLITE_NOTADB: "is not an SQLite database. Name another file, or move this one away",
    sqlite3.SQLITE_READONLY: "cannot be written. Give yourself the right to write the file and "
    "its directory, or copy it to a place where you have that right",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Does its directory exist, and may you write there?",
    sqlite3.SQLITE_PERM: "cannot be opened. May you read and write it and its directory?",
    sqlite3.SQLITE_FULL: "could not grow: the disk is full. Nothing was written; make room",
    sqlite3.SQLITE_IOERR: "could not be read or written: the disk reports an error",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_BUSY: LOCKED,
}


def _advice(error: Any) -> str:
    code = getattr(error, "sqlite_errorcode", 0)
    return _ADVICE.get(code) or _ADVICE.get(code & 0xFF) or f"failed: {error}"


def _is_busy(error: Any) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


_dialect = partial(Dialect, begin="BEGIN IMMEDIATE", advice=_advice, is_busy=_is_busy)


def in_memory() -> Database:
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(":memory:"),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    # Its one connection serves one thread at a time.
    return Database(engine, _dialect("in memory", width=1, shared=False))


def in_file(path: Path) -> Database:
    """The database in this file, which is made if needed. Other processes may share it."""
    place = path.as_uri()
    # With a write-ahead log, readers see the last commit while the next one is being written.
    log = "PRAGMA journal_mode=WAL"
    dialect = _dialect(str(path), width=READERS, shared=True, prepare=log)
    # Only here the file is made. If it is deleted later, no connection replaces it.
    try:
        if not path.parent.is_dir():
            raise StoreError(f"The directory {path.parent} does not exist. Make it first.")
        made_ready(path)
        _connect(f"{place}?mode=rw").close()
    except OSError:
        raise dialect.problem(_ADVICE[sqlite3.SQLITE_CANTOPEN]) from None
    except sqlite3.Error as error:
        raise dialect.problem(_advice(error)) from error
    except UnicodeDecodeError as error:  # SQLite's own error has rotten bytes in its text
        raise dialect.problem(DAMAGED) from error
    if not os.access(path, os.W_OK):  # SQLite would open it for reading, and fail much later
        raise dialect.problem(_ADVICE[sqlite3.SQLITE_READONLY])
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(f"{place}?mode=rw"),
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=0,
        hide_parameters=True,  # in the texts of errors
    )
    return Database(engine, dialect, path)


def _connect(place: str) -> sqlite3.Connection:
    # Without an isolation level the driver begins no transaction by itself; `transaction` does.
    raw = sqlite3.connect(
        place, timeout=WAIT, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        raw.text_factory = partial(str, encoding="utf-8", errors="replace")  # if it is damaged
        # A call that returned has been stored. This is the first to read the file, which another
        # process may be making into a store.
        patiently(lambda: raw.execute("PRAGMA synchronous=FULL"), _is_busy)
    except BaseException:  # for example, if the file is not a database
        raw.close()
        raise
    return raw
