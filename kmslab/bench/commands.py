"""Servers that are commands: `kmslab serve --workers N`, and `moto_server`, which imitates AWS.

Their CPU time is that of their processes, which Linux tells everybody. Elsewhere nobody can say.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from kmslab.bench.load import HOST, Served, made_key
from kmslab.bench.machine import Software
from kmslab.bench.programs import Absent
from kmslab.crypto.secret import SecretBytes
from kmslab.kms.backing.access_keys import AccessKeyPair

START = 60  # seconds until a server has to accept connections
STOP = 30  # seconds that it may take to end
PAUSE = 0.1
CAN_TELL = sys.platform == "linux"  # the CPU time of other processes
MOTO = "moto's server"
NO_MOTO = "There is no command `moto_server` that runs; `pip install 'moto[server]'` installs it."
VERSION = "from importlib.metadata import version; print(version('moto'))"


@contextmanager
def with_workers(workers: int, store: str) -> Iterator[Served]:
    """`kmslab serve`: this interpreter's kmslab."""
    access_key = AccessKeyPair("AKIABENCHMARK", SecretBytes(secrets.token_hex(20).encode()))
    port = _free_port()
    command = [sys.executable, "-m", "kmslab", "serve", "--port", str(port)]
    command += ["--store", store, "--workers", str(workers)]
    # No other setting of whoever measures counts, and an argument would be visible to everybody.
    environment = {name: value for name, value in os.environ.items() if "KMSLAB_" not in name}
    environment["KMSLAB_ACCESS_KEYS"] = f"{access_key.id}:{access_key.secret.decode()}"
    with _running(command, port, environment) as cpu:
        yield Served(port, access_key, made_key(port, access_key), cpu)


@contextmanager
def moto() -> Iterator[tuple[Served, Software]]:
    """Moto's server, which verifies no signature. Raises `Absent`."""
    program = shutil.which("moto_server")
    if not program or not _runs(program):
        raise Absent(NO_MOTO)
    port, access_key = _free_port(), AccessKeyPair("AKIABENCHMARK", SecretBytes(b"any"))
    with _running([program, "-H", HOST, "-p", str(port)], port, dict(os.environ)) as cpu:
        server = Served(port, access_key, made_key(port, access_key), cpu)
        yield server, Software("moto", _version_beside(program))


def _runs(program: str) -> bool:
    """Moto without what its server needs has the command too."""
    tried = subprocess.run([program, "--help"], capture_output=True, timeout=START, check=False)
    return tried.returncode == 0


def _version_beside(program: str) -> str:
    with suppress(subprocess.SubprocessError, OSError):
        command = [str(Path(program).parent / "python"), "-c", VERSION]
        return subprocess.check_output(command, text=True, timeout=START).strip()
    return "of unknown version"


def _free_port() -> int:
    with closing(socket.create_server((HOST, 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _running(
    command: Sequence[str], port: int, environment: dict[str, str]
) -> Iterator[Callable[[], float] | None]:
    """While it runs and listens: its clock. What it logs is dropped."""
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=silent, stderr=silent, env=environment)
    try:
        _wait_for(process, port)
        yield partial(cpu_of, process.pid) if CAN_TELL else None
    finally:
        process.terminate()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), closing(socket.create_connection((HOST, port), PAUSE)):
            return
        time.sleep(PAUSE)
    raise RuntimeError(f"{process.args!r} does not listen; it ended with {process.returncode}")


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process and its children have used, in all their threads.

    Linux keeps a clock for each process, whose number comes from the process's: see
    clock_getcpuclockid(3).
    """
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return sum(time.clock_gettime((~each << 3) | 2) for each in (process, *map(int, children)))
