"""The limit: `AESGCM` called for each frame, over the same source and sink, with nothing around it.

A bare loop has one key, no header, no associated data, no number in front of a frame and no check
of it. Its frames are those of the message that it is compared with: whole ones, and a last one,
which may be empty. So both make the same amount of ciphertext.

With two threads, each takes every second frame, and waits for nobody's turn, which is more than a
stream can do. Of a loop that also hashes, the second thread only hashes.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TAG = 16
HASH = "sha384"  # of 0x0578, whose signature is ECDSA's over P-384
Write = Callable[[memoryview], Any]
FileLoop = Callable[["Loop", Path, Path, int], object]


class Discard:
    """A writer that keeps nothing."""

    def write(self, content: memoryview) -> int:
        return len(content)


@dataclass(frozen=True, slots=True)
class Loop:
    """One direction: the call, and a whole frame's bytes before and after it."""

    call: Callable[[bytes, memoryview, bytes, memoryview], Any]  # iv, taken, no aad, made
    taken: int
    made: int

    @property
    def seals(self) -> bool:
        return self.made > self.taken

    def whole_frames(self, size: int) -> int:
        """In `size` bytes. One more frame follows, which may be empty."""
        return size // self.taken

    def length(self, taken: int) -> int:
        """What is made of a frame that has `taken` bytes."""
        return taken + self.made - self.taken

    def total(self, size: int) -> int:
        """What is made of all frames of `size` bytes."""
        return size + (self.made - self.taken) * (self.whole_frames(size) + 1)


def sealing(key: bytes, frame: int) -> Loop:
    return Loop(AESGCM(key).encrypt_into, frame, frame + TAG)


def opening(key: bytes, frame: int) -> Loop:
    return Loop(AESGCM(key).decrypt_into, frame + TAG, frame)


# ------------------------------------------------------------------------------- without a hash


def stream(loop: Loop, source: memoryview, write: Write, threads: int = 1) -> None:
    """From memory to `write`: all frames through the same buffer, in each thread."""
    _together(threads, lambda first: _stream(loop, source, write, first, threads))


def _stream(loop: Loop, source: memoryview, write: Write, first: int, step: int) -> None:
    call, taken, room = loop.call, loop.taken, memoryview(bytearray(loop.made))
    whole = loop.whole_frames(len(source))
    for number in range(first, whole, step):
        start = number * taken
        call(_iv(number), source[start : start + taken], b"", room)
        write(room)
    if whole % step == first:
        rest = source[whole * taken :]
        room = room[: loop.length(len(rest))]
        call(_iv(whole), rest, b"", room)
        write(room)


def into_one_buffer(loop: Loop, source: memoryview, threads: int = 1) -> memoryview:
    """Bytes to bytes: all frames into one freshly allocated buffer."""
    out, frames = memoryview(bytearray(loop.total(len(source)))), loop.whole_frames(len(source)) + 1

    def part(first: int) -> None:
        for number in range(first, frames, threads):
            frame = source[number * loop.taken : (number + 1) * loop.taken]
            start = number * loop.made
            loop.call(_iv(number), frame, b"", out[start : start + loop.length(len(frame))])

    _together(threads, part)
    return out


def file(loop: Loop, source: Path, target: Path, threads: int = 1) -> None:
    """Read, seal, write; in the end wait for the disk, as `encrypt_file` does."""

    def part(first: int) -> None:
        with _Files(loop, source, target) as files:
            _each(loop, range(first, files.frames, threads), files.read, files.write)

    with target.open("xb") as made:
        _together(threads, part)
        os.fsync(made.fileno())


# ----------------------------------------------------------------------------------- with a hash


def hashed_stream(loop: Loop, source: memoryview, write: Write, threads: int = 1) -> bytes:
    def read(number: int) -> memoryview:
        return source[number * loop.taken : (number + 1) * loop.taken]

    with _Hash(threads) as hashed:
        frames = range(loop.whole_frames(len(source)) + 1)
        _each(loop, frames, read, lambda _, content: write(content), hashed)
    return hashed.digest()


def hashed_file(loop: Loop, source: Path, target: Path, threads: int = 1) -> bytes:
    with target.open("xb") as made:
        with _Files(loop, source, target) as files, _Hash(threads) as hashed:
            _each(loop, range(files.frames), files.read, files.write, hashed)
        os.fsync(made.fileno())
    return hashed.digest()


class _Hash(ExitStack):
    """Hashes the ciphertext here, or in a thread, which may be a frame behind."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._hash, self._waiting = hashlib.new(HASH), deque[Future[None]]()
        self._thread = self.enter_context(ThreadPoolExecutor(1)) if threads > 1 else None

    def let_go(self) -> None:
        """Wait until the last frame but one may be overwritten."""
        if len(self._waiting) == BUFFERS:
            self._waiting.popleft().result()

    def update(self, content: memoryview) -> None:
        if self._thread is None:
            self._hash.update(content)
        else:
            self._waiting.append(self._thread.submit(self._hash.update, content))

    def digest(self) -> bytes:
        return self._hash.digest()


# ------------------------------------------------------------------------------------ the pieces

BUFFERS = 2  # one is hashed while the other is filled


def _each(
    loop: Loop,
    frames: Iterable[int],
    read: Callable[[int], memoryview],
    write: Callable[[int, memoryview], Any],
    hashed: _Hash | None = None,
) -> None:
    rooms = [memoryview(bytearray(loop.made)) for _ in range(BUFFERS)]
    for number in frames:
        if hashed:
            hashed.let_go()
        taken = read(number)
        made = rooms[number % BUFFERS][: loop.length(len(taken))]
        loop.call(_iv(number), taken, b"", made)
        if hashed:
            hashed.update(made if loop.seals else taken)
        write(number, made)


class _Files(ExitStack):
    """Two files, read and written without Python's own buffers, from any frame on."""

    def __init__(self, loop: Loop, source: Path, target: Path) -> None:
        super().__init__()
        self._loop, self.frames = loop, loop.whole_frames(source.stat().st_size) + 1
        self._reader = self.enter_context(source.open("rb", buffering=0))
        self._writer = self.enter_context(target.open("r+b", buffering=0))
        self._rooms = [memoryview(bytearray(loop.taken)) for _ in range(BUFFERS)]

    def read(self, number: int) -> memoryview:
        room = self._rooms[number % BUFFERS]
        self._reader.seek(number * self._loop.taken)
        return room[: self._reader.readinto(room)]

    def write(self, number: int, content: memoryview) -> None:
        self._writer.seek(number * self._loop.made)
        self._writer.write(content)


def _iv(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _together(threads: int, part: Callable[[int], None]) -> None:
    """`part(0)` in this thread, and the others each in one of its own."""
    with ThreadPoolExecutor(threads) as pool:
        others = [pool.submit(part, number) for number in range(1, threads)]
        part(0)
        for other in others:
            other.result()
