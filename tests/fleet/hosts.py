"""Hosts on one machine: Linux network namespaces, with a link to clients and one to a database.

Only root can make them. `missing()` says why there are none here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORT = 4566


def missing() -> str:
    """Why hosts cannot be made here; "" if they can."""
    if sys.platform != "linux" or not shutil.which("ip"):
        return "network namespaces need Linux and the command ip"
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    name = f"kmslab-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if tried.returncode == 0:
        _ip("netns", "del", name)
    return tried.stderr.strip()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """One host. `address` is what clients call, `gateway` where it finds the database."""

    def __init__(self, number: int) -> None:
        self.name = f"kmslab-{os.getpid()}-{number}"
        self.address, self.gateway = f"10.203.{number}.2", f"10.204.{number}.1"
        self._process: subprocess.Popen[bytes] | None = None
        self._database = f"kd{os.getpid()}{number}"[-15:]  # Linux allows 15 characters
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "set", "lo", "up")
        self._link(f"kc{os.getpid()}{number}"[-15:], f"10.203.{number}", "clients")
        self._link(self._database, f"10.204.{number}", "database")

    def _link(self, here: str, network: str, there: str) -> None:
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.name)
        _ip("addr", "add", f"{network}.1/24", "dev", here)
        _ip("-n", self.name, "addr", "add", f"{network}.2/24", "dev", there)
        _ip("link", "set", here, "up")
        _ip("-n", self.name, "link", "set", there, "up")

    def cut(self) -> None:
        """From now on nothing passes between this host and the database, and neither is told."""
        _ip("link", "set", self._database, "down")

    def mend(self) -> None:
        _ip("link", "set", self._database, "up")

    def serve(self, log: Path, *arguments: str) -> None:
        """When this returns, the server has said how to find it."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-m", "kmslab", "serve"]
        command += ["--host", self.address, "--port", str(PORT), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=errors
            )
        assert self._process.stdout
        assert self._process.stdout.readline(), log.read_text()

    @property
    def url(self) -> str:
        return f"https://{self.address}:{PORT}"

    def remove(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
        _ip("netns", "del", self.name)  # and its links with it
