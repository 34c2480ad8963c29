"""Sealing data of several sizes: Encrypt for each 4 KiB of it, or one data key for all of it.

The calls go through a real boto3 client whose wire ends in this process. So no network is in these
times; it would add its round trip to each call, and widen the gap. Both ways are timed in turn.

    python -m kmslab.bench.sealing FILE
"""

import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from kmslab import envelope
from kmslab.bench import machine
from kmslab.bench.progress import Progress, counted, on_stderr, silent
from kmslab.lab.lab import Lab

if TYPE_CHECKING:  # imported at run time only for a picture
    from kmslab.figures import Picture

FORMAT = "kmslab sealing 1"
PIECE = 4096  # bytes, the most that Encrypt takes
SIZES = (PIECE, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024)
ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Sample:
    """All that was timed for one size, in microseconds."""

    size: int  # bytes
    calls: int  # of Encrypt, piece by piece
    direct: Sequence[float]
    envelope: Sequence[float]


@dataclass(frozen=True, slots=True)
class Result:
    measured_at: str  # UTC
    machine: machine.Machine
    samples: Sequence[Sample]

    def plot(self) -> "Picture":
        """The medians, as MB a second."""
        from kmslab import figures

        rows = [
            figures.SealingTimes(each.size, each.calls, median(each.direct), median(each.envelope))
            for each in self.samples
        ]
        return figures.throughput("sealing, without a network", rows)

    def to_json(self) -> str:
        head = {"format": FORMAT, "measured_at": self.measured_at, "unit": "microseconds"}
        stored = head | {
            "machine": asdict(self.machine),
            "samples": [asdict(each) for each in self.samples],
        }
        return json.dumps(stored, indent=1) + "\n"


def read(text: str | bytes) -> Result:
    """A result from its JSON. Raises ValueError if the text is not one."""
    stored = json.loads(text)
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise ValueError(f"this is not a result of the sealing benchmark ({FORMAT})")
    described = stored["machine"]
    lists = {name: tuple(described[name]) for name in ("flags", "load")}
    return Result(
        stored["measured_at"],
        machine.Machine(**described | lists),
        [Sample(**each) for each in stored["samples"]],
    )


def run(sizes: Sequence[int] = SIZES, rounds: int = ROUNDS, progress: Progress = silent) -> Result:
    """Measure on this computer: a minute or so. Sizes are whole numbers of 4 KiB."""
    before = machine.load()
    with Lab() as lab:
        samples = [_measure(lab, size, rounds) for size in counted(sizes, "measuring", progress)]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Result(now, machine.describe(before + machine.load()), samples)


def _measure(lab: Lab, size: int, rounds: int) -> Sample:
    client, key, data = lab.boto3(), lab.create_cmk("bench").arn, secrets.token_bytes(size)
    ring = envelope.KmsKeyring(client, key)
    pieces = [data[start : start + PIECE] for start in range(0, size, PIECE)]

    def directly() -> None:
        for piece in pieces:
            client.encrypt(KeyId=key, Plaintext=piece)

    def in_an_envelope() -> None:
        envelope.encrypt(data, ring)

    _time(directly), _time(in_an_envelope)  # warm up
    pairs = [(_time(directly), _time(in_an_envelope)) for _ in range(rounds)]
    return Sample(size, len(pieces), [one for one, _ in pairs], [other for _, other in pairs])


def _time(program: Callable[[], object]) -> float:
    """In microseconds."""
    began = time.perf_counter()
    program()
    return round((time.perf_counter() - began) * 1e6, 1)


def main() -> None:
    text = run(progress=on_stderr).to_json()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
