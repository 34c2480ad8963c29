"""The trail as a file: one event a line, in JSON and in CloudTrail's form.

It is a copy for other programs to read. The store has every event, so when the disk is full, lines
are missing in the file and no call fails. Like events, it holds no secret. A file that has become
large is renamed to `trail.jsonl.1`, older files get the next numbers, and the oldest is deleted.
The file is opened for each group of events: it never has to be closed, and if it is moved away, a
new one is made. It keeps the events that a rehearsal in a lab in memory undoes.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from kmslab.kms.store.events import to_json

SIZE = 10_000_000  # bytes, after which a file is renamed
KEPT = 9  # renamed files

log = logging.getLogger("kmslab")


class TrailFile:
    """Appends to the file at `path`, which only its owner may read.

    Raises OSError if that file cannot be opened at the start.
    """

    def __init__(self, path: str | Path, size: int = SIZE) -> None:
        self._path = Path(path).absolute()
        self._size = size
        self._troubled = False
        self._open().close()

    def write(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append events. If that fails, log one warning until it works again."""
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
        """A group of events is never divided, even if it is larger than a file should be."""
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
