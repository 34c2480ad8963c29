"""The root key: the one secret that is never in the store. It wraps the domain keys.

The root key of a lab in memory dies with the lab. A lab in a file has its root key in a second file
beside it, and a lab in PostgreSQL has it in a file that is named when it is opened. Only the owner
may read that file. Anyone who has it and the store has every key in the store.
"""

import contextlib
import os
import secrets
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from kmslab.crypto import SecretBytes
from kmslab.crypto.backend import AES_256_KEY
from kmslab.display import PlainError

SIZE = AES_256_KEY  # bytes


class RootKeyError(PlainError):
    """The root key is missing, wrong, or readable by others. The text says what to do."""


def in_memory() -> SecretBytes:
    return SecretBytes(secrets.token_bytes(SIZE))


def beside(database: Path) -> Path:
    """Where the root key of a store in a file is, unless another place is named."""
    return database.with_name(database.name + ".key")


def waiting(path: Path) -> Path:
    """Where the next root key is, until the store is changed to it."""
    return path.with_name(path.name + ".new")


def settle(path: Path) -> Path | None:
    """Put the next root key in its place. Returns where the one before is kept, if there was one.

    Backups that were made with the one before need it.
    """
    kept = _kept(path)
    with contextlib.suppress(FileNotFoundError):
        os.link(path, kept)
    try:
        os.replace(waiting(path), path)
    except FileNotFoundError:  # another process was first
        kept.unlink(missing_ok=True)
    _sync(path.parent)
    return kept if kept.exists() else None


def retire(path: Path) -> Path | None:
    """Give a file that is no longer the root key another name. Returns where it is now."""
    kept = _kept(path)
    try:
        os.rename(path, kept)
    except FileNotFoundError:
        return None
    except OSError:  # a folder that may not be written, such as a mounted secret
        return path
    return kept


def _kept(path: Path) -> Path:
    until = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return path.with_name(f"{path.name}.until-{until}-{secrets.token_hex(2)}")


def _sync(folder: Path) -> None:
    """The name of a root key has to be on the disk before anything is sealed under it."""
    with contextlib.suppress(OSError):  # not on Windows
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def in_file(path: Path, *, needed: bool) -> SecretBytes:
    """The key in this file, which is made on first use. `needed`: it must exist already."""
    try:
        if not path.exists():
            if needed:
                raise RootKeyError(
                    f"The root key {path} is missing. What is secret in the store is sealed "
                    "under it, and no other opens it: put the file back, say with KMSLAB_ROOT_KEY "
                    "where it is, or start with a new store."
                )
            _create(path)
        return _read(path)
    except OSError as error:
        raise RootKeyError(
            f"The root key {path} cannot be read or made: {error.strerror}. It has to be a file "
            "that you may read, in a directory that you may write."
        ) from None


def _create(path: Path) -> None:
    """Write beside `path`, then link: no process reads half a key, and the first key stays."""
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
        _sync(path.parent)
    finally:
        os.unlink(draft)


def _read(path: Path) -> SecretBytes:
    if os.name == "posix" and path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
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
