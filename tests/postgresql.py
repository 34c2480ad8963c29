"""A real PostgreSQL for the tests, in a folder of its own: started, stopped and killed at will.

Its programs are found on the PATH, or where Debian puts them. It refuses to run as root, so root
runs it as an unprivileged user.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

try:
    import psycopg
except ModuleNotFoundError:
    psycopg = None

USERS = ("postgres", "nobody")  # as one of them, if the tests run as root
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`, of the newest version."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda at: -_version(at))
    return next((at for at in found if (at / "postgres").exists()), None)


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdecimal() else 0


def missing() -> str:
    """Why there is no PostgreSQL here; "" if there is."""
    if os.name != "posix":
        return "PostgreSQL is started on POSIX systems only"
    if psycopg is None:
        return "psycopg is not installed"
    return "" if programs() else "PostgreSQL is not installed: no initdb on the PATH"


class PostgreSql:
    """One server with its data. `url(name)` is an empty database's."""

    def __init__(self) -> None:
        if why := missing():
            pytest.skip(why)
        self._programs = programs()
        self._as: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="kmslab-postgresql-"))
        if os.geteuid() == 0:
            user = next(pwd.getpwnam(name) for name in USERS if _exists(name))
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._password = secrets.token_hex(8)
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        try:
            self._make()
        except BaseException:
            self.remove()
            raise

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self._password, "ascii")
        self._run(
            *("initdb", "--pgdata", self.folder / "data", "--username", "kmslab", "--no-sync"),
            *("--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"),
        )

    def _run(self, program: str, *arguments: object) -> None:
        assert self._programs
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self._as)
        assert done.returncode == 0, done.stderr

    def start(self, **settings: str) -> "PostgreSql":
        """When this returns, it answers. `settings`: as in postgresql.conf."""
        assert self._programs
        chosen = {"port": str(self.port), "listen_addresses": "127.0.0.1"}
        # Tests end processes and not the machine: what a process has written stays.
        chosen |= {"unix_socket_directories": "", "max_connections": "60", "fsync": "off"}
        chosen |= settings
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items()]
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *flags]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd="/", **self._as)
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = FAST) -> None:
        """`FAST` ends all sessions; `IMMEDIATE` ends all processes, as a failing machine would."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def address(self, database: str) -> str:
        return f"postgresql://kmslab:{self._password}@127.0.0.1:{self.port}/{database}"

    def new(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"lab_{self._made}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as raw:
            raw.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.address(name)

    def on_disk(self, folder: Path) -> str:
        """The URL of a new database whose tables are in this folder."""
        os.chmod(folder.parent, 0o755)
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        with psycopg.connect(self.address("postgres"), autocommit=True) as raw:
            raw.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            raw.execute("CREATE DATABASE on_disk TABLESPACE small")
        return self.address("on_disk")

    def forget_disk(self) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as raw:
            raw.execute("DROP DATABASE on_disk WITH (FORCE)")
            raw.execute("DROP TABLESPACE small")

    def remove(self) -> None:
        self.stop(IMMEDIATE)
        shutil.rmtree(self.folder, ignore_errors=True)


def _exists(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False
