"""The root key: the one secret that is never in the store. It wraps the domain keys, and only them.

A lab in memory has one that dies with it. A lab in a file keeps one in a file beside it, which only
its owner may read; whoever has both files has every key in them.
"""

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

from kmslab.crypto import SecretBytes
from kmslab.crypto.backend import AES_256_KEY
from kmslab.display import PlainError

SIZE = AES_256_KEY  # bytes


class RootKeyError(PlainError):
    """The root key is missing, not the right one, or open to others. The text says what to do."""


def in_memory() -> SecretBytes:
    return SecretBytes(secrets.token_bytes(SIZE))


def beside(database: Path, *, needed: bool) -> SecretBytes:
    """The key in `<database>.key`. It is made there on first use, unless it is `needed` already."""
    path = database.with_name(database.name + ".key")
    if not path.exists():
        if needed:
            raise RootKeyError(
                f"The root key {path} is missing. The keys in {database.name} are sealed under it, "
                "and no other opens them: put the file back, or start with a new store."
            )
        _create(path)
    return _read(path)


def _create(path: Path) -> None:
    """Written beside, then linked into place: nobody finds half a key, and the first one stays."""
    handle, draft = tempfile.mkstemp(
        dir=path.parent, prefix=path.name
    )  # readable by its owner only
    try:
        with open(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SIZE) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _read(path: Path) -> SecretBytes:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise RootKeyError(
            f"Others may read the root key {path}, and with it every key of this lab. "
            f"Make it yours alone: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != SIZE:
        raise RootKeyError(
            f"{path} does not hold a root key of {SIZE} bytes in hexadecimal digits."
        )
    return SecretBytes(key)
