"""What the message format costs, beside bare loops that only encrypt, and beside other programs.

A stream goes from memory to a writer that keeps nothing. `envelope_bare.py` has the loops and says
what they leave out; `envelope_files.py` goes from file to file, beside the programs of
`envelope_peers.py`; `envelope_memory.py` measures the memory that this takes, and
`envelope_commands.py` how long the command takes.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from kmslab import envelope
from kmslab.bench import envelope_bare as bare
from kmslab.bench import envelope_files as files
from kmslab.bench.envelope_peers import Peers
from kmslab.bench.envelope_ways import (
    KIB,
    LOOP,
    MIB,
    OURS,
    SIGNED,
    UNSIGNED,
    Keys,
    Way,
    programs,
    size_of,
    subject,
)
from kmslab.bench.programs import Benchmark, Effort, Facts, Plan

# At most, of a stream's data. Of a short one, the first use of each thread's memory is much.
STREAM = 256 * MIB
WHY = {
    subject("stream", UNSIGNED, MIB): "The loop encrypts each frame into the same buffer.",
    subject("stream", UNSIGNED, MIB, 2): (
        "Each of the loop's threads takes every second frame and never waits for its turn."
    ),
    subject("stream", SIGNED, MIB): "The loop also hashes the ciphertext.",
    subject("stream", SIGNED, MIB, 2): "One of the loop's threads encrypts, the other hashes.",
    subject("bytes", UNSIGNED, MIB): "The loop allocates one buffer and encrypts into it.",
    **files.WHY,
}


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    """`effort.size` is that of a file."""
    data = memoryview(secrets.token_bytes(min(effort.size, STREAM)))
    folder, keys = files.free_folder(effort.size, stack), Keys(MIB)
    peers = Peers(folder, keys.key)
    ways = [
        *_stream(data, UNSIGNED, MIB),
        *_stream(data, UNSIGNED, 4 * KIB),
        *_stream(data, SIGNED, MIB),
        *_bytes_to_bytes(data, UNSIGNED, MIB),
        *files.ways(folder, effort, keys, peers),
    ]
    facts: dict[str, Facts] = {
        way.subject: {"data": size_of(way.size), "why": WHY.get(way.subject, "")} for way in ways
    }
    return Plan([*programs(ways)], facts, peers.absent, peers.software)


def _stream(data: memoryview, suite: int, frame: int) -> Iterator[Way]:
    keys, write = Keys(frame), bare.Discard().write
    loop = bare.hashed_stream if suite == SIGNED else bare.stream
    sealed = memoryview(bare.into_one_buffer(keys.sealing, data))
    message = envelope.encrypt(data, keys.ring, suite=suite, frame_length=frame)
    limit = None  # first the loop on one thread, which the loop on two is compared with
    for threads in (1, 2):
        limit = Way(
            LOOP,
            subject("stream", suite, frame, threads),
            len(data),
            partial(loop, keys.sealing, data, write, threads),
            partial(loop, keys.opening, sealed, write, threads),
            limit,
        )
        seal = partial(envelope.encrypt_stream, data, bare.Discard(), keys.ring, suite=suite)
        open_ = partial(envelope.decrypt_stream, message, bare.Discard(), keys.ring)
        yield limit
        yield Way(
            OURS,
            limit.subject,
            len(data),
            partial(seal, frame_length=frame, threads=threads),
            partial(open_, unverified=True, threads=threads),
            limit,
        )


def _bytes_to_bytes(data: memoryview, suite: int, frame: int) -> Iterator[Way]:
    keys = Keys(frame)
    sealed = memoryview(bare.into_one_buffer(keys.sealing, data))
    message = envelope.encrypt(data, keys.ring, suite=suite, frame_length=frame)
    limit = None
    for threads in (1, 2):
        limit = Way(
            LOOP,
            subject("bytes", suite, frame, threads),
            len(data),
            partial(bare.into_one_buffer, keys.sealing, data, threads),
            partial(bare.into_one_buffer, keys.opening, sealed, threads),
            limit,
        )
        seal = partial(envelope.encrypt, data, keys.ring, suite=suite, frame_length=frame)
        open_ = partial(envelope.decrypt, message, keys.ring)
        yield limit
        yield Way(
            OURS,
            limit.subject,
            len(data),
            partial(seal, threads=threads),
            partial(open_, threads=threads),
            limit,
        )


BENCHMARK = Benchmark(
    "envelope",
    prepare,
    full=Effort(rounds=25, batch_seconds=0.05, size=100 * MIB),
    quick=Effort(rounds=5, batch_seconds=0.005, size=4 * MIB, quick=True),
)
