"""Shows on stderr how far a measurement is. Results go to stdout.

Rule: nothing is shown while something is timed, and nothing unless it is asked for.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # of what, how many are done, and of how many

CLEARED = f"\r{'':60}\r"  # the terminal's line, written over with spaces
LINES = 4  # at most, after the first, about one series in a file


def silent(what: str, done: int, total: int) -> None:
    """For notebooks and tests."""


class OnStderr:
    """In a terminal one line that changes and is gone at the end; in a file a line a quarter."""

    def __init__(self) -> None:
        self._quarter = ("", -1)  # the last one that was shown: a step may pass over several

    def __call__(self, what: str, done: int, total: int) -> None:
        text = f"{what} {done:,} of {total:,}" if total > 1 else what
        before, self._quarter = self._quarter, (what, done * LINES // total)
        if sys.stderr.isatty():
            sys.stderr.write(CLEARED if done == total else f"{CLEARED}{text}")
        elif total == 1:
            sys.stderr.write("" if done else f"{text}\n")
        elif done == 0 or self._quarter != before:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


on_stderr = OnStderr()


def counted(items: Sequence[T], what: str, progress: Progress) -> Iterator[T]:
    """The items, one by one; says before each how many are done, and once more at the end."""
    for done, item in enumerate(items):
        progress(what, done, len(items))
        yield item
    progress(what, len(items), len(items))
