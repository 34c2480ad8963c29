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
    HASHING,
    KIB,
    LOOP,
    LOOPS,
    MIB,
    OURS,
    SIGNED,
    UNSIGNED,
    Keys,
    Way,
    programs,
    size_of,
)
from kmslab.bench.programs import Plan

SMALL = 100 * MIB  # at most, of the file for frames of 4 KiB, with which the others are slow
ROUNDS, LARGE_ROUNDS = 11, 7  # at most; a larger file takes longer, and is disturbed less
COPIES = 11  # of a file, for which the folder has room
IN_MEMORY = Path("/dev/shm")  # Linux's file system in memory

READ_SEAL_WRITE = (
    "The loop reads, encrypts and writes frames of 1 MiB; Tink has segments of 1 MB, and age of "
    "64 KiB. Each run of age is a process, whose start is in its time."
)
DEFAULT = "The SDK's own suite is 0x0578, and its frames have 4 KiB."
SEGMENTS = "kmslab has suite 0x0478 and frames of 4 KiB."


def plan(size: int, rounds: int, stack: ExitStack) -> Plan:
    """The folder is deleted with the stack."""
    folder, keys = free_folder(size, stack), Keys(MIB)
    peers = Peers(folder, keys.key)
    large, small = (
        Files(random_file(folder / name, length), length)
        for name, length in (("large", size), ("small", min(size, SMALL)))
    )
    subjects = {
        "file, 0x0478": (large, _unsigned(large, keys, peers), READ_SEAL_WRITE),
        "file, 0x0578 (signed)": (large, _signed(large, keys), HASHING),
        "file, beside the SDK's default": (small, _beside_sdk(small, keys, peers), DEFAULT),
        "file, beside Tink's 4 KB": (small, _beside_tink(small, keys, peers), SEGMENTS),
    }
    made, facts = [], {}
    for subject, (files, ways, why) in subjects.items():
        most = ROUNDS if files.size <= SMALL else LARGE_ROUNDS
        found = [*programs(subject, files.size, ways, min(rounds, most))]
        made += found
        if found:
            facts[subject] = {"data": size_of(files.size), "why": why}
    return Plan(made, facts, peers.absent, peers.software)


def free_folder(size: int, stack: ExitStack) -> Path:
    """In memory if there is room, so that no disk is measured. TMPDIR names another place."""
    roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > COPIES * size
    place = IN_MEMORY if roomy and "TMPDIR" not in os.environ else None
    return Path(stack.enter_context(tempfile.TemporaryDirectory("-bench", "kmslab-", place)))


# -------------------------------------------------------------------------------------- the groups


def _unsigned(files: "Files", keys: Keys, peers: Peers) -> Iterator[Way]:
    """Peers are compared by time: how many times as long as kmslab they take."""
    yield files.way(LOOP, *_loops(bare.file, keys, 1))
    yield files.way(LOOPS, *_loops(bare.file, keys, 2), against=LOOP, opens=LOOP)
    yield files.way(OURS, *_ours(keys, UNSIGNED, MIB), against=LOOP)
    for peer in (peers.sdk(UNSIGNED, MIB), peers.tink("1MB"), peers.age()):
        if peer:
            yield files.way(peer.by, peer.seal, peer.open, against=OURS, share=False)


def _signed(files: "Files", keys: Keys) -> Iterator[Way]:
    yield files.way(LOOP, *_loops(bare.hashed_file, keys, 1))
    yield files.way(LOOPS, *_loops(bare.hashed_file, keys, 2), against=LOOP, opens=LOOP)
    yield files.way(OURS, *_ours(keys, SIGNED, MIB), against=LOOPS)


def _beside_sdk(files: "Files", keys: Keys, peers: Peers) -> Iterator[Way]:
    """kmslab with the SDK's suite and frames, with its own, and unsigned."""
    if peer := peers.sdk():
        yield files.way(peer.by, peer.seal, peer.open)
        for suite, frame, which in (
            (SIGNED, 4 * KIB, "0x0578, 4 KiB"),
            (SIGNED, MIB, "0x0578, 1 MiB"),
            (UNSIGNED, MIB, "0x0478, 1 MiB"),
        ):
            yield files.way(f"{OURS} {which}", *_ours(keys, suite, frame), against=peer.by)


def _beside_tink(files: "Files", keys: Keys, peers: Peers) -> Iterator[Way]:
    if peer := peers.tink("4KB"):
        yield files.way(peer.by, peer.seal, peer.open)
        yield files.way(OURS, *_ours(keys, UNSIGNED, 4 * KIB), against=peer.by)


def _loops(loop: bare.FileLoop, keys: Keys, threads: int) -> tuple[FromTo, FromTo]:
    def seal(source: Path, target: Path) -> None:
        loop(keys.sealing, source, target, threads)

    def open_(source: Path, target: Path) -> None:
        loop(keys.opening, source, target, threads)

    return seal, open_


def _ours(keys: Keys, suite: int, frame: int) -> tuple[FromTo, FromTo]:
    seal = partial(envelope.encrypt_file, keyring=keys.ring, suite=suite, frame_length=frame)
    return seal, partial(envelope.decrypt_file, keyring=keys.ring)


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
    """A file or folder to seal, what each program made of it, and a target that is made anew."""

    def __init__(self, plain: Path, size: int) -> None:
        self.size, self._watch, self._number = size, Watch(), count()
        self._sealed: dict[str, Path] = {}
        self._plain, self._target = plain, plain.with_suffix(".target")

    def way(
        self,
        by: str,
        seal: FromTo,
        open_: FromTo,
        against: str = "",
        opens: str = "",
        share: bool = True,
    ) -> Way:
        """`opens`: the way whose file it opens, if that is not its own."""
        if not opens:
            self._sealed[by] = self._plain.with_suffix(f".sealed{next(self._number)}")
            seal(self._plain, self._sealed[by])
        sealed = self._sealed[opens or by]
        return Way(
            by,
            lambda: self._run(seal, self._plain),
            lambda: self._run(open_, sealed),
            against,
            share,
            self._watch,
        )

    def _run(self, work: FromTo, source: Path) -> None:
        with self._watch.stopped():  # the system takes long to delete a large file
            if self._target.is_dir():
                shutil.rmtree(self._target)
            self._target.unlink(missing_ok=True)
        work(source, self._target)
