"""Sealing data of several sizes: Encrypt for each 4 KiB of it, or one data key for all of it.

The calls go through a real boto3 client whose wire ends in this process. So no network is in these
times; it would add its round trip to each call, and widen the gap.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kmslab import envelope
from kmslab.bench.programs import Benchmark, Effort, Plan, Program
from kmslab.bench.result import Result
from kmslab.bench.result import read as read_result
from kmslab.lab.lab import Lab

if TYPE_CHECKING:  # imported at run time only for a picture
    from kmslab.figures import Picture

PIECE = 4096  # bytes, the most that Encrypt takes
SIZES = {"4 KiB": PIECE, "64 KiB": 2**16, "1 MiB": 2**20, "16 MiB": 2**24}
DIRECT, ENVELOPE, SEAL = "Encrypt, piece by piece", "one data key", "seal"
CALLS = "calls of Encrypt"


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    lab = stack.enter_context(Lab())
    sizes = {name: size for name, size in SIZES.items() if size <= effort.size}
    facts = {name: {CALLS: size // PIECE} for name, size in sizes.items()}
    return Plan([each for size in sizes.items() for each in _programs(lab, *size)], facts)


def _programs(lab: Lab, name: str, size: int) -> Iterator[Program]:
    client, key, data = lab.boto3(), lab.create_cmk("bench").arn, secrets.token_bytes(size)
    ring = envelope.KmsKeyring(client, key)
    pieces = [data[start : start + PIECE] for start in range(0, size, PIECE)]

    def directly() -> None:
        for piece in pieces:
            client.encrypt(KeyId=key, Plaintext=piece)

    yield (direct := Program(DIRECT, name, SEAL, directly, size=size))
    yield Program(
        ENVELOPE, name, SEAL, lambda: envelope.encrypt(data, ring), against=direct, size=size
    )


BENCHMARK = Benchmark(
    "sealing",
    prepare,
    full=Effort(rounds=9, batch_seconds=0.02, size=max(SIZES.values())),
    quick=Effort(rounds=5, batch_seconds=0.001, size=SIZES["64 KiB"], quick=True),
)


class Sealing:
    """A recorded run as lesson 09 shows it."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def plot(self) -> "Picture":
        """The medians, as MB a second."""
        from kmslab import figures

        rows = [
            figures.SealingTimes(
                SIZES[name],
                int(facts[CALLS]),
                *(self.result.median(by, name, SEAL) for by in (DIRECT, ENVELOPE)),
            )
            for name, facts in self.result.facts.items()
        ]
        return figures.throughput("sealing, without a network", rows)


def read(text: str | bytes) -> Sealing:
    """A recorded run. Raises ValueError if the text is not one."""
    return Sealing(read_result(text, "sealing"))
