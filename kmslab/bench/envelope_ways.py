"""A way to seal and open, and the two programs that measure it."""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kmslab import envelope
from kmslab.bench import envelope_bare as bare
from kmslab.bench.programs import Clock, Program

KIB, MIB = 1024, 1024 * 1024
UNITS = {"": 1, "KiB": KIB, "MiB": MIB, "GiB": 1024 * MIB}
UNSIGNED, SIGNED = 0x0478, 0x0578
LOOP, OURS = "bare loop", "kmslab"
NAMESPACE, NAME = "bench", "key"  # of the raw AES key that all messages are for


@dataclass(frozen=True, slots=True)
class Way:
    """What one program does in both directions, and which other way it is compared with."""

    by: str
    subject: str
    size: int  # bytes of plaintext
    seal: Callable[[], object]
    open: Callable[[], object]
    against: "Way | None" = None
    share: bool = True  # of the other's speed; else how many times as long
    rounds: int = 0
    clock: Clock = time.perf_counter


def programs(ways: Iterable[Way]) -> Iterator[Program]:
    """Two of each way, `seal` and `open`. A way comes after the one that it is compared with."""
    made: dict[tuple[int, str], Program] = {}
    for way in ways:
        for operation, call in (("seal", way.seal), ("open", way.open)):
            program = Program(
                way.by,
                way.subject,
                operation,
                call,
                made[id(way.against), operation] if way.against else None,
                way.share,
                way.size,
                rounds=way.rounds,
                clock=way.clock,
            )
            made[id(way), operation] = program
            yield program


def subject(place: str, suite: int, frame: int, threads: int = 1) -> str:
    """Such as `file, 0x0578, 4 KiB, 2 threads`."""
    end = f", {threads} threads" if threads > 1 else ""
    return f"{place}, 0x{suite:04x}, {size_of(frame)}{end}"


class Keys:
    """One key, as a keyring's and as a bare loop's."""

    def __init__(self, frame: int) -> None:
        self.key = secrets.token_bytes(32)
        self.sealing, self.opening = bare.sealing(self.key, frame), bare.opening(self.key, frame)
        self.ring = envelope.RawAesKeyring(NAMESPACE, NAME, self.key)


def size_of(size: int) -> str:
    """In the largest unit in which it is a whole number."""
    unit = max((unit for unit in UNITS if not size % UNITS[unit]), key=lambda unit: UNITS[unit])
    return f"{size // UNITS[unit]:,} {unit or 'bytes'}"


def bytes_of(text: str) -> int:
    """Raises ValueError if the text is not a size."""
    found = re.fullmatch(r"(\d{1,15})(|KiB|MiB|GiB)", text, re.ASCII)
    if not found:
        raise ValueError(f"{text} is not a number of bytes, such as 64MiB")
    return int(found[1]) * UNITS[found[2]]
