"""Bytes from memory or a reader, and to a writer, which take and return pieces of any size.

Rule: a returned view is valid until its buffer is used again. Memory grows only as bytes arrive,
never because a length field announces them.
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from kmslab.crypto.backend import Bytes

Write = Callable[[Bytes], None]
MIB = 1024 * 1024
STEP, LARGEST_STEP = MIB + 1024, 16 * MIB  # bytes that are reserved before any of them has arrived


class Buffer:
    """Memory that is used again and again. It grows to the largest size ever requested."""

    def __init__(self) -> None:
        self._memory = bytearray()

    def __len__(self) -> int:
        return len(self._memory)

    def room(self, size: int, kept: int = 0) -> memoryview:
        """`size` bytes, of which the first `kept` are unchanged."""
        more = size - len(self._memory)
        if more > 0 and kept:
            self._memory += bytes(more)  # the system moves large memory without a copy of it
        elif more > 0:
            self._memory = bytearray(size)
        return memoryview(self._memory)[:size]


class ByteSource(ABC):
    size: int | None = None  # of all of it, in bytes, if that is known in advance
    ours: bool  # whether what is made of a view may be written over it

    @abstractmethod
    def upto(self, size: int, buffer: Buffer) -> memoryview:
        """The next `size` bytes; fewer only at the end. The buffer is used if need be."""

    @abstractmethod
    def give_back(self, content: Bytes) -> None:
        """Bytes that were just taken come again."""


class FromMemory(ByteSource):
    ours = False

    def __init__(self, content: Bytes) -> None:
        self._content, self._at = memoryview(content).cast("B"), 0
        self.size = len(self._content)

    def upto(self, size: int, buffer: Buffer) -> memoryview:
        content = self._content[self._at : self._at + size]
        self._at += len(content)
        return content

    def give_back(self, content: Bytes) -> None:
        self._at -= len(content)


class FromReader(ByteSource):
    """Reads a binary file, pipe or socket file with `readinto` if it has that, else with `read`."""

    ours = True

    def __init__(self, reader: Any) -> None:
        self._readinto = getattr(reader, "readinto", None) or _readinto_from_read(reader)
        self._back = b""

    def upto(self, size: int, buffer: Buffer) -> memoryview:
        have, room = 0, buffer.room(0)
        while have < size:
            if have == len(room):
                room.release()
                step = min(max(STEP, have), LARGEST_STEP)
                room = buffer.room(min(size, max(have + step, len(buffer))), kept=have)
            with room[have:] as rest:
                count = self._next(rest)
            if count is None:
                raise BlockingIOError("the reader has no data yet: use a blocking reader")
            if not count:
                break
            have += count
        return room[:have]

    def give_back(self, content: Bytes) -> None:
        self._back = bytes(content) + self._back

    def _next(self, room: memoryview) -> int | None:
        if not self._back:
            count: int | None = self._readinto(room)
            return count
        given, self._back = self._back[: len(room)], self._back[len(room) :]
        room[: len(given)] = given
        return len(given)


def _readinto_from_read(reader: Any) -> Any:
    def readinto(room: memoryview) -> int | None:
        content = reader.read(len(room))
        if content is None:
            return None
        room[: len(content)] = content
        return len(content)

    return readinto


def source_of(readable: Any) -> ByteSource:
    """Bytes are used as they are; anything else is read as a file."""
    if isinstance(readable, bytes | bytearray | memoryview):
        return FromMemory(readable)
    return FromReader(readable)


def writing_all(writer: Any) -> Write:
    """Writes all of it, and then no view of it is left that still works."""

    def write(content: Bytes) -> None:
        done = 0
        while done < len(content):
            # A writer that keeps this view gets an error later, not the next frame's bytes.
            with memoryview(content)[done:] as piece:
                written = writer.write(piece)
            if written is None and not isinstance(writer, io.RawIOBase):
                return  # it does not count, so it took everything
            if not written:
                raise BlockingIOError("the writer takes no data now: use a blocking writer")
            done += written

    return write
