"""Two servers on one store, as a team would run them: in PostgreSQL, if this computer has it.

`fleet()` starts them as processes. They end with the kernel, or when a cell makes new ones.
"""

import atexit
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kmslab.course import postgresql

REGION = "ap-northeast-2"
SQLITE = "an SQLite file, which only servers of one computer can. For PostgreSQL: {why}"


class Server:
    """One `kmslab serve`. `kms` is boto3's client for it, which makes one attempt at each call."""

    def __init__(self, url: str, folder: Path, key: tuple[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._command = [sys.executable, "-m", "kmslab", "serve", "--port", str(self._port)]
        self._command += ["--store", url, "--root-key", str(folder / "root.key")]
        self._log = folder / f"{self._port}.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith("KMSLAB_")}
        self._environment = own | {"KMSLAB_ACCESS_KEYS": ":".join(key)}
        self._process: subprocess.Popen[bytes] | None = None
        self.kms = _client(self._port, key)

    def begin(self) -> None:
        """Does not wait until it answers, so that several can begin at once."""
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, env=self._environment, stdout=log, stderr=log
                )

    def start(self) -> None:
        """When this returns, it answers. One that runs goes on."""
        self.begin()
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the server has ended: {self._log.read_text()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
            return True
        return False

    def kill(self) -> None:
        """End it as a power cut would: it stores nothing more, and says goodbye to nobody."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __repr__(self) -> str:
        return f"<server at 127.0.0.1:{self._port}, {'running' if self._process else 'dead'}>"


def _client(port: int, key: tuple[str, str]) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "kms",
        REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


class Fleet:
    """The two servers `one` and `other`, and the store that they share."""

    def __init__(self) -> None:
        self._place = TemporaryDirectory(prefix="kmslab-fleet-", ignore_cleanup_errors=True)
        folder, key = Path(self._place.name), (f"AKIA{secrets.token_hex(8)}", secrets.token_hex(20))
        self._database = None
        if why := postgresql.missing():
            url, self._store = f"sqlite:///{folder / 'lab.db'}", SQLITE.format(why=why)
        else:
            self._database = postgresql.PostgreSql().start()
            url, self._store = self._database.new(), "a PostgreSQL that this cell has started"
        self.one, self.other = Server(url, folder, key), Server(url, folder, key)
        for server in (self.one, self.other):
            server.begin()
        self.both()

    def both(self) -> "tuple[Server, Server]":
        """`one` and `other`. One that was killed is started again."""
        for server in (self.one, self.other):
            server.start()
        return self.one, self.other

    def close(self) -> None:
        for server in (self.one, self.other):
            server.kill()
        if self._database:
            self._database.remove()
        self._place.cleanup()

    def __repr__(self) -> str:
        return f"Two servers share {self._store}."


_running: list[Fleet] = []


def fleet() -> Fleet:
    """Two new servers on a new store. Those of an earlier call are ended."""
    _end()
    _running.append(Fleet())
    return _running[0]


@atexit.register
def _end() -> None:
    while _running:
        _running.pop().close()
