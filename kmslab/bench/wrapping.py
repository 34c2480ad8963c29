"""What wrapping a data key costs: nine ways, two libraries, and the making of keys apart.

python -m kmslab.bench.wrapping            a full run, some minutes; JSON to the terminal
python -m kmslab.bench.wrapping FILE       the same into a file (`make bench`)
python -m kmslab.bench.wrapping --quick    some seconds
"""

import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from kmslab.bench import machine, with_cryptography, with_pycryptodome
from kmslab.bench.machine import Software
from kmslab.bench.measuring import Timed, measure
from kmslab.bench.methods import DATA_KEY, KEYS, WAYS, Library
from kmslab.bench.result import BASELINE, GENERATE, UNWRAP, WRAP, Result, Series, read
from kmslab.bench.summary import summarise
from kmslab.crypto import pyca

__all__ = ["WAYS", "Result", "read", "run"]

LIBRARIES: tuple[Library, ...] = (with_cryptography, with_pycryptodome)


@dataclass(frozen=True, slots=True)
class Effort:
    rounds: int  # samples of a way
    keys: int  # samples of making a key, a key each
    batch_seconds: float


FULL = Effort(rounds=100, keys=100, batch_seconds=0.005)
QUICK = Effort(rounds=15, keys=0, batch_seconds=0.001)  # RSA keys alone would take a minute

Name = tuple[str, str, str]  # library, subject, operation


def run(quick: bool = False) -> Result:
    """Measure here and now: some seconds if quick, without the making of keys; else some minutes.

    The result has `table()`, `keys()`, `plot()` and `to_json()`; times are microseconds a call.
    `result.warning` says whether the machine was too busy for it.
    """
    effort, before = QUICK if quick else FULL, machine.load()
    things, sizes = prepare(effort)
    measure(list(things.values()), effort.batch_seconds)
    return Result(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        quick=quick,
        machine=machine.describe(before + machine.load()),
        libraries=tuple(_software(library) for library in LIBRARIES),
        sizes=sizes,
        series=tuple(_series(name, thing) for name, thing in things.items()),
    )


def prepare(effort: Effort) -> tuple[dict[Name, Timed], dict[str, int]]:
    """Everything to measure, with keys made and loaded, and how large each wrapped data key is."""
    loading = {key: _new_key(key) for key in KEYS}
    data_key = secrets.token_bytes(DATA_KEY)
    things = {("", BASELINE, "call"): Timed(partial(_nothing, data_key), effort.rounds)}
    sizes: dict[str, int] = {}
    for library in LIBRARIES:
        for way in WAYS:
            wrapper = library.LOAD[way.name](loading[way.key])
            wrapped = wrapper.wrap(data_key)
            sizes[way.name] = len(wrapped)
            name, rounds = (library.NAME, way.name), effort.rounds
            things[*name, WRAP] = Timed(partial(wrapper.wrap, data_key), rounds)
            things[*name, UNWRAP] = Timed(partial(wrapper.unwrap, wrapped), rounds)
        for key in KEYS if effort.keys else ():
            things[library.NAME, key, GENERATE] = Timed(library.GENERATE[key], effort.keys)
    return things, sizes


def _new_key(spec: str) -> bytes:
    return secrets.token_bytes(32) if spec == "AES_256" else pyca.generate_key(spec)


def _nothing(data_key: bytes) -> bytes:
    return data_key


def _series(name: Name, thing: Timed) -> Series:
    samples = tuple(round(sample, 4) for sample in thing.samples)
    return Series(*name, thing.batch, samples, summarise(samples))


def _software(library: Library) -> Software:
    return Software(library.NAME, version(library.NAME), library.built_on())


def main() -> None:
    files = [argument for argument in sys.argv[1:] if argument != "--quick"]
    result = run(quick="--quick" in sys.argv)
    if files:
        Path(files[0]).write_text(result.to_json(), encoding="utf-8")
        sys.stdout.write(f"{result!r}\n")
    else:
        sys.stdout.write(result.to_json())


if __name__ == "__main__":
    main()
