"""Folders sealed and opened on a Dask cluster, a file a task.

Rule: no credentials travel. A function that makes the keyring does, and each worker calls it once;
so each worker asks the KMS for its files' data keys as itself. The workers see source and target
under the same paths, as on one machine or on a shared file system.

Each file appears whole or not at all. If a worker is killed, Dask gives its file to another, which
seals it anew; the report says what became of each file, and a second run does only what is missing.
"""

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distributed import Client, as_completed, get_worker

from kmslab.display import Table
from kmslab.envelope import Keyring, decrypt_file, encrypt_file
from kmslab.envelope.keyrings import keyrings_of

SUFFIX = ".encrypted"  # as the command `kmslab encrypt` has it
FILE = "file"  # in the encryption context: the path in the folder, so that no two can be exchanged
DONE, THERE = "done", "was there"

Maker = Callable[[], Any]
Folder = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: `done`, `was there`, or the error's text."""

    file: str
    outcome: str
    size: int = 0  # bytes of the source
    worker: str = ""  # its address


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What became of each file. It is shown as a table with the files that failed."""

    files: tuple[Outcome, ...]

    @property
    def done(self) -> tuple[Outcome, ...]:
        return tuple(each for each in self.files if each.outcome == DONE)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(each for each in self.files if each.outcome not in (DONE, THERE))

    @property
    def workers(self) -> dict[str, int]:
        """How many files each worker has done, by its address."""
        names = [each.worker for each in self.done]
        return {name: names.count(name) for name in sorted(set(names))}

    def __repr__(self) -> str:
        left = len(self.files) - len(self.done) - len(self.failed)
        size = sum(each.size for each in self.done)
        said = (
            f"{len(self.done)} files done ({size:,} bytes, {len(self.workers)} workers), "
            f"{left} were there, {len(self.failed)} failed"
        )
        rows = [[each.file, each.outcome] for each in self.failed]
        return f"{said}\n{Table(['file', 'error'], rows)!r}" if rows else said


@dataclass(frozen=True, slots=True)
class Task:
    """One file for a worker."""

    run: str  # an id: a worker makes one keyring for each run
    file: str  # the path in the folder, with slashes
    source: str
    target: str
    pairs: Mapping[str, str]
    opens: bool = False


def encrypt_folder(
    client: Client,
    source: Folder,
    target: Folder,
    keyring: Maker,
    *,
    context: Mapping[str, str] | None = None,
) -> Report:
    """Seal each file of `source`, at any depth, as `FILE.encrypted` in `target`, on the workers.

    `keyring`: a function without arguments, which makes the keyring on a worker. Symbolic links,
    special files and files named `….encrypted` are left out, and files whose target is there are
    not done again. The context of each message has the pairs of `context`, and the file's path in
    the folder as `file`, so that a message is refused in the place of another.

    An error of one file does not stop the others: look at the report's `failed`.
    """
    pairs = _checked(keyring, context)
    tasks = [
        _task(name, Path(source, name), Path(target, name + SUFFIX), pairs)
        for name in _files(source)
        if not name.endswith(SUFFIX)
    ]
    return _run(client, keyring, tasks)


def decrypt_folder(
    client: Client,
    source: Folder,
    target: Folder,
    keyring: Maker,
    *,
    context: Mapping[str, str] | None = None,
) -> Report:
    """Open each `FILE.encrypted` of `source` as `FILE` in `target`; the rest as `encrypt_folder`.

    A message whose context lacks a pair of `context`, or names another file, is not opened.
    """
    pairs = _checked(keyring, context)
    names = [name.removesuffix(SUFFIX) for name in _files(source) if name.endswith(SUFFIX)]
    tasks = [_task(name, Path(source, name + SUFFIX), Path(target, name), pairs) for name in names]
    return _run(client, keyring, [replace(task, opens=True) for task in tasks])


def _checked(keyring: Maker, context: Mapping[str, str] | None) -> dict[str, str]:
    if not callable(keyring) or isinstance(keyring, Keyring):
        raise TypeError(
            "give a function that makes the keyring on a worker, such as "
            "lambda: KmsKeyring(boto3.client('kms'), ARN): a keyring has your credentials in it"
        )
    pairs = dict(context or {})
    if FILE in pairs:
        raise ValueError(f"the context's key {FILE!r} is taken: it holds each file's path")
    return pairs


def _files(folder: Folder) -> Iterator[str]:
    """The regular files, by their paths in the folder with slashes."""
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix()


def _task(name: str, source: Path, target: Path, pairs: dict[str, str]) -> Task:
    return Task("", name, os.path.abspath(source), os.path.abspath(target), {**pairs, FILE: name})


def _run(client: Client, keyring: Maker, tasks: list[Task]) -> Report:
    there = [Outcome(task.file, THERE) for task in tasks if os.path.lexists(task.target)]
    run, kept = uuid.uuid4().hex, {each.file for each in there}
    missing = [replace(task, run=run) for task in tasks if task.file not in kept]
    futures = client.map(_work, missing, maker=keyring, pure=False)
    of = dict(zip(futures, missing, strict=True))
    try:
        ended = [_outcome(future, of[future]) for future in as_completed(futures)]
    finally:  # interrupted: what has not begun never will
        client.cancel(futures)
    return Report(tuple(sorted([*there, *ended], key=lambda each: each.file)))


def _outcome(future: Any, task: Task) -> Outcome:
    if future.status == "finished":
        found: Outcome = future.result()
        return found
    error = future.exception() if future.status == "error" else RuntimeError("cancelled")
    return Outcome(task.file, f"{type(error).__name__}: {error}")


# ------------------------------------------------------------------------------- on a worker

_made: dict[str, Any] = {}
_making = threading.Lock()


def _work(task: Task, maker: Maker) -> Outcome:
    worker = get_worker().address
    try:
        keyring = _keyring(task.run, maker)
        os.makedirs(os.path.dirname(task.target), exist_ok=True)
        # What is there now was finished by a worker that died before it could say so.
        work = decrypt_file if task.opens else encrypt_file
        work(task.source, task.target, keyring, context=task.pairs, overwrite=True)
        return Outcome(task.file, DONE, os.path.getsize(task.source), worker)
    except Exception as error:  # whatever a client or a file system raises is this file's outcome
        return Outcome(task.file, f"{type(error).__name__}: {error}", 0, worker)


def _keyring(run: str, maker: Maker) -> Any:
    """This worker's own, for this run; that of the last run is dropped, with its credentials."""
    with _making:
        if run not in _made:
            made = keyrings_of(maker())
            _made.clear()
            _made[run] = made
        return _made[run]
