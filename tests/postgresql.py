"""The real PostgreSQL of the course, for tests. They are skipped where there is none.

The data of one database can be on a disk of its own.
"""

import os
import signal
from pathlib import Path

import pytest

from kmslab.course import postgresql
from kmslab.course.postgresql import missing

FAST, IMMEDIATE = signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGTERM)


class PostgreSql(postgresql.PostgreSql):
    """One server with its data."""

    def __init__(self) -> None:
        if why := missing():
            pytest.skip(why)
        super().__init__()

    def on_disk(self, folder: Path) -> str:
        """The URL of a new database whose tables are in this folder."""
        os.chmod(folder.parent, 0o755)
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        with self._connect("postgres") as raw:
            raw.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            raw.execute("CREATE DATABASE on_disk TABLESPACE small")
        return self.address("on_disk")

    def forget_disk(self) -> None:
        with self._connect("postgres") as raw:
            raw.execute("DROP DATABASE on_disk WITH (FORCE)")
            raw.execute("DROP TABLESPACE small")
