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
UNSIGNED, SIGNED = 0x0478, 0x0578
UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
LOOP, LOOPS, OURS = "bare loop", "bare loop, 2 threads", "kmslab"
HASHING = "The loop also hashes the ciphertext. Of its two threads, one only hashes."
NAMESPACE, NAME = "bench", "key"  # of the raw AES key that all messages are for


@dataclass(frozen=True, slots=True)
class Way:
    """What one program does in both directions, and which way it is compared with."""

    by: str
    seal: Callable[[], object]
    open: Callable[[], object]
    against: str = ""
    share: bool = True  # of the other's speed; else how many times as long
    clock: Clock = time.perf_counter


def size_of(size: int) -> str:
    """Whole MiB as such, other sizes in bytes."""
    return f"{size:,} bytes" if size % MIB else f"{size // MIB:,} MiB"


def bytes_of(text: str) -> int:
    """Raises ValueError if the text is not a size."""
    found = re.fullmatch(r"(\d{1,15})(|KiB|MiB|GiB)", text, re.ASCII)
    if not found:
        raise ValueError(f"{text} is not a number of bytes, such as 64MiB")
    return int(found[1]) * UNITS[found[2]]


def programs(subject: str, size: int, ways: Iterable[Way], rounds: int = 0) -> Iterator[Program]:
    """Two of each way, `seal` and `open`. A way stands after the one it is compared with."""
    made: dict[tuple[str, str], Program] = {}
    for way in ways:
        for operation, call in (("seal", way.seal), ("open", way.open)):
            program = Program(
                way.by,
                subject,
                operation,
                call,
                made.get((way.against, operation)),
                way.share,
                size,
                rounds=rounds,
                clock=way.clock,
            )
            made[way.by, operation] = program
            yield program


class Keys:
    """One key, as a keyring's and as a bare loop's."""

    def __init__(self, frame: int) -> None:
        self.key = secrets.token_bytes(32)
        self.sealing, self.opening = bare.sealing(self.key, frame), bare.opening(self.key, frame)
        self.ring = envelope.RawAesKeyring(NAMESPACE, NAME, self.key)
