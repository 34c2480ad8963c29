"""What wrapping a data key costs, by nine methods in two libraries, and what making a key costs.

python -m kmslab.bench.wrapping            a full run, ten minutes or so; JSON to the terminal
python -m kmslab.bench.wrapping FILE       the same into a file (`make bench`)
python -m kmslab.bench.wrapping --quick    some seconds
"""

import argparse
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from kmslab.bench import machine, with_cryptography, with_pycryptodome
from kmslab.bench.machine import Software
from kmslab.bench.measuring import Measurement, measure
from kmslab.bench.methods import DATA_KEY, KEY_SPECS, METHODS, Library
from kmslab.bench.progress import Progress, counted, on_stderr, silent
from kmslab.bench.result import BASELINE, GENERATE, UNWRAP, WRAP, Result, Series, read
from kmslab.bench.summary import summarise
from kmslab.crypto import pyca

__all__ = ["METHODS", "Result", "read", "run"]

LIBRARIES: tuple[Library, ...] = (with_cryptography, with_pycryptodome)


@dataclass(frozen=True, slots=True)
class Effort:
    rounds: int  # samples of a method
    keys: int  # samples of making a key, one key each
    batch_seconds: float


FULL = Effort(rounds=100, keys=100, batch_seconds=0.005)
QUICK = Effort(rounds=15, keys=0, batch_seconds=0.001)  # RSA keys alone would take a minute

Name = tuple[str, str, str]  # library, subject, operation


def run(quick: bool = False, progress: Progress = silent) -> Result:
    """Measure on this computer: ten minutes or so; with `quick` some seconds, without making keys.

    The result has `table()`, `keys()`, `plot()` and `to_json()`; times are microseconds a call.
    `result.warning` says whether the machine was too busy for it. `progress` is called with what
    is done so far.
    """
    effort, before = QUICK if quick else FULL, machine.load()
    measurements, sizes = prepare(effort, progress)
    measure(list(measurements.values()), effort.batch_seconds, progress=progress)
    return Result(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        quick=quick,
        machine=machine.describe(before + machine.load()),
        libraries=tuple(_software(library) for library in LIBRARIES),
        sizes=sizes,
        series=tuple(_series(name, each) for name, each in measurements.items()),
    )


def prepare(
    effort: Effort, progress: Progress = silent
) -> tuple[dict[Name, Measurement], dict[str, int]]:
    """Everything to measure, with keys made and loaded, and each wrapped data key's size."""
    specs = counted(KEY_SPECS, "making keys", progress)
    wrapping_keys = {spec: _new_key(spec) for spec in specs}
    data_key = secrets.token_bytes(DATA_KEY)
    baseline = Measurement(partial(_do_nothing, data_key), effort.rounds)
    measurements = {("", BASELINE, "call"): baseline}
    sizes: dict[str, int] = {}
    for library in LIBRARIES:
        for method in METHODS:
            wrapper = library.LOAD[method.name](wrapping_keys[method.key])
            wrapped = wrapper.wrap(data_key)
            sizes[method.name] = len(wrapped)
            name, rounds = (library.NAME, method.name), effort.rounds
            measurements[*name, WRAP] = Measurement(partial(wrapper.wrap, data_key), rounds)
            measurements[*name, UNWRAP] = Measurement(partial(wrapper.unwrap, wrapped), rounds)
        for spec in KEY_SPECS if effort.keys else ():
            making = Measurement(library.GENERATE[spec], effort.keys)
            measurements[library.NAME, spec, GENERATE] = making
    return measurements, sizes


def _new_key(spec: str) -> bytes:
    return secrets.token_bytes(32) if spec == "AES_256" else pyca.generate_key(spec)


def _do_nothing(data_key: bytes) -> bytes:
    return data_key


def _series(name: Name, measurement: Measurement) -> Series:
    samples = tuple(round(sample, 4) for sample in measurement.samples)
    return Series(*name, measurement.batch, samples, summarise(samples))


def _software(library: Library) -> Software:
    return Software(library.NAME, version(library.NAME), library.built_on())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="wrapping", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("file", nargs="?", type=Path, help="for the JSON; else it is printed")
    parser.add_argument("--quick", action="store_true", help="some seconds, without making keys")
    asked = parser.parse_args()
    if asked.file:
        try:
            asked.file.touch()  # before ten minutes have passed
        except OSError as error:
            parser.error(f"{asked.file} cannot be written: {error.strerror}")
    result = run(asked.quick, on_stderr)
    if asked.file:
        asked.file.write_text(result.to_json(), encoding="utf-8")
        sys.stdout.write(f"{result!r}\n")
    else:
        sys.stdout.write(result.to_json())


if __name__ == "__main__":
    main()
