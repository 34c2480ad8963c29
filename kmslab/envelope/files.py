"""Messages in files: either the whole target appears, or nothing.

The output goes to a file beside the target that only its owner can read. When all of it is on the
disk, that file gets the target's name in one step. Only a killed process leaves such a file behind
(`.NAME.*.part`).
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
    """Encrypt a file of any size. `source` and `target` may be the same if `overwrite` is set.

    FileExistsError if the target exists and `overwrite` is not set. The other arguments are those
    of `encrypt_stream`. If anything fails, the target is unchanged.
    """
    with _written(target, overwrite) as writer, open(source, "rb") as reader:
        return encrypt_stream(
            reader, writer, keyring, context=context, suite=suite, frame_length=frame_length
        )


def decrypt_file(source: Path, target: Path, keyring: Any, *, overwrite: bool = False) -> Opened:
    """Decrypt a file. The target appears only after the whole message has been verified."""
    with _written(target, overwrite) as writer, open(source, "rb") as reader:
        return decrypt_stream(reader, writer, keyring)


@contextmanager
def _written(target: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A file to write to. It becomes the target, or is deleted if anything is raised."""
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
    """Replacing a link or a device would not change what it points to; it would only remove it."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not overwrite:
        raise FileExistsError(f"{path} already exists; overwrite=True replaces it")
    if not stat.S_ISREG(mode):
        raise FileExistsError(f"{path} is not a regular file: give the file itself, or a stream")


def _name(part: str, path: str) -> None:
    """Name the file, unless another program took the name meanwhile: a link never replaces."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise FileExistsError(f"{path} already exists; overwrite=True replaces it") from None
    except OSError:  # no hard links here: for an instant, an empty file has the name
        with open(path, "xb"):
            pass
        os.replace(part, path)
