"""A readable file of any length that repeats one content and is never whole in memory."""

from io import RawIOBase
from typing import Any


class RepeatedContent(RawIOBase):
    """Reads like a binary file of `length` bytes: the same content over and over."""

    def __init__(self, content: bytes, length: int) -> None:
        self._content = memoryview(content)
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the file goes; 0 at its end."""
        wanted = min(len(buffer), self._length - self._position)
        filled = 0
        while filled < wanted:
            start = (self._position + filled) % len(self._content)
            piece = self._content[start : start + wanted - filled]
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._position += wanted
        return wanted

    def __repr__(self) -> str:
        return f"<RepeatedContent of {self._length:,} bytes>"
