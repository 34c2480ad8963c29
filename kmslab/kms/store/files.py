"""The files of a store: they are still where they were opened, and none is opened in error as new.

SQLite goes on writing to a file that has been moved, replaced or deleted, and what it writes is
lost. So each use of the database first compares the files at the store's path with those that were
opened. If they are put back, the store works again.
"""

import os
from pathlib import Path

from kmslab.kms.store.errors import StoreError

LOGS = ("-wal", "-shm")  # SQLite's own files beside the database while it is open
JOURNAL = "-journal"  # of a process killed while it made a store: SQLite undoes what it says
SMALLEST = 512  # bytes of an SQLite database that holds anything

Identity = tuple[int, int]


class Place:
    """A store's path, and which files were there when it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = [str(beside(path, ending)) for ending in LOGS]
        self._name = str(path)  # a text, since it is used at every call
        self._file = _identity(self._name)
        self._logs: list[Identity | None] = []  # [] while no connection has opened them
        self._size = 0  # bytes: SQLite makes it larger, never smaller

    def check_file(self) -> None:
        """Raise `StoreError` unless the same database file is still there, and all of it."""
        before = self._size  # read first: another thread may see it grow meanwhile
        try:
            found = os.stat(self._name)
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._file:
            raise StoreError(
                f"The store {self._path} was moved, replaced or deleted while the lab was open. "
                "Nothing more is stored. Put the file back, or start again with another store."
            )
        if found.st_size < before:
            raise StoreError(
                f"The store {self._path} has become smaller while the lab was open. Nothing more "
                "is stored. If it was cut off, restore it from a copy; if another program has "
                "compacted it, close the lab and open it again."
            )
        self._size = found.st_size

    def check(self) -> None:
        """The same for the database's file and SQLite's own files beside it."""
        self.check_file()
        if self._logs and self._found() != self._logs:
            raise StoreError(
                f"The files {self._path.name}-wal and -shm beside the store {self._path} were "
                "moved, replaced or deleted while the lab was open. Nothing more is stored. Put "
                "them back, or close the lab and open it again."
            )

    def opened(self) -> None:
        """A connection has read or begun to write: from now on SQLite's own files stay the same."""
        if not self._logs and None not in (logs := self._found()):
            self._logs = logs

    def closed(self) -> None:
        """After the last connection closed: it has deleted the files beside the database."""
        self._logs = []

    def _found(self) -> list[Identity | None]:
        return [_identity(path) for path in self._beside]


def made_ready(path: Path) -> None:
    """Make the file if it does not exist, for its owner alone.

    Raises `StoreError` for an empty file beside what is left of a store. SQLite would make a new
    store of it, and delete the log that may hold all of the old one.
    """
    size = path.stat().st_size if path.exists() else 0
    log, key = (beside(path, ending) for ending in ("-wal", ".key"))
    if size < SMALLEST and log.exists() and log.stat().st_size:
        raise StoreError(
            f"The store {path} is missing or empty, but {log.name} beside it is not: it holds what "
            f"was stored last. Put the store's file back, or move {log.name} away."
        )
    if path.is_file() and size < SMALLEST and key.exists():
        raise StoreError(
            f"The store {path} is empty or cut off, but its root key {key.name} is there. "
            "Restore it from a copy, or delete both files to start with a new store."
        )
    if not path.exists():  # SQLite makes its own files beside it with the same rights
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
