"""What the message format costs, beside bare loops that only encrypt, and beside other programs.

A stream goes from memory to a writer that keeps nothing. `envelope_bare.py` has the loops and says
what they leave out; `envelope_files.py` goes from file to file, beside the programs of
`envelope_peers.py`; `envelope_memory.py` measures the memory that all this takes.
"""

import secrets
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from kmslab import envelope
from kmslab.bench import envelope_bare as bare
from kmslab.bench import envelope_files as files
from kmslab.bench.envelope_ways import (
    HASHING,
    KIB,
    LOOP,
    LOOPS,
    MIB,
    OURS,
    SIGNED,
    UNSIGNED,
    Keys,
    Way,
    programs,
    size_of,
)
from kmslab.bench.programs import Benchmark, Effort, Plan

STREAM = 64 * MIB  # at most, of a stream's data: more would run at the same speed
EACH_FRAME = "The loop calls AESGCM for each frame, always into the same buffer."
ONE_BUFFER = "The loop encrypts into one buffer, which it allocates anew each time."


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    """`effort.size` is that of a file."""
    data = memoryview(secrets.token_bytes(min(effort.size, STREAM)))
    subjects = {
        "stream, 0x0478, 1 MiB frames": (_stream(data, UNSIGNED, MIB), EACH_FRAME),
        "stream, 0x0478, 4 KiB frames": (_stream(data, UNSIGNED, 4 * KIB), EACH_FRAME),
        "stream, 0x0578 (signed), 1 MiB frames": (_stream(data, SIGNED, MIB), HASHING),
        "bytes to bytes, 0x0478, 1 MiB frames": (_bytes_to_bytes(data, UNSIGNED, MIB), ONE_BUFFER),
    }
    made = [
        program
        for subject, (ways, _) in subjects.items()
        for program in programs(subject, len(data), ways)
    ]
    facts = {name: {"data": size_of(len(data)), "why": why} for name, (_, why) in subjects.items()}
    plan = files.plan(effort.size, effort.rounds, stack)
    return replace(plan, programs=[*made, *plan.programs], facts=facts | {**plan.facts})


def _stream(data: memoryview, suite: int, frame: int) -> list[Way]:
    keys, write = Keys(frame), bare.Discard().write
    loop = bare.hashed_stream if suite == SIGNED else bare.stream
    sealed = memoryview(bare.into_one_buffer(keys.sealing, data))
    options: dict[str, Any] = {"suite": suite, "frame_length": frame}
    message = envelope.encrypt(data, keys.ring, **options)
    alone, together = (
        Way(
            by,
            partial(loop, keys.sealing, data, write, threads),
            partial(loop, keys.opening, sealed, write, threads),
            against,
        )
        for by, threads, against in ((LOOP, 1, ""), (LOOPS, 2, LOOP))
    )
    ours = Way(
        OURS,
        partial(envelope.encrypt_stream, data, bare.Discard(), keys.ring, **options),
        partial(envelope.decrypt_stream, message, bare.Discard(), keys.ring, unverified=True),
        LOOPS if suite == SIGNED else LOOP,
    )
    return [alone, together, ours]


def _bytes_to_bytes(data: memoryview, suite: int, frame: int) -> list[Way]:
    keys = Keys(frame)
    options: dict[str, Any] = {"suite": suite, "frame_length": frame}
    sealed = memoryview(bare.into_one_buffer(keys.sealing, data))
    message = envelope.encrypt(data, keys.ring, **options)
    loop = Way(
        LOOP,
        partial(bare.into_one_buffer, keys.sealing, data),
        partial(bare.into_one_buffer, keys.opening, sealed),
    )
    ours = Way(
        OURS,
        partial(envelope.encrypt, data, keys.ring, **options),
        partial(envelope.decrypt, message, keys.ring),
        LOOP,
    )
    return [loop, ours]


BENCHMARK = Benchmark(
    "envelope",
    prepare,
    full=Effort(rounds=25, batch_seconds=0.05, size=100 * MIB),
    quick=Effort(rounds=5, batch_seconds=0.005, size=4 * MIB, quick=True),
)
