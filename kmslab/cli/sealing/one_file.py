"""Encrypts or decrypts one file: opens its two ends, which may be pipes, and keeps its mode bits.

The target appears whole or not at all (`kmslab/whole_file.py`). What is decrypted to stdout waits
in a temporary file without a name until the whole message has been verified, unless the user wants
it unverified.
"""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from kmslab.cli.sealing.plan import PIPE, Job
from kmslab.display import PlainError
from kmslab.whole_file import MIB, written

if TYPE_CHECKING:
    from kmslab.envelope import Header, Policy

IN_MEMORY = 8 * MIB  # of a plaintext that waits; a longer one waits on the disk
Advance = Callable[[int], None]
MODE_BITS = 0o777  # not set-user-id and the like
NEW_FILE = 0o666


BEGINNING = 4  # bytes, by which a message is told from other files
NOT_ENCRYPTED = (
    "this is not an encrypted file: it does not begin as those of `kmslab encrypt` and of the AWS "
    "Encryption SDK do"
)
EMPTY = "this is not an encrypted file: it is empty"


class NotEncrypted(PlainError):
    """Said of the first bytes alone, which hold nothing secret: it helps no forger."""


class StdoutClosed(Exception):
    """The program that read our output has ended, as `head` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How each file is encrypted."""

    keyring: Any
    context: Mapping[str, str]
    policy: "Policy"
    suite: int | None
    frame_length: int
    overwrite: bool

    def __call__(self, job: Job, advance: Advance) -> "Header":
        from kmslab.envelope import encrypt_stream

        with _source(job, advance) as reader, _target(job, reader, self.overwrite) as writer:
            return encrypt_stream(
                reader.content(),
                writer,
                self.keyring,
                context=self.context,
                suite=self.suite,
                frame_length=self.frame_length,
                policy=self.policy,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How each file is decrypted."""

    keyring: Any
    context: Mapping[str, str]
    policy: "Policy"
    overwrite: bool
    unverified: bool

    def __call__(self, job: Job, advance: Advance) -> "Header":
        from kmslab.envelope import decrypt_stream

        waits = job.target == PIPE and not self.unverified
        with (
            _source(job, advance) as reader,
            _waiting() if waits else _target(job, reader, self.overwrite) as writer,
        ):
            options: dict[str, Any] = {"context": self.context, "policy": self.policy}
            with _told_from_other_files(reader):
                opened = decrypt_stream(
                    reader.content(), writer, self.keyring, unverified=True, **options
                )
            return opened.header


@contextmanager
def _told_from_other_files(reader: "_Counted") -> Iterator[None]:
    from kmslab.envelope import DecryptionError
    from kmslab.envelope.message import begins_as_message

    try:
        yield
    except DecryptionError:
        if begins_as_message(reader.beginning):
            raise
        raise NotEncrypted(NOT_ENCRYPTED if reader.beginning else EMPTY) from None


class _Counted:
    """A reader that reports how much has been read, and keeps the first bytes."""

    def __init__(self, file: BinaryIO, advance: Advance) -> None:
        self._file, self._advance = file, advance
        self.beginning = b""

    def readinto(self, room: memoryview) -> int:
        count: int = self._file.readinto(room)  # type: ignore[attr-defined]  # not in BinaryIO
        if len(self.beginning) < BEGINNING:
            self.beginning += bytes(room[: min(count, BEGINNING - len(self.beginning))])
        self._advance(count)
        return count

    def content(self) -> "bytes | _Counted":
        """All of a short file, else this reader. A data key cache must know the length before."""
        status = self.status
        if not status or not stat.S_ISREG(status.st_mode) or status.st_size > MIB:
            return self
        content = self._file.read()
        self.beginning = content[:BEGINNING]
        self._advance(len(content))
        return content

    @property
    def status(self) -> os.stat_result | None:
        """None if it is not a file, but something in memory."""
        try:
            return os.fstat(self._file.fileno())
        except OSError:
            return None


@contextmanager
def _source(job: Job, advance: Advance) -> Iterator[_Counted]:
    if job.source == PIPE:
        yield _Counted(sys.stdin.buffer, advance)
        return
    with open(job.source, "rb") as file:
        yield _Counted(file, advance)


@contextmanager
def _target(job: Job, reader: _Counted, overwrite: bool) -> Iterator[BinaryIO]:
    if job.target == PIPE:
        with _stdout() as stdout:
            yield stdout
        return
    with suppress(OSError):
        if os.path.samefile(job.source, job.target):
            raise ValueError(f"{job.target} is the file itself: name another with --output")
    if job.top:
        _mirror(os.path.dirname(job.target), os.path.dirname(job.source) or os.curdir, job.top)
    try:
        with written(job.target, overwrite) as file:
            yield file
            _keep_mode(reader, file)
    except FileExistsError as error:
        raise ValueError(_exists(job.target, overwrite)) from error
    except OSError as error:
        if error.filename not in (None, job.source):  # a name that it would have had for a while
            error.filename = job.target
        raise


def _exists(target: str, overwrite: bool) -> str:
    if overwrite:
        return f"{target} is not a regular file, so it is not replaced"
    return f"{target} exists already (--overwrite replaces it, --skip-existing leaves it out)"


def _mirror(target: str, source: str, top: str) -> None:
    """Make the target's folder as its source is, with the same mode bits, and those above it."""
    if os.path.isdir(target or os.curdir):
        return
    if os.path.realpath(source) != os.path.realpath(top):
        _mirror(os.path.dirname(target), os.path.dirname(source), top)
    os.makedirs(target, exist_ok=True)
    with suppress(OSError):
        os.chmod(target, os.stat(source).st_mode & MODE_BITS & ~_umask() | stat.S_IRWXU)


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    stdout = sys.stdout.buffer
    try:
        yield stdout
        stdout.flush()
    except OSError as error:
        abandon_stdout()
        if isinstance(error, BrokenPipeError):
            raise StdoutClosed from error
        raise


def abandon_stdout() -> None:
    """Python would try again to write what is left, and complain, when it ends."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _waiting() -> Iterator[Any]:
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        yield file
        file.seek(0)
        with _stdout() as stdout:
            shutil.copyfileobj(file, stdout, MIB)


def _keep_mode(reader: _Counted, writer: BinaryIO) -> None:
    """As `cp` does: the source's bits that the umask allows. From a pipe, those of a new file."""
    status = reader.status
    mode = status.st_mode if status and stat.S_ISREG(status.st_mode) else NEW_FILE
    with suppress(AttributeError, OSError):  # Windows, or a file system without modes
        os.fchmod(writer.fileno(), mode & MODE_BITS & ~_umask())


def _umask() -> int:
    mask = os.umask(0o077)  # the only way to learn it is to set it
    os.umask(mask)
    return mask
