"""How long the command takes: `kmslab encrypt` and `kmslab decrypt`, for a large file and for many.

    python -m kmslab.bench.envelope_commands [--size 1GiB] [--files 2000] [--rounds 5]

Each run is a process of its own, with a key in a new store (an SQLite file). The small files have 1
to 16 KiB and lie in 20 folders. All of it is in memory if that has room, else where TMPDIR says.
The large file is sealed signed, as it is by default, and unsigned; and by the command `age`, if it
is there, which signs nothing.
"""

import argparse
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from kmslab.bench.envelope_files import Files, free_folder, random_file
from kmslab.bench.envelope_peers import FromTo, Peers
from kmslab.bench.envelope_ways import KIB, OURS, UNSIGNED, Way, bytes_of, programs, size_of
from kmslab.bench.measuring import measure
from kmslab.bench.programs import Effort, Program
from kmslab.bench.progress import Progress, on_stderr, silent
from kmslab.bench.summary import summarise
from kmslab.bench.tables import typical
from kmslab.display import Table
from kmslab.lab.lab import Lab

FOLDERS = 20
SMALLEST, LARGEST = KIB, 16 * KIB  # of the many files


def run(size: int, files: int, rounds: int, progress: Progress = silent) -> Table:
    """A row for each program and direction: the median, its interval, and MB or files a second."""
    with ExitStack() as stack:
        folder = free_folder(max(size, files * LARGEST), stack)
        plan = [
            Program(OURS, "nothing", "--version", partial(_kmslab, "--version")),
            *programs(ways(folder, size, files, rounds)),
        ]
        measured = measure(plan, Effort(rounds, batch_seconds=0.01), progress)
    rows = []
    for program in plan:
        summary = summarise(measured[program].values)
        speed = typical(summary, program.size)[0] if program.size else ""
        if program.subject == _many(files):
            speed = f"{files / summary.median * 1e6:,.0f} files/s"
        rows.append([program.subject, program.by, program.operation, *typical(summary), speed])
    return Table(["what", "by", "", "median", "95 % interval", "speed"], rows)


def _many(files: int) -> str:
    return f"{files:,} files of {SMALLEST // KIB} to {LARGEST // KIB} KiB"


def ways(folder: Path, size: int, files: int, rounds: int) -> Iterator[Way]:
    store = f"sqlite:///{folder / 'store.db'}"
    with Lab(store=store) as lab:
        lab.create_cmk("bench")
    options = ["--key", "alias/bench", "--store", store, "--quiet"]
    large = Files(random_file(folder / "large", size), size, rounds)
    name = f"a file of {size_of(size)}"
    for by, suite in ((OURS, []), (f"{OURS} {UNSIGNED:#06x}", ["--suite", f"{UNSIGNED:#06x}"])):
        ours = _commands(options, suite)
        yield large.way(by, name, ours, large.sealed(ours[0]))
    if age := Peers(folder, b"").age():
        yield large.way(age.by, name, (age.seal, age.open), large.sealed(age.seal))
    _make_small_files(folder / "many", files)
    many, ours = Files(folder / "many", 0, rounds), _commands([*options, "--recursive"])
    yield many.way(OURS, _many(files), ours, many.sealed(ours[0]))


def _commands(options: Sequence[str], suite: Sequence[str] = ()) -> tuple[FromTo, FromTo]:
    def seal(source: Path, target: Path) -> None:
        _kmslab("encrypt", source, "--output", target, *options, *suite)

    def open_(source: Path, target: Path) -> None:
        _kmslab("decrypt", source, "--output", target, *options)

    return seal, open_


def _kmslab(*words: str | Path) -> None:
    command = [sys.executable, "-m", "kmslab", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _make_small_files(folder: Path, files: int) -> None:
    """Each run has the same sizes."""
    sizes = random.Random(files).choices(range(SMALLEST, LARGEST + 1), k=files)
    for number, size in enumerate(sizes):
        place = folder / f"{number % FOLDERS}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.bin").write_bytes(secrets.token_bytes(size))


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m kmslab.bench.envelope_commands")
    parser.add_argument("--size", type=bytes_of, default="1GiB")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(words)
    table = run(given.size, given.files, given.rounds, on_stderr)
    sys.stdout.write(f"{table!r}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
