"""Which files are done, and where to: from the arguments to a source and a target for each file.

A folder is walked while the files are done, so a million files take no memory. Within folders,
names decide: `encrypt` leaves out what ends in `.encrypted`, `decrypt` takes nothing else. Symbolic
links and special files are left out there. A link that is named as an argument is followed.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import typer

from kmslab.cli.sealing.failures import reason

SUFFIX = ".encrypted"
PIPE = "-"  # stdin as a source, stdout as a target
NO_SUFFIX = (
    f"its name does not end in {SUFFIX}, as those of encrypted files do. If it is one, name the "
    "target with --output"
)


@dataclass(frozen=True, slots=True)
class Job:
    source: str
    target: str
    top: str = ""  # if the target is in --output: the folder whose folders it has there


@dataclass(frozen=True, slots=True)
class NotDone:
    """`failed`: it should have been done. Otherwise it was left out."""

    source: str
    why: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Direction:
    """`encrypt` or `decrypt`: how it names its targets, and what it leaves out in folders."""

    name: str
    done: str
    renamed: Callable[[str], str]  # "" if the name says no target
    takes: Callable[[str], bool]
    others: str


ENCRYPT = Direction(
    "encrypt",
    "Encrypted",
    lambda name: name + SUFFIX,
    lambda name: not name.endswith(SUFFIX),
    f"named …{SUFFIX}",
)
DECRYPT = Direction(
    "decrypt",
    "Decrypted",
    lambda name: name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else "",
    lambda name: name.endswith(SUFFIX),
    f"not named …{SUFFIX}",
)


@dataclass(frozen=True)
class Plan:
    """Each iteration looks at the folders again. Raises BadParameter if the targets make no sense.

    `output`: the file to write, or the folder to write to if there are several sources.
    """

    direction: Direction
    sources: tuple[str, ...]
    output: str | None = None
    recursive: bool = False
    skip_existing: bool = False
    into_folder: bool = field(init=False)

    def __post_init__(self) -> None:
        several = len(self.sources) > 1 or os.path.isdir(self.sources[0])
        output = self.output or ""
        named_folder = os.path.isdir(output) or _ends_as_folder(output)
        if self.output == "":
            raise _wrong("--output", "is empty: name a file or a folder")
        if PIPE in self.sources and len(self.sources) > 1:
            raise _wrong("FILE", f"{PIPE} (stdin) goes with no other file")
        if PIPE in self.sources and named_folder:
            raise _wrong("--output", "for stdin, name a file")
        if several and output == PIPE:
            raise _wrong("--output", "stdout takes one file only")
        if several and os.path.exists(output) and not named_folder:
            raise _wrong("--output", f"{output} is not a folder, and has to take several files")
        object.__setattr__(self, "into_folder", bool(output and (several or named_folder)))

    @property
    def to_stdout(self) -> bool:
        return self.output == PIPE or (self.sources == (PIPE,) and self.output is None)

    def __iter__(self) -> Iterator[Job | NotDone]:
        known = _Known(self.sources) if len(self.sources) > 1 else None
        for source in self.sources:
            for found in self._from(source):
                yield self._checked(found, known) if isinstance(found, Job) else found

    def size(self) -> tuple[int, int | None]:
        """How many files, and their bytes, if these are known."""
        files = total = 0
        for found in self:
            if isinstance(found, Job):
                if found.source == PIPE:
                    return 1, None
                files, total = files + 1, total + _size(found.source)
        return files, total

    def _checked(self, job: Job, known: "_Known | None") -> Job | NotDone:
        if self.skip_existing and job.target != PIPE and os.path.lexists(job.target):
            return NotDone(job.source, "target exists", failed=False)
        return known.checked(job) if known else job

    def _from(self, source: str) -> Iterator[Job | NotDone]:
        if source == PIPE:
            yield Job(PIPE, self.output or PIPE)
        elif not os.path.isdir(source):
            yield self._job(source)
        elif self.recursive:
            yield from self._within(source)
        else:
            yield NotDone(source, "is a folder: --recursive takes the files in it", failed=True)

    def _within(self, top: str) -> Iterator[Job | NotDone]:
        folders = [top]
        while folders:
            folder, inner = folders.pop(), []
            try:
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                yield NotDone(folder, reason(error, folder), failed=True)
                continue
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    inner.append(entry.path)
                else:
                    yield self._found(entry, top)
            for path in filter(self._is_output, inner):
                yield NotDone(path, "the output folder", failed=False)
            folders += [path for path in reversed(inner) if not self._is_output(path)]

    def _found(self, entry: "os.DirEntry[str]", top: str) -> Job | NotDone:
        if entry.is_symlink():
            return NotDone(entry.path, "symbolic link", failed=False)
        if not entry.is_file(follow_symlinks=False):
            return NotDone(entry.path, "special file", failed=False)
        if not self.direction.takes(entry.name):
            return NotDone(entry.path, self.direction.others, failed=False)
        return self._job(entry.path, top)

    def _job(self, source: str, top: str = "") -> Job | NotDone:
        if self.output and not self.into_folder:
            return Job(source, self.output)
        folder, name = os.path.split(source)
        renamed = self.direction.renamed(name)
        if not renamed:
            return NotDone(source, NO_SUFFIX, failed=True)
        if not self.output:
            return Job(source, os.path.join(folder, renamed))
        top = top or folder or os.curdir
        inner = os.path.relpath(folder or os.curdir, top)
        return Job(source, os.path.normpath(os.path.join(self.output, inner, renamed)), top)

    def _is_output(self, folder: str) -> bool:
        """Otherwise what is written there would be found there."""
        return bool(self.output) and os.path.realpath(folder) == os.path.realpath(str(self.output))


class _Known:
    """Sources and targets of several arguments: two of them may lead to the same file."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._sources = {os.path.realpath(source) for source in sources}
        self._targets: dict[str, str] = {}

    def checked(self, job: Job) -> Job | NotDone:
        target = os.path.realpath(job.target)
        if target in self._sources:
            return NotDone(job.source, f"{job.target} is also a file to read", failed=True)
        other = self._targets.setdefault(target, job.source)
        if other != job.source:
            return NotDone(job.source, f"{job.target} is the target of {other}", failed=True)
        return job


def _ends_as_folder(path: str) -> bool:
    return path.endswith(tuple(filter(None, (os.sep, os.altsep))))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # what is wrong with it is said when it is to be done
        return 0


def _wrong(option: str, text: str) -> Any:
    return typer.BadParameter(text, param_hint=option)
