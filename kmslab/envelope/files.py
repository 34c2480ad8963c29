"""Messages in files: the target is there whole, or not at all.

What is written goes to a file beside the target, readable by its owner alone, and takes the
target's name in one step when all of it is on the disk. Only a process that was killed leaves that
other file, `.NAME.*.part`.
"""

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from kmslab.envelope.message import Header
from kmslab.envelope.stream import MIB, Opened, decrypt_stream, encrypt_stream

Path = str | os.PathLike[str]


def encrypt_file(
    source: Path,
    target: Path,
    keyring: Any,
    *,
    overwrite: bool = False,
    context: Mapping[str, str] | None = None,
    suite: int = 0x0578,
    frame_length: int = MIB,
) -> Header:
    """Seal a file of any size into another, or in its own place if `overwrite` is set.

    FileExistsError if the target is there and `overwrite` is not set. The rest as in
    `encrypt_stream`; whatever goes wrong, the target is as it was.
    """
    with _written(target, overwrite) as writer, open(source, "rb") as reader:
        return encrypt_stream(
            reader, writer, keyring, context=context, suite=suite, frame_length=frame_length
        )


def decrypt_file(source: Path, target: Path, keyring: Any, *, overwrite: bool = False) -> Opened:
    """Open a message in a file; the target appears when all of it is verified, else never."""
    with _written(target, overwrite) as writer, open(source, "rb") as reader:
        return decrypt_stream(reader, writer, keyring)


@contextmanager
def _written(target: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A file to write to that becomes the target if nothing is raised, and else disappears."""
    path = os.fspath(target)
    _check(path, overwrite)
    folder, name = os.path.split(os.path.abspath(path))
    number, part = tempfile.mkstemp(".part", f".{name[:40]}.", folder)  # of mode 0600
    try:
        with open(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            _check(path, overwrite)
            os.replace(part, path)
        else:
            _name(part, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


def _check(path: str, overwrite: bool) -> None:
    """Replacing a link or a device would not change what it leads to, only lose the way there."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not overwrite:
        raise FileExistsError(f"{path} is there already; overwrite=True replaces it")
    if not stat.S_ISREG(mode):
        raise FileExistsError(f"{path} is no plain file: name the file itself, or use a stream")


def _name(part: str, path: str) -> None:
    """Give the file its name, unless somebody has taken that since: a link never replaces."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise FileExistsError(f"{path} is there already; overwrite=True replaces it") from None
    except OSError:  # a file system without hard links: for an instant, an empty file has the name
        with open(path, "xb"):
            pass
        os.replace(part, path)
