"""The trail as a file: one event a line, in JSON and in CloudTrail's form, as it is stored.

It is a copy for other programs to read: the store has every event, and a disk that is full costs
the file its lines and nobody his call. It holds what an event holds, so no secret. A file that has
grown is put aside as `trail.jsonl.1`, the ones before it move on, and the last is dropped. The file
is opened for each group of events, so nobody has to close it, and whoever moves it away gets a new
one. In a lab in memory, what a rehearsal undoes stays in it.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from kmslab.kms.store.events import to_json

SIZE = 10_000_000  # bytes, after which a file is put aside
KEPT = 9  # files put aside

log = logging.getLogger("kmslab")


class TrailFile:
    """Appends to the file at `path`, which only its owner may read. Raises OSError at once."""

    def __init__(self, path: str | Path, size: int = SIZE) -> None:
        self._path = Path(path).absolute()
        self._size = size
        self._troubled = False
        self._open().close()

    def write(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append them. What cannot be written is told to the log, once until it works again."""
        lines = "".join(f"{to_json(event)}\n" for event in events).encode()
        try:
            self._make_room(len(lines))
            with self._open() as file:
                file.write(lines)
            self._troubled = False
        except OSError as error:
            if not self._troubled:
                log.warning("events are missing in %s: %s", self._path.name, error.strerror)
            self._troubled = True

    def _open(self) -> FileIO:
        return open(self._path, "ab", buffering=0, opener=_private)

    def _make_room(self, size: int) -> None:
        """A group of events that is too large by itself stays together."""
        there = self._path.stat().st_size if self._path.exists() else 0
        if not there or there + size <= self._size:
            return
        self._numbered(KEPT).unlink(missing_ok=True)
        for number in range(KEPT - 1, 0, -1):
            if (older := self._numbered(number)).exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
