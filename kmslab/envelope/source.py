"""Where a message's bytes come from: memory, or a reader that returns pieces of any size.

Rule: a returned view is valid until the next call. Memory grows only as bytes arrive, never because
a length field announces them.
"""

from abc import ABC, abstractmethod
from typing import Any

from kmslab.crypto.backend import Bytes
from kmslab.envelope.errors import NotAMessage

STEP = 1024 * 1024  # bytes of memory that are reserved before any byte has arrived
LARGEST_STEP = 16 * STEP


class ByteSource(ABC):
    size: int | None = None  # of all of it, in bytes, if that is known in advance

    @abstractmethod
    def upto(self, size: int) -> memoryview:
        """The next `size` bytes; fewer only at the end."""

    @abstractmethod
    def workspace(self, content: memoryview, size: int, keep: bool) -> memoryview:
        """Memory for what is made from `content`, a view that was just returned.

        It may be the same memory. It is valid until the next call; with `keep`, even longer.
        """

    def take(self, size: int) -> memoryview:
        """The next `size` bytes. Raises NotAMessage if there are fewer."""
        content = self.upto(size)
        if len(content) < size:
            raise NotAMessage(f"the message is cut off: {size - len(content):,} bytes are missing")
        return content


class Buffer:
    """Memory that is used again for each frame. It grows to the largest size ever requested."""

    def __init__(self) -> None:
        self._memory = bytearray()

    def room(self, size: int, kept: int = 0) -> memoryview:
        """`size` bytes, of which the first `kept` are unchanged."""
        more = bytes(max(0, size - len(self._memory)))
        if more:
            try:
                self._memory += more  # the system moves large memory without a second copy of it
            except BufferError:  # an earlier view is still in use
                self._memory = self._memory[:kept] + bytes(size - kept)
        return memoryview(self._memory)[:size]


class FromMemory(ByteSource):
    def __init__(self, content: Bytes) -> None:
        self._rest = memoryview(content).cast("B")
        self.size = len(self._rest)
        self._buffer = Buffer()

    def upto(self, size: int) -> memoryview:
        content, self._rest = self._rest[:size], self._rest[size:]
        return content

    def workspace(self, content: memoryview, size: int, keep: bool) -> memoryview:
        return self._buffer.room(size)


class FromReader(ByteSource):
    """Reads a binary file, pipe or socket file with `readinto` if it has that, else with `read`."""

    def __init__(self, reader: Any) -> None:
        self._readinto = getattr(reader, "readinto", None) or _readinto_from_read(reader)
        self._buffer = Buffer()

    def upto(self, size: int) -> memoryview:
        have, room = 0, self._buffer.room(0)
        while have < size:
            if have == len(room):
                room.release()
                step = min(max(STEP, have), LARGEST_STEP)
                room = self._buffer.room(min(size, have + step), kept=have)
            with room[have:] as rest:
                count = self._readinto(rest)
            if count is None:
                raise BlockingIOError("the reader has no data yet: use a blocking reader")
            if not count:
                break
            have += count
        return room[:have]

    def workspace(self, content: memoryview, size: int, keep: bool) -> memoryview:
        if keep:
            self._buffer = Buffer()
        return content[:size]


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
