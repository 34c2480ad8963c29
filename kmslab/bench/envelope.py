"""What the message format costs: `encrypt_stream` beside a bare loop over the same buffers.

The loop encrypts the plaintext, which is in memory, in frames of 1 MiB with AES-256-GCM, always
into the same buffer. The stream does the same, and also numbers the frames and writes them to a
writer that discards them. In the signed suite it also hashes them, as a second loop does.
"""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import ExitStack

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kmslab import envelope
from kmslab.bench.programs import Benchmark, Effort, Plan, Program

FRAME = 1024 * 1024
SUITES = {0x0478: "0x0478", 0x0578: "0x0578, signed"}


class Discard:
    """A writer that keeps nothing."""

    def write(self, content: memoryview) -> int:
        return len(content)


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    plaintext = memoryview(secrets.token_bytes(effort.size))
    ring = envelope.RawAesKeyring("bench", "sealing", secrets.token_bytes(32))
    programs = []
    for suite, subject in SUITES.items():
        loop = _bare_loop(plaintext, hashes=suite == 0x0578)
        bare = Program("bare loop", subject, "seal", loop, size=effort.size)
        stream = _stream(plaintext, ring, suite)
        ours = Program("kmslab", subject, "seal", stream, bare, share=True, size=effort.size)
        programs += [bare, ours]
    return Plan(programs)


def _bare_loop(plaintext: memoryview, hashes: bool) -> Callable[[], object]:
    """The least work that encrypts the data: one key, one buffer, no message."""
    cipher, sealed = AESGCM(secrets.token_bytes(32)), memoryview(bytearray(FRAME + 16))

    def loop() -> None:
        digest = hashlib.sha384()
        for number in range(len(plaintext) // FRAME):
            frame = plaintext[number * FRAME : (number + 1) * FRAME]
            cipher.encrypt_into(number.to_bytes(12, "big"), frame, b"", sealed)
            if hashes:
                digest.update(sealed)

    return loop


def _stream(plaintext: memoryview, ring: envelope.Keyring, suite: int) -> Callable[[], object]:
    return lambda: envelope.encrypt_stream(
        plaintext, Discard(), ring, suite=suite, frame_length=FRAME
    )


BENCHMARK = Benchmark(
    "envelope",
    prepare,
    full=Effort(rounds=30, batch_seconds=0, size=64 * FRAME),
    quick=Effort(rounds=5, batch_seconds=0, size=4 * FRAME, quick=True),
)
