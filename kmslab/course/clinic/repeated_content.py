"""A tape of pictures from the X-ray room: as long as a lesson wants, and never whole in memory."""

from io import RawIOBase
from typing import Any


class Tape(RawIOBase):
    """Reads like a binary file of `length` bytes: the same content over and over."""

    def __init__(self, content: bytes, length: int) -> None:
        self._round = memoryview(content)
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """As much as fits, up to the end of the tape; 0 there."""
        wanted = min(len(buffer), self._length - self._position)
        filled = 0
        while filled < wanted:
            start = (self._position + filled) % len(self._round)
            piece = self._round[start : start + wanted - filled]
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._position += wanted
        return wanted

    def __repr__(self) -> str:
        return f"<Tape of {self._length:,} bytes>"
