"""What a call in this process costs: `generate_data_key` as a multiple of its cryptography.

That cryptography alone is two random draws, one key derivation and one AES-GCM encryption, by one
library. Both are timed in turn, batch by batch, so that a machine whose speed drifts does not skew
the ratio.

    python -m kmslab.bench.in_process
"""

import json
import platform
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kmslab.bench.progress import Progress, counted, on_stderr, silent
from kmslab.crypto import pyca
from kmslab.lab.lab import Lab

ROUNDS, CALLS = 40, 500
CONTEXT = {"purpose": "benchmark"}


def run(rounds: int = ROUNDS, calls: int = CALLS, progress: Progress = silent) -> dict[str, Any]:
    """Median microseconds a call, and the median ratio with its quartiles."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'bench.db')}"
        with Lab() as memory, Lab(store=url) as file:
            measured = {
                name: _compare(
                    bare_cryptography,
                    _generate_data_key(lab),
                    counted(range(rounds), f"a lab in {name}", progress),
                    calls,
                )
                for name, lab in (("memory", memory), ("file", file))
            }
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    return {"generate_data_key": measured, "calls": rounds * calls, **machine}


def bare_cryptography() -> bytes:
    data_key, fresh = secrets.token_bytes(32), secrets.token_bytes(16 + 12)
    derivation_nonce, iv = fresh[:16], fresh[16:]
    derived = pyca.kdf_counter(data_key, b"kmslab", derivation_nonce, 32)
    return pyca.aes_gcm_seal(derived, iv, data_key, fresh)


def _generate_data_key(lab: Lab) -> Callable[[], object]:
    key, call = lab.create_cmk("bench").arn, lab.kms.generate_data_key
    return lambda: call(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)


def _compare(
    bare: Callable[[], object], call: Callable[[], object], rounds: Iterable[int], calls: int
) -> dict[str, float]:
    _batch(bare, calls), _batch(call, calls)  # warm up
    pairs = [(_batch(bare, calls), _batch(call, calls)) for _ in rounds]
    low, middle, high = statistics.quantiles([b / a for a, b in pairs], n=4)
    return {
        "bare_us": round(statistics.median(a for a, _ in pairs), 2),
        "call_us": round(statistics.median(b for _, b in pairs), 2),
        "ratio": round(middle, 2),
        "ratio_q1": round(low, 2),
        "ratio_q3": round(high, 2),
    }


def _batch(function: Callable[[], object], calls: int) -> float:
    """Microseconds a call."""
    began = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - began) / calls * 1e6


if __name__ == "__main__":
    json.dump(run(progress=on_stderr), sys.stdout, indent=2)
    sys.stdout.write("\n")
