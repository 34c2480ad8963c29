"""Sealing and opening files: kmslab, bare loops and other programs, all in the same folder."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from kmslab import envelope
from kmslab.bench import envelope_bare as bare
from kmslab.bench.envelope_peers import FromTo, Peers
from kmslab.bench.envelope_ways import (
    KIB,
    LOOP,
    MIB,
    OURS,
    SIGNED,
    UNSIGNED,
    Keys,
    Way,
    subject,
)
from kmslab.bench.programs import Effort

FILE, SMALL_FILE = "file", "small file"
SMALL = 100 * MIB  # at most, of the file for frames of 4 KiB, with which others are slow
ROUNDS, LARGE_ROUNDS = 11, 7  # at most; a larger file takes longer, and is disturbed less
COPIES = 10  # of a file, for which the folder has room
IN_MEMORY = Path("/dev/shm")  # Linux's file system in memory

WHY = {
    subject(FILE, UNSIGNED, MIB): "The loop reads, encrypts and writes each frame.",
    subject(FILE, UNSIGNED, MIB, 2): (
        "Tink has segments of 1 MB, and age of 64 KiB; each run of age is a process, whose start "
        "is in its time."
    ),
    subject(SMALL_FILE, SIGNED, 4 * KIB): "This is the SDK's default.",
    subject(SMALL_FILE, SIGNED, MIB): "This is kmslab's default, beside the SDK's.",
    subject(SMALL_FILE, UNSIGNED, MIB): "Beside the SDK's default.",
    subject(SMALL_FILE, UNSIGNED, 4 * KIB): "Tink has segments of 4 KB.",
}


def ways(folder: Path, effort: Effort, keys: Keys, peers: Peers) -> Iterator[Way]:
    """The files are in `folder` and stay there."""
    large = Files(random_file(folder / "large", effort.size), effort.size, effort.rounds)
    yield from _large(large, keys, peers)
    size = min(effort.size, SMALL)
    small = Files(random_file(folder / "small", size), size, effort.rounds)
    yield from _beside_sdk(small, keys, peers)
    yield from _beside_tink(small, keys, peers)


def free_folder(size: int, stack: ExitStack) -> Path:
    """In memory if there is room, so that no disk is measured. TMPDIR names another place.

    It is deleted with the stack.
    """
    roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > COPIES * size
    place = IN_MEMORY if roomy and "TMPDIR" not in os.environ else None
    return Path(stack.enter_context(tempfile.TemporaryDirectory("-bench", "kmslab-", place)))


# ----------------------------------------------------------------------------------- what is sealed


def _large(files: "Files", keys: Keys, peers: Peers) -> Iterator[Way]:
    """The peers are compared by time: how many times as long as kmslab they take."""
    sealed = files.sealed(_loop(bare.file, keys, 1)[0])
    for suite, loop in ((UNSIGNED, bare.file), (SIGNED, bare.hashed_file)):
        message, limit, ours = files.sealed(_ours(keys, suite, MIB, 2)[0]), None, None
        for threads in (1, 2):
            name = subject(FILE, suite, MIB, threads)
            limit = files.way(LOOP, name, _loop(loop, keys, threads), sealed, limit)
            ours = files.way(OURS, name, _ours(keys, suite, MIB, threads), message, limit)
            yield from (limit, ours)
        if suite == UNSIGNED:
            for peer in (peers.sdk(UNSIGNED, MIB), peers.tink("1MB"), peers.age()):
                if peer:
                    theirs = files.sealed(peer.seal)
                    yield files.way(
                        peer.by, name, (peer.seal, peer.open), theirs, ours, share=False
                    )


def _beside_sdk(files: "Files", keys: Keys, peers: Peers) -> Iterator[Way]:
    """kmslab with the SDK's suite and frames, with its own, and unsigned."""
    peer = peers.sdk()
    if peer is None:
        return
    name = subject(SMALL_FILE, SIGNED, 4 * KIB)
    sdk = files.way(peer.by, name, (peer.seal, peer.open), files.sealed(peer.seal))
    yield sdk
    for suite, frame in ((SIGNED, 4 * KIB), (SIGNED, MIB), (UNSIGNED, MIB)):
        ours, name = _ours(keys, suite, frame, 2), subject(SMALL_FILE, suite, frame)
        yield files.way(OURS, name, ours, files.sealed(ours[0]), sdk)


def _beside_tink(files: "Files", keys: Keys, peers: Peers) -> Iterator[Way]:
    peer = peers.tink("4KB")
    if peer is None:
        return
    name, ours = subject(SMALL_FILE, UNSIGNED, 4 * KIB), _ours(keys, UNSIGNED, 4 * KIB, 2)
    tink = files.way(peer.by, name, (peer.seal, peer.open), files.sealed(peer.seal))
    yield tink
    yield files.way(OURS, name, ours, files.sealed(ours[0]), tink)


def _loop(loop: bare.FileLoop, keys: Keys, threads: int) -> tuple[FromTo, FromTo]:
    def seal(source: Path, target: Path) -> None:
        loop(keys.sealing, source, target, threads)

    def open_(source: Path, target: Path) -> None:
        loop(keys.opening, source, target, threads)

    return seal, open_


def _ours(keys: Keys, suite: int, frame: int, threads: int) -> tuple[FromTo, FromTo]:
    seal = partial(envelope.encrypt_file, keyring=keys.ring, suite=suite, frame_length=frame)
    open_ = partial(envelope.decrypt_file, keyring=keys.ring)
    return partial(seal, threads=threads), partial(open_, threads=threads)


# --------------------------------------------------------------------------------------- the files


class Watch:
    """A clock that can be stopped."""

    def __init__(self) -> None:
        self._stopped = 0.0

    def __call__(self) -> float:
        return time.perf_counter() - self._stopped

    @contextmanager
    def stopped(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stopped += time.perf_counter() - began


def random_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(secrets.token_bytes(min(MIB, size - start)))
    return path


class Files:
    """A file or folder to seal, what was made of it, and a target that each run makes anew."""

    def __init__(self, plain: Path, size: int, rounds: int) -> None:
        self._size = size
        self._rounds = min(rounds, ROUNDS if size <= SMALL else LARGE_ROUNDS)
        self._plain, self._target = plain, plain.with_suffix(".target")
        self._watch, self._number = Watch(), count()

    def sealed(self, seal: FromTo) -> Path:
        """A file to open."""
        path = self._plain.with_suffix(f".sealed{next(self._number)}")
        seal(self._plain, path)
        return path

    def way(
        self,
        by: str,
        name: str,
        directions: tuple[FromTo, FromTo],
        sealed: Path,
        against: Way | None = None,
        share: bool = True,
    ) -> Way:
        seal, open_ = directions
        return Way(
            by,
            name,
            self._size,
            partial(self._run, seal, self._plain),
            partial(self._run, open_, sealed),
            against,
            share,
            self._rounds,
            self._watch,
        )

    def _run(self, work: FromTo, source: Path) -> None:
        with self._watch.stopped():  # the system takes long to delete a large file
            if self._target.is_dir():
                shutil.rmtree(self._target)
            self._target.unlink(missing_ok=True)
        work(source, self._target)
