"""Messages in files: either the whole target appears, or nothing (`kmslab/whole_file.py`)."""

import os
from collections.abc import Mapping
from typing import Any

from kmslab.envelope.message import Header
from kmslab.envelope.policy import STRICT, Policy
from kmslab.envelope.stream import MIB, Opened, decrypt_stream, encrypt_stream
from kmslab.whole_file import written

Path = str | os.PathLike[str]


def encrypt_file(
    source: Path,
    target: Path,
    keyring: Any,
    *,
    overwrite: bool = False,
    context: Mapping[str, str] | None = None,
    suite: int | None = None,
    frame_length: int = MIB,
    policy: Policy = STRICT,
    threads: int = 2,
) -> Header:
    """Encrypt a file of any size. `source` and `target` may be the same if `overwrite` is set.

    Raises FileExistsError if the target exists and `overwrite` is not set. The other arguments are
    those of `encrypt_stream`. If anything fails, the target is unchanged.
    """
    options: dict[str, Any] = {"suite": suite, "frame_length": frame_length, "threads": threads}
    options |= {"context": context, "policy": policy}
    with written(target, overwrite) as writer, open(source, "rb") as reader:
        return encrypt_stream(reader, writer, keyring, **options)


def decrypt_file(
    source: Path,
    target: Path,
    keyring: Any,
    *,
    overwrite: bool = False,
    context: Mapping[str, str] | None = None,
    policy: Policy = STRICT,
    threads: int = 2,
) -> Opened:
    """Decrypt a file. The target appears only after the whole message has been verified."""
    options: dict[str, Any] = {"context": context, "policy": policy, "threads": threads}
    with written(target, overwrite) as writer, open(source, "rb") as reader:
        return decrypt_stream(reader, writer, keyring, unverified=True, **options)
