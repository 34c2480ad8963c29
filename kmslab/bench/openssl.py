"""`openssl speed`, an outside reference: the same arithmetic without Python, measured by its maker.

It gives one figure for each operation, over a second of CPU time, so it has no interval. The
command is the system's, and may be older than the OpenSSL inside `cryptography`.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from kmslab.bench.programs import Outside

RSA, SIGNATURE = ("sign", "verify", "encrypt", "decrypt"), ("sign", "verify")
KEM, ML_DSA = ("make", "encapsulate", "decapsulate"), ("make", "sign", "verify")
AGREEMENT, BYTES = ("agree",), ("encrypt",)
SECONDS = 1  # for each operation
COMMAND = "openssl speed"


def speed(
    algorithms: Mapping[str, Sequence[str]], quick: bool, size: int = 0
) -> tuple[list[Outside], dict[str, str]]:
    """What the command says of each algorithm, and what it does not say, with the reason.

    `algorithms` has the operations of each, in the order of the command's columns; `size` is the
    length of a message, for ciphers.
    """
    path = shutil.which("openssl")
    if quick:
        return [], {COMMAND: "A quick run leaves it out."}
    if not path:
        return [], {COMMAND: "This computer has no command openssl."}
    by, found, absent = _version(path), [], {}
    for algorithm, operations in algorithms.items():
        rates = _rates(_ran(path, algorithm, size))
        found += [
            Outside(by, algorithm, operation, 1e6 * (size or 1) / rate, size)
            for operation, rate in zip(operations, rates, strict=False)
            if rate
        ]
        if not rates:
            absent[f"{by} {algorithm}"] = "This version of the command cannot measure it."
    return found, absent


def _version(path: str) -> str:
    said = subprocess.run([path, "version"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2]) or "openssl"


def _ran(path: str, algorithm: str, size: int) -> str:
    asked = [path, "speed", "-mr", "-seconds", str(SECONDS)]
    asked += ["-bytes", str(size), "-evp", algorithm] if size else [algorithm]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def _rates(said: str) -> list[float]:
    """The numbers of the result's line: operations a second, or bytes a second of a cipher.

    The line starts with `+F`, a number for the kind of algorithm, and what it is called, which
    differs from version to version. Only the rates have a decimal point.
    """
    lines = re.findall(r"^\+F\d*:(.*)$", said, re.M)
    return [float(part) for part in lines[-1].split(":") if "." in part] if lines else []
