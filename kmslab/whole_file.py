"""Files that appear whole, or not at all.

The output goes to a file that only its owner can read. When all of it is on the disk, that file
gets the target's name in one step. Until then it has no name, if the system allows that (Linux's
O_TMPFILE). Otherwise it is beside the target (`.NAME.kmslab-*.part`) and locked; if its process is
killed, the next run for the same target deletes it.
"""

import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

try:
    import fcntl
except ModuleNotFoundError:  # Windows, where an open file cannot be deleted anyway
    fcntl = None  # type: ignore[assignment]

MIB = 1024 * 1024
FEW = 1000  # names in a folder, which are read each time
READ_AGAIN = 1e-4  # seconds for each name of a folder with more
_read_after: dict[str, float] = {}  # by folder
Path = str | os.PathLike[str]


@contextmanager
def written(target: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A file to write to. It becomes the target, or is deleted if anything is raised."""
    path = os.fspath(target)
    _check(path, overwrite)
    folder, name = os.path.split(os.path.abspath(path))
    start = os.path.join(folder, f".{name[:40]}.kmslab-")
    _delete_left(folder, os.path.basename(start))
    part, file = _begun(folder, start)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not part:
                part = f"{start}{secrets.token_hex(4)}.part"
                _give_name(file, part)
            if fcntl:  # the lock is kept until the file has the target's name
                _finish(part, path, overwrite)
        if not fcntl:
            _finish(part, path, overwrite)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


def _begun(folder: str, start: str) -> tuple[str, BinaryIO]:
    """The name of a new, locked file of mode 0600, and the file. The name is "" if it has none."""
    while True:
        try:
            part, number = "", os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
        except (AttributeError, OSError):  # an old or another system
            number, part = tempfile.mkstemp(".part", os.path.basename(start), folder)
        file = open(number, "w+b")  # noqa: SIM115
        if _lock(number) and (not part or os.path.exists(part)):
            return part, file
        file.close()  # another run deleted it as a killed run's


def _give_name(file: BinaryIO, part: str) -> None:
    number = file.fileno()
    try:  # with a directory, Python asks the system to follow the link, as linkat(2) describes
        os.link(f"/proc/self/fd/{number}", part, src_dir_fd=number)
    except OSError:  # no hard links here, or no /proc
        file.seek(0)
        with open(part, "xb", opener=_private) as copy:
            shutil.copyfileobj(file, copy, MIB)
            copy.flush()
            os.fsync(copy.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _finish(part: str, path: str, overwrite: bool) -> None:
    if overwrite:
        _check(path, overwrite)
        os.replace(part, path)
    else:
        _link(part, path)


def _delete_left(folder: str, start: str) -> None:
    """Files of killed runs may hold plaintext. A run that still writes holds its file's lock."""
    for part in _parts(folder, start):
        with suppress(OSError), open(part, "r+b") as file:
            if _lock(file.fileno()):
                os.unlink(part)
        if not fcntl:
            with suppress(OSError):
                os.unlink(part)


def _parts(folder: str, start: str) -> list[str]:
    """In a folder of many files only now and then: reading it for each would take hours."""
    if time.monotonic() < _read_after.get(folder, 0):
        return []
    try:
        names = os.listdir(folder)
    except OSError:  # the next step says what is wrong with it
        return []
    if len(names) > FEW:
        _read_after[folder] = time.monotonic() + len(names) * READ_AGAIN
    return [
        os.path.join(folder, name)
        for name in names
        if name.startswith(start) and name.endswith(".part")
    ]


def _lock(number: int) -> bool:
    if fcntl:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _check(path: str, overwrite: bool) -> None:
    """Refuse to replace a symbolic link or a device: what it points to would stay as it was."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not overwrite:
        raise FileExistsError(f"{path} already exists; overwrite=True replaces it")
    if not stat.S_ISREG(mode):
        raise FileExistsError(f"{path} is not a regular file: give another path, or use a stream")


def _link(part: str, path: str) -> None:
    """Give the finished file its name. Unlike a rename, a hard link never replaces a file."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise FileExistsError(f"{path} already exists; overwrite=True replaces it") from None
    except OSError:  # no hard links in this file system: for an instant, the target is empty
        with open(path, "xb"):
            pass
        os.replace(part, path)
