"""Whether a text matches a pattern of `*` and `?`, without a regular expression.

What stands between two stars is a piece. Each piece takes the leftmost place where it fits and
never tries another one, which finds a match if there is one. So the text is searched once from its
beginning to its end: for a piece without `?` by `str.find`, for one with `?` by Shift-And.
"""

from collections.abc import Iterable, Sequence
from enum import Enum


class Wild(Enum):
    STAR = "*"
    ONE = "?"


Fixed = str | Wild


class Piece:
    """Characters and `?` between two stars."""

    __slots__ = ("_anywhere", "_last", "_places", "_text", "length")

    def __init__(self, tokens: Sequence[Fixed]) -> None:
        texts = [token if isinstance(token, str) else token.value for token in tokens]
        self.length = sum(map(len, texts))
        self._text = None if Wild.ONE in tokens else "".join(texts)
        if self._text is None:
            self._prepare(tokens)

    def _prepare(self, tokens: Sequence[Fixed]) -> None:
        """For Shift-And: a bit for each place of the piece, set where a character may stand."""
        characters: list[Fixed] = []
        for token in tokens:
            characters += token if isinstance(token, str) else [token]
        self._last = 1 << self.length - 1
        self._anywhere = sum(1 << at for at, each in enumerate(characters) if each is Wild.ONE)
        self._places: dict[Fixed, int] = {}
        for at, each in enumerate(characters):
            self._places[each] = self._places.get(each, self._anywhere) | 1 << at

    def find(self, value: str, start: int, end: int) -> int:
        """Where the leftmost match within these bounds ends; -1 without one."""
        if self._text is not None:
            found = value.find(self._text, start, end)
            return -1 if found < 0 else found + self.length
        fitting = 0  # bit i: the last i + 1 characters match the piece's first i + 1
        for at in range(start, end):
            fitting = (fitting << 1 | 1) & self._places.get(value[at], self._anywhere)
            if fitting & self._last:
                return at + 1
        return -1

    def fits(self, value: str, at: int) -> bool:
        """Whether it matches right here."""
        return self.find(value, at, at + self.length) >= 0 if self.length else True


def pieces(tokens: Iterable[Fixed]) -> list[Piece]:
    """What stands before, between and after the stars. Stars side by side are one."""
    between: list[list[Fixed]] = [[]]
    for token in tokens:
        if token is not Wild.STAR:
            between[-1].append(token)
        elif between[-1] or len(between) == 1:
            between.append([])
    return [Piece(each) for each in between]


def matches(pattern: Sequence[Piece], value: str) -> bool:
    """Whether the whole value matches: the first piece begins it and the last one ends it."""
    first, last = pattern[0], pattern[-1]
    if len(pattern) == 1:
        return len(value) == first.length and first.fits(value, 0)
    start, end = first.length, len(value) - last.length
    if start > end or not (first.fits(value, 0) and last.fits(value, end)):
        return False
    for piece in pattern[1:-1]:
        start = piece.find(value, start, end)
        if start < 0:
            return False
    return True
