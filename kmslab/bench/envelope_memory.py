"""How much memory sealing and opening take at most, at two sizes of data, so that growth shows.

    python -m kmslab.bench.envelope_memory [--json] [SIZE…]

A size is a number of bytes, such as 64MiB or 8GiB. Each case runs in a process of its own, which
says what the system counted. The data is a sparse file of zeros in a temporary folder (TMPDIR
names its place), which needs room for three times the size. An unframed message comes from the AWS
Encryption SDK, since kmslab writes none.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from kmslab import envelope
from kmslab.bench.envelope_bare import Discard
from kmslab.bench.envelope_peers import encryption_sdk
from kmslab.bench.envelope_ways import MIB, NAME, NAMESPACE, UNSIGNED, bytes_of
from kmslab.bench.programs import Absent
from kmslab.display import Table

SIZES = ("64MiB", "512MiB")
KEY = bytes(32)  # anybody may know it: what it seals is zeros


# ------------------------------------------------------------------------------- in a child process


def _seal_stream(source: Path, target: Path) -> None:
    with source.open("rb") as reader:
        envelope.encrypt_stream(reader, Discard(), _ring())


def _open_stream(source: Path, target: Path) -> None:
    with source.open("rb") as reader:
        envelope.decrypt_stream(reader, Discard(), _ring(), unverified=True)


def _seal_file(source: Path, target: Path) -> None:
    envelope.encrypt_file(source, target, _ring(), overwrite=True)


def _open_file(source: Path, target: Path) -> None:
    envelope.decrypt_file(source, target, _ring(), overwrite=True)


def _seal_pipe(source: Path, target: Path) -> None:
    envelope.encrypt_stream(sys.stdin.buffer, sys.stdout.buffer, _ring())


def _open_pipe(source: Path, target: Path) -> None:
    envelope.decrypt_stream(sys.stdin.buffer, Discard(), _ring(), unverified=True)


def _ring() -> envelope.Keyring:
    return envelope.RawAesKeyring(NAMESPACE, NAME, KEY)


Case = tuple[Callable[[Path, Path], object], str, str]  # what it does, from what to what
FRAMED: dict[str, Case] = {
    "nothing but the import": (lambda source, target: None, "", ""),
    "seal a stream": (_seal_stream, "plain", ""),
    "seal a file": (_seal_file, "plain", "message"),
    "open a stream": (_open_stream, "message", ""),
    "open a file": (_open_file, "message", "opened"),
}
PIPES: dict[str, Case] = {
    "seal from pipe to pipe": (_seal_pipe, "", ""),
    "open from a pipe": (_open_pipe, "", ""),
}
UNFRAMED: dict[str, Case] = {
    "open an unframed stream": (_open_stream, "unframed", ""),
    "open an unframed file": (_open_file, "unframed", "opened"),
}
CASES = FRAMED | PIPES | UNFRAMED


def peak() -> int:
    """Of this process, in bytes.

    On Linux `ru_maxrss` begins with what its parent had when it started it.
    """
    with suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
        if found:
            return int(found[1]) * 1024
    import resource  # which Windows lacks

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _child(case: str, folder: Path) -> None:
    work, source, target = CASES[case]
    work(folder / source, folder / target)
    sys.stderr.write(f"{peak()}\n")


# --------------------------------------------------------------------------------------- the parent


def measure(size: int) -> dict[str, int | str]:
    """The peak of each case in bytes, or why it was not measured."""
    with tempfile.TemporaryDirectory("-bench", "kmslab-") as name:
        folder = Path(name)
        with (folder / "plain").open("wb") as file:
            file.truncate(size)
        peaks = {case: _peak(_started(case, folder)) for case in FRAMED}
        return peaks | _through_pipes(folder) | _unframed(folder)


def _through_pipes(folder: Path) -> dict[str, int | str]:
    seal, open_ = PIPES
    sealing = _started(seal, folder, subprocess.PIPE, subprocess.PIPE)
    opening = _started(open_, folder, sealing.stdout)
    assert sealing.stdin
    assert sealing.stdout
    sealing.stdout.close()  # the two processes alone hold the pipe
    with (folder / "plain").open("rb") as file, sealing.stdin as pipe:
        while piece := file.read(MIB):
            pipe.write(piece)
    return {seal: _peak(sealing), open_: _peak(opening)}


def _unframed(folder: Path) -> dict[str, int | str]:
    (folder / "message").unlink()  # to have its room
    try:
        peer = encryption_sdk(KEY, UNSIGNED, frame=0)
    except Absent as absent:
        return dict.fromkeys(UNFRAMED, str(absent))
    peer.seal(folder / "plain", folder / "unframed")
    return {case: _peak(_started(case, folder)) for case in UNFRAMED}


def _started(
    case: str, folder: Path, stdin: int | IO[bytes] | None = None, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", __spec__.name, "--child", case, str(folder)]
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)


def _peak(child: subprocess.Popen[bytes]) -> int | str:
    assert child.stderr
    with child.stderr:
        said = child.stderr.read().decode().strip().splitlines()
    if child.wait():
        return said[-1] if said else f"it ended with {child.returncode}"
    return int(said[-1])


def table(measured: dict[str, dict[str, int | str]]) -> Table:
    """A row a case, a column a size."""
    rows = [[case, *(_shown(peaks[case]) for peaks in measured.values())] for case in CASES]
    return Table(["peak memory", *measured], rows)


def _shown(peak: int | str) -> str:
    return peak if isinstance(peak, str) else f"{peak / MIB:,.1f} MiB"


def main(words: list[str]) -> None:
    if words[:1] == ["--child"]:
        return _child(words[1], Path(words[2]))
    as_json = "--json" in words
    sizes = [word for word in words if word != "--json"] or SIZES
    measured = {size: measure(bytes_of(size)) for size in sizes}
    shown = json.dumps(measured, indent=1) if as_json else repr(table(measured))
    sys.stdout.write(f"{shown}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
