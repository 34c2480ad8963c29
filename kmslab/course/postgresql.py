"""A real PostgreSQL in a folder of its own: started, stopped and killed at will.

A lesson shows one, and the tests use it. Its programs are found on the PATH, or where Debian puts
them. It refuses to run as root, so root runs it as an unprivileged user.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

USERS = ("postgres", "nobody")  # as one of them, if root starts it


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
    if find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'psycopg[binary]' installs it"
    return "" if programs() else "PostgreSQL is not installed: no initdb on the PATH"


class PostgreSql:
    """One server with its data."""

    def __init__(self) -> None:
        self._programs = programs()
        self._as: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="kmslab-postgresql-"))
        if os.geteuid() == 0:
            user, group = next(filter(None, map(_ids, USERS)))
            os.chown(self.folder, user, group)
            self._as = {"user": user, "group": group, "extra_groups": []}
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
        command = [self._program(program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self._as)
        if done.returncode:
            raise RuntimeError(f"{program} has failed: {done.stderr}")

    def _program(self, name: str) -> str:
        if self._programs is None:
            raise RuntimeError(missing())
        return str(self._programs / name)

    def start(self, **settings: str) -> "PostgreSql":
        """When this returns, it answers. `settings`: as in postgresql.conf."""
        chosen = {"port": str(self.port), "listen_addresses": "127.0.0.1"}
        # Lessons and tests end processes and not the machine: what a process has written stays.
        chosen |= {"unix_socket_directories": "", "max_connections": "60", "fsync": "off"}
        chosen |= settings
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items()]
        command = [self._program("postgres"), "-D", str(self.folder / "data"), *flags]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd="/", **self._as)
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)
        return self

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except import_module("psycopg").OperationalError:
            return False
        return True

    def _connect(self, database: str) -> Any:
        return import_module("psycopg").connect(self.address(database), autocommit=True)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends all sessions; SIGQUIT all processes at once, as a failing machine would."""
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
        with self._connect("postgres") as raw:
            raw.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def _ids(name: str) -> tuple[int, int] | None:
    """A user's number and group; None if there is no such user."""
    import pwd

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return found.pw_uid, found.pw_gid
