"""Streams of any length, with readers and writers that behave in every allowed way."""

import io
import os
import secrets
import threading
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from kmslab import envelope
from kmslab.envelope import DecryptionError, RawAesKeyring
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, SUITES

EACH_SUITE = pytest.mark.parametrize("suite", SUITES, ids=hex)
RING = RawAesKeyring("clinic", "aes", AES_KEY)
DATA = bytes(range(256)) * 40
MIB = 1024 * 1024


def sealed(data: bytes = DATA, suite: int = 0x0578, frame_length: int = 1000) -> bytes:
    return envelope.encrypt(data, RING, suite=suite, frame_length=frame_length)


class Dribble(io.RawIOBase):
    """A reader that returns one to three bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self._turn = 0

    def readable(self) -> bool:
        return True

    def readinto(self, room: memoryview) -> int:
        self._turn += 1
        return self._content.readinto(room[: 1 + self._turn % 3])


class OnlyRead:
    """A reader without `readinto`, as many libraries have."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int) -> bytes:
        return self._content.read(max(1, size // 2))


class Stubborn(io.RawIOBase):
    """A writer that takes seven bytes at a time."""

    def __init__(self) -> None:
        self.got = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: memoryview) -> int:
        self.got += content[:7]
        return min(7, len(content))


class Silent:
    """A writer that takes everything and returns None."""

    def __init__(self) -> None:
        self.got = bytearray()

    def write(self, content: memoryview) -> None:
        self.got += content


READERS: list[Callable[[bytes], object]] = [io.BytesIO, Dribble, OnlyRead, bytes, bytearray]


@EACH_SUITE
@for_every("reader", READERS)
@for_every("writer", [Stubborn, Silent])
def test_each_reader_and_writer_works(reader, writer, suite: int) -> None:
    message, plaintext = writer(), writer()
    header = envelope.encrypt_stream(
        reader(DATA), message, RING, context={"a": "b"}, suite=suite, frame_length=1000
    )
    assert header.suite.id == suite
    opened = envelope.decrypt_stream(reader(bytes(message.got)), plaintext, RING, unverified=True)
    assert plaintext.got == DATA
    assert opened.context == {"a": "b"}
    assert opened.header == header


def test_a_stream_through_a_pipe() -> None:
    reading, writing = os.pipe()

    def seal() -> None:
        with os.fdopen(writing, "wb") as pipe:
            envelope.encrypt_stream(io.BytesIO(DATA), pipe, RING)

    thread = threading.Thread(target=seal)
    thread.start()
    plaintext = io.BytesIO()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        envelope.decrypt_stream(pipe, plaintext, RING, unverified=True)
    thread.join()
    assert plaintext.getvalue() == DATA


class Endless:
    """A reader of `size` bytes that are made only when they are read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readinto(self, room: memoryview) -> int:
        count = min(len(room), self._left)
        self._left -= count
        return count


@EACH_SUITE
def test_memory_does_not_grow_with_the_message(suite: int) -> None:
    frame = 64 * 1024

    def peak(size: int) -> int:
        reading, writing = os.pipe()
        tracemalloc.start()
        try:
            thread = threading.Thread(target=seal, args=(size, writing))
            thread.start()
            with os.fdopen(reading, "rb") as pipe:
                envelope.decrypt_stream(pipe, Discard(), RING, unverified=True)
            thread.join()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def seal(size: int, writing: int) -> None:
        with os.fdopen(writing, "wb") as pipe:
            envelope.encrypt_stream(Endless(size), pipe, RING, suite=suite, frame_length=frame)

    peak(frame)  # imports and self-tests happen once
    few, many = peak(300 * frame), peak(1200 * frame)
    assert many < few + 2 * frame
    assert many < 14 * MIB  # of encrypting and of decrypting, three batches of both kinds each


class Discard:
    def write(self, content: memoryview) -> int:
        return len(content)


@pytest.mark.parametrize("frame_length", [1, MIB, 2**31 - 1])
def test_a_frame_takes_memory_for_its_bytes_and_not_for_its_announced_length(
    frame_length: int,
) -> None:
    tracemalloc.start()
    try:
        message = sealed(b"photo", frame_length=frame_length)
        assert envelope.decrypt(message, RING).plaintext == b"photo"
        out = io.BytesIO()
        envelope.decrypt_stream(io.BytesIO(message), out, RING, unverified=True)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


def test_a_header_takes_memory_for_its_bytes_and_not_for_its_announced_lengths() -> None:
    start = b"\2\5\x78" + bytes(32) + b"\0\0"
    claims = [
        start + b"\xff\xff",
        start + b"\xff\xff" + b"\0\0" * 3 * 1000,
        start + b"\0\1" + b"\xff\xff",
        start[:-2] + b"\xff\xff\xff\xff" + b"\0\0" * 1000,
    ]
    for claim in claims:
        tracemalloc.start()
        try:
            for reader in (claim, io.BytesIO(claim)):
                with pytest.raises(DecryptionError):
                    envelope.decrypt_stream(reader, io.BytesIO(), RING, unverified=True)
            assert tracemalloc.get_traced_memory()[1] < 2 * MIB
        finally:
            tracemalloc.stop()


class Header(io.RawIOBase):
    """A header with 65,535 keys of the longest fields, 12 GB, made as it is read."""

    def __init__(self) -> None:
        self.given = 0
        self._parts = self._endless()
        self._rest = b""

    def _endless(self) -> Iterator[bytes]:
        yield b"\2\5\x78" + bytes(32) + b"\0\0" + b"\xff\xff"
        while True:
            yield b"\xff\xff" + bytes(65_535)

    def readinto(self, room: memoryview) -> int:
        self._rest = self._rest or next(self._parts)
        count = min(len(room), len(self._rest))
        room[:count], self._rest = self._rest[:count], self._rest[count:]
        self.given += count
        return count


def test_a_header_that_is_too_long_is_refused() -> None:
    reader = Header()
    with pytest.raises(DecryptionError):
        envelope.decrypt_stream(reader, io.BytesIO(), RING, unverified=True)
    assert reader.given < 130 * MIB


# ------------------------------------------------------------------------------------- what fails


def test_a_writer_that_keeps_a_view_gets_an_error_later() -> None:
    """Otherwise all its pieces would silently become the last frame."""
    kept: list[memoryview] = []

    class Keeper:
        write = staticmethod(kept.append)

    envelope.encrypt_stream(DATA, Keeper(), RING)
    for piece in kept:
        with pytest.raises(ValueError, match="released"):
            bytes(piece)


class Broken(Exception):
    pass


class FailingReader:
    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int) -> bytes:
        content = self._content.read(size)
        if not content:
            raise Broken
        return content


class FailingWriter:
    def __init__(self, takes: int) -> None:
        self._left = takes

    def write(self, content: memoryview) -> int:
        self._left -= len(content)
        if self._left < 0:
            raise Broken
        return len(content)


def test_an_error_of_the_reader_reaches_the_caller() -> None:
    with pytest.raises(Broken):
        envelope.encrypt_stream(FailingReader(DATA), io.BytesIO(), RING)
    with pytest.raises(Broken):
        envelope.decrypt_stream(FailingReader(sealed()[:-1]), io.BytesIO(), RING, unverified=True)


@pytest.mark.parametrize("takes", [0, 100, 5000, len(DATA) - 1])
def test_an_error_of_the_writer_reaches_the_caller(takes: int) -> None:
    with pytest.raises(Broken):
        envelope.encrypt_stream(io.BytesIO(DATA), FailingWriter(takes), RING)
    with pytest.raises(Broken):
        envelope.decrypt_stream(io.BytesIO(sealed()), FailingWriter(takes), RING, unverified=True)


class Nothing(io.RawIOBase):
    """A raw file that does not block returns None when there is nothing to do."""

    def readinto(self, room: memoryview) -> None:
        return None

    def write(self, content: memoryview) -> None:
        return None


def test_a_file_that_does_not_block_is_an_error_and_not_the_end() -> None:
    with pytest.raises(BlockingIOError):
        envelope.encrypt_stream(Nothing(), io.BytesIO(), RING)
    with pytest.raises(BlockingIOError):
        envelope.encrypt_stream(b"photo", Nothing(), RING)
    with pytest.raises(BlockingIOError):
        envelope.decrypt_stream(Nothing(), io.BytesIO(), RING, unverified=True)


def test_a_text_file_is_an_error(tmp_path) -> None:
    path = tmp_path / "text"
    path.write_text("hello")
    with path.open() as text, pytest.raises(TypeError):
        envelope.encrypt_stream(text, io.BytesIO(), RING)


def test_a_signed_stream_is_read_only_if_its_reader_wants_unverified_plaintext() -> None:
    message = envelope.encrypt(b"photo", RING)
    out = io.BytesIO()
    with pytest.raises(envelope.DecryptionError, match="unverified=True"):
        envelope.decrypt_stream(message, out, RING)
    assert not out.getvalue()
    envelope.decrypt_stream(message, out, RING, unverified=True)
    assert out.getvalue() == b"photo"
    unsigned = envelope.encrypt(b"photo", RING, suite=0x0478)
    assert envelope.decrypt_stream(unsigned, io.BytesIO(), RING)


def test_the_last_frame_waits_for_the_signature() -> None:
    """So a message of one frame, as most are, reveals nothing before all of it is verified."""
    message = bytearray(sealed(b"photo"))
    message[-1] ^= 1
    out = io.BytesIO()
    with pytest.raises(DecryptionError):
        envelope.decrypt_stream(io.BytesIO(message), out, RING, unverified=True)
    assert out.getvalue() == b""


class Junk:
    """A message's beginning, and then as many zeros."""

    def __init__(self, head: bytes, zeros: int) -> None:
        self.head = io.BytesIO(head)
        self.zeros = zeros

    def readinto(self, room: memoryview) -> int:
        if got := self.head.readinto(room):
            return got
        got = min(len(room), self.zeros)
        room[:got] = bytes(got)
        self.zeros -= got
        return got


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("length", [2**31 - 1, 48 * MIB])
@pytest.mark.parametrize("there", [10, 48 * MIB + 16])
def test_a_frame_takes_as_much_memory_as_is_there(length: int, there: int, final: bool) -> None:
    """The head of a frame announces a length. Memory is taken once, and only for what arrives."""
    empty = io.BytesIO()
    envelope.encrypt_stream(b"", empty, RING, frame_length=length, suite=0x0478)
    header = empty.getvalue()[: -(4 + 4 + 12 + 4 + 16)]
    number = (1).to_bytes(4, "big") + (1).to_bytes(12, "big")
    head = b"\xff" * 4 + number + length.to_bytes(4, "big") if final else number
    tracemalloc.start()
    with pytest.raises(envelope.DecryptionError):
        envelope.decrypt_stream(Junk(header + head, there), io.BytesIO(), RING, unverified=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * there + 20 * MIB


@pytest.mark.parametrize("overwritten", [False, True])
def test_large_frames_of_different_sizes_open(overwritten: bool) -> None:
    """The final frame's plaintext waits in memory while the rest of the message is read."""
    for size in (0, 1, 3 * MIB - 1, 3 * MIB, 7 * MIB + 5):
        data = secrets.token_bytes(size)
        opened = io.BytesIO()
        message = sealed(data, frame_length=3 * MIB)
        kept = bytearray(message)
        reader = io.BytesIO(message) if overwritten else kept
        envelope.decrypt_stream(reader, opened, RING, unverified=True)
        assert opened.getvalue() == data
        assert kept == message  # memory of the caller is not written to
