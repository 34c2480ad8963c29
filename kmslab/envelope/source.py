"""Where bytes come from: memory, or a reader that gives them in pieces as it likes.

What comes out is a view that holds until the next one is asked for. Memory is taken as bytes
arrive, never because somebody claims that they will.
"""

from abc import ABC, abstractmethod
from typing import Any

from kmslab.crypto.backend import Bytes
from kmslab.envelope.errors import NotAMessage

STEP = 1024 * 1024  # bytes that are made room for at once, before any has come


class Source(ABC):
    @abstractmethod
    def upto(self, size: int) -> memoryview:
        """So many bytes; fewer only at the end."""

    def take(self, size: int) -> memoryview:
        """So many bytes, or NotAMessage."""
        content = self.upto(size)
        if len(content) < size:
            raise NotAMessage(f"the message ends here: {size - len(content):,} bytes are missing")
        return content


class Buffer:
    """Memory that is used again and again, and grows to the most that was asked of it."""

    def __init__(self) -> None:
        self._memory = memoryview(bytearray())

    def room(self, size: int, kept: int = 0) -> memoryview:
        """So many bytes, of which the first `kept` are as they were."""
        if size > len(self._memory):
            grown = memoryview(bytearray(size))
            grown[:kept] = self._memory[:kept]
            self._memory = grown
        return self._memory[:size]


class InMemory(Source):
    def __init__(self, content: Bytes) -> None:
        self._rest = memoryview(content).cast("B")

    def upto(self, size: int) -> memoryview:
        content, self._rest = self._rest[:size], self._rest[size:]
        return content


class FromReader(Source):
    """A binary file, pipe or socket file: `readinto` if it has that, else `read`."""

    def __init__(self, reader: Any) -> None:
        self._readinto = getattr(reader, "readinto", None) or _by_reading(reader)
        self._buffer = Buffer()

    def upto(self, size: int) -> memoryview:
        have, room = 0, self._buffer.room(0)
        while have < size:
            if have == len(room):
                room = self._buffer.room(min(size, max(STEP, 2 * have)), kept=have)
            count = self._readinto(room[have:])
            if count is None:
                raise BlockingIOError("the reader has nothing yet: give one that waits")
            if not count:
                break
            have += count
        return room[:have]


def _by_reading(reader: Any) -> Any:
    def readinto(room: memoryview) -> int | None:
        content = reader.read(len(room))
        if content is None:
            return None
        room[: len(content)] = content
        return len(content)

    return readinto


def source_of(readable: Any) -> Source:
    """Bytes and the like are taken as they are, anything else is read from."""
    if isinstance(readable, bytes | bytearray | memoryview):
        return InMemory(readable)
    return FromReader(readable)
