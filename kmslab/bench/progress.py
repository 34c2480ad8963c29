"""Shows on stderr how far a measurement is. Results go to stdout.

Rule: nothing is shown while something is timed, and nothing unless it is asked for.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # of what, how many are done, and of how many

WIDTH = 60  # of a line that is written over the one before it
LINES = 10  # at most, about one series in a file


def silent(what: str, done: int, total: int) -> None:
    """For notebooks and tests."""


class OnStderr:
    """In a terminal one line that changes; in a file a line at each tenth."""

    def __init__(self) -> None:
        self._tenth = ("", -1)  # the last one that was shown: a step may pass over several

    def __call__(self, what: str, done: int, total: int) -> None:
        text = f"{what}: {done} of {total}"
        before, self._tenth = self._tenth, (what, done * LINES // total)
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r{text:<{WIDTH}}{end}")
        elif done == 0 or self._tenth != before:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


on_stderr = OnStderr()


def counted(items: Sequence[T], what: str, progress: Progress) -> Iterator[T]:
    """The items, one by one; says before each how many are done, and once more at the end."""
    for done, item in enumerate(items):
        progress(what, done, len(items))
        yield item
    progress(what, len(items), len(items))
