"""`encrypt` and `decrypt` as processes: stopped, killed, out of room, on a terminal."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kmslab import CMK, Lab, envelope
from tests.cli.test_sealing import KEY, STORE, names, written
from tests.waiting import until

pytestmark = [
    pytest.mark.usefixtures("bare"),
    pytest.mark.skipif(os.name != "posix", reason="needs signals, and pipes with names"),
]
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "kmslab"]
DATA = bytes(range(256)) * 12_000


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[CMK]:
    with Lab("sqlite:///my.db") as lab:
        yield lab.create_cmk("orders")


def started(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments, *STORE, *KEY],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        **options,
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[str]]:
    _, told = process.communicate(timeout=60)
    return process.returncode, told.decode().splitlines()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("encrypt", signal.SIGINT),
        pytest.param("decrypt", signal.SIGINT, marks=pytest.mark.long),
        pytest.param("encrypt", signal.SIGKILL, marks=pytest.mark.long),
        pytest.param("decrypt", signal.SIGKILL, marks=pytest.mark.long),
    ],
)
def test_a_run_that_is_stopped_keeps_what_is_done_and_leaves_nothing_else(
    orders: CMK, name: str, how: int
) -> None:
    data = DATA if name == "encrypt" else bytes(envelope.encrypt(DATA, orders))
    written("a.encrypted", data)
    os.mkfifo("b.encrypted")
    written("c.encrypted", data)
    sources = ("a.encrypted", "b.encrypted", "c.encrypted")

    def interruptible() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = started(name, *sources, "--output", "out", preexec_fn=interruptible)
    with open("b.encrypted", "wb") as pipe:  # which waits until it is read
        pipe.write(data[: 3 << 19])
        pipe.flush()
        process.send_signal(how)
        if how == signal.SIGKILL:
            process.wait(60)
    code, lines = ended(process)
    assert names("out") == {"a.encrypted.encrypted" if name == "encrypt" else "a"}
    if how == signal.SIGINT:
        assert code == 130
        assert [line.partition(" (")[0] for line in lines] == [f"Stopped. {name.title()}ed 1 file"]


def test_a_reader_who_has_enough_ends_it_in_silence(orders: CMK) -> None:
    os.mkfifo("source")
    process = started("encrypt", "source", "-o", "-", stdout=subprocess.PIPE)
    with open("source", "wb") as pipe:
        pipe.write(DATA[: (1 << 20) + 1000])  # a frame, which fills the pipe behind it
        pipe.flush()
        assert process.stdout is not None
        assert process.stdout.read(1) == b"\2"
        process.stdout.close()
        process.stdout = None
    assert ended(process) == (141, [])


@pytest.mark.long
def test_a_full_disk_is_a_line_and_what_fits_is_done(orders: CMK) -> None:
    import resource

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    written("top/big", DATA)
    written("top/small", b"x")
    code, lines = ended(started("encrypt", "top", "-r", "--output", "out", preexec_fn=small))
    assert (code, lines[0]) == (1, "top/big: File too large")
    assert lines[1].startswith("Encrypted 1 file (1 bytes) in")
    assert names("out") == {"small.encrypted"}


@pytest.mark.long
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
@pytest.mark.parametrize("name", ["encrypt", "decrypt"])
def test_a_stdout_that_is_full_is_a_line(orders: CMK, name: str) -> None:
    written("letter", b"x" if name == "encrypt" else bytes(envelope.encrypt(b"x", orders)))
    with open("/dev/full", "wb") as full:
        code, lines = ended(started(name, "letter", "-o", "-", stdout=full))
    assert (code, lines) == (1, ["letter: No space left on device"])


@pytest.mark.long
def test_a_folder_goes_through_tar_and_two_pipes(orders: CMK) -> None:
    for number in range(20):
        written(f"top/{number % 3}/{number}", os.urandom(number * 10_000))
    kmslab = f"{shlex.join(COMMAND)} {{}} - {shlex.join((*STORE, *KEY))}"
    line = f"tar c top | {kmslab.format('encrypt')} | {kmslab.format('decrypt')} | tar x -C back"
    Path("back").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(["sh", "-c", line], env=environment, check=True, timeout=100)
    for path in Path("top").rglob("*"):
        if path.is_file():
            assert Path("back", path).read_bytes() == path.read_bytes()


@pytest.mark.long
def test_on_a_terminal_a_bar_shows_what_takes_longer_than_a_second(orders: CMK) -> None:
    import pty

    os.mkfifo("source")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "encrypt", "source", "-o", "out", *STORE, *KEY],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""

    def bar() -> bool:
        nonlocal shown
        pipe.write(DATA)
        os.set_blocking(ours, False)
        try:
            shown += os.read(ours, 65536)
        except BlockingIOError:
            return False
        return b"MB/s" in shown

    with open("source", "wb", buffering=0) as pipe:
        until(bar)
    assert process.wait(60) == 0
    os.close(ours)
    assert b"source" in shown
