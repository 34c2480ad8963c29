"""What the message format costs: `encrypt_stream` and a bare loop over the same buffers.

The plaintext is 64 MiB in memory. The loop encrypts it in frames of 1 MiB with AES-256-GCM, always
into the same buffer; the stream does the same, and also numbers the frames and writes them to a
writer that discards them. In the signed suite it also hashes them, as a second loop does. Stream
and loop are timed in turn, so that a machine whose speed drifts does not skew the ratio.

    python -m kmslab.bench.envelope_stream
"""

import hashlib
import json
import platform
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kmslab import envelope
from kmslab.bench.progress import Progress, counted, on_stderr, silent

MIB = 1024 * 1024
ROUNDS, SIZE, FRAME = 30, 64 * MIB, MIB


class Discard:
    """A writer that keeps nothing."""

    def write(self, content: memoryview) -> int:
        return len(content)


def run(rounds: int = ROUNDS, size: int = SIZE, progress: Progress = silent) -> dict[str, Any]:
    """Median GiB a second, and the stream's rate as a part of the loop's, with quartiles."""
    plaintext = memoryview(secrets.token_bytes(size))
    ring = envelope.RawAesKeyring("bench", "sealing", secrets.token_bytes(32))
    unsigned, signed = (_stream(plaintext, ring, suite) for suite in (0x0478, 0x0578))
    bare, hashing = _bare_loop(plaintext), _bare_loop(plaintext, hashes=True)
    pairs = {
        "0x0478 against AES-GCM": (bare, unsigned),
        "0x0578 against AES-GCM": (bare, signed),
        "0x0578 against AES-GCM and SHA-384": (hashing, signed),
    }
    measured = {
        name: _compare(loop, stream, counted(range(rounds), name, progress), size)
        for name, (loop, stream) in pairs.items()
    }
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    return {"sealing": measured, "bytes": size, "frame": FRAME, "rounds": rounds, **machine}


def _bare_loop(plaintext: memoryview, hashes: bool = False) -> Callable[[], object]:
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


def _compare(
    bare: Callable[[], object], stream: Callable[[], object], rounds: Iterable[int], size: int
) -> dict[str, float]:
    _seconds(bare), _seconds(stream)  # warm up
    pairs = [(_seconds(bare), _seconds(stream)) for _ in rounds]
    low, middle, high = statistics.quantiles((a / b for a, b in pairs), n=4, method="inclusive")
    gib = size / 2**30
    return {
        "bare_gib_s": round(gib / statistics.median(a for a, _ in pairs), 2),
        "stream_gib_s": round(gib / statistics.median(b for _, b in pairs), 2),
        "ratio": round(middle, 3),
        "ratio_q1": round(low, 3),
        "ratio_q3": round(high, 3),
    }


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


if __name__ == "__main__":
    json.dump(run(progress=on_stderr), sys.stdout, indent=2)
    sys.stdout.write("\n")
