"""Watches what a learner's function leaves behind besides its result: does a secret lie there?

It may have been printed, written into a file, or told to the KMS where the trail shows it.
"""

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from io import TextIOBase
from itertools import product
from pathlib import Path
from typing import Any, TextIO

from kmslab.course.exercises.answers import Wrong
from kmslab.course.exercises.recording import RecordedCalls
from kmslab.course.exercises.searching import found_in

MAX_FILES, MAX_READ = 64, 1 << 20  # files, and bytes of each that are searched
MIN_SECRET = 8  # bytes
WRITES = os.O_WRONLY | os.O_RDWR
PRINTED = "A notebook is saved with what it printed, and lies on the disk where the thief looks."
WRITTEN = "That lies on the disk as well, where the thief looks."
TOLD = (
    "Contexts, tags and descriptions are no secrets: the trail shows them to everybody who may "
    "read it."
)


@dataclass(slots=True)
class LeftBehind:
    """`places` is complete when the function has returned."""

    printed: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # files, to be written

    @property
    def places(self) -> Iterator[tuple[str, Any, str]]:
        """What was done, in words; what was left there; and why that matters."""
        if self.printed:
            yield "printed", "".join(self.printed), PRINTED
        for path in dict.fromkeys(self.opened[:MAX_FILES]):
            if content := _content(Path(path)):
                yield f"wrote into the file `{Path(path).name}`", content, WRITTEN


def check_left(
    name: str, left: LeftBehind, calls: RecordedCalls, secrets: Iterable[tuple[str, bytes]]
) -> None:
    """Raise `Wrong` if the function `name` has left one of the secrets, each given with a word.

    A secret of a few bytes stands in many places by chance, so it is not looked for.
    """
    secrets = [each for each in secrets if len(each[1]) >= MIN_SECRET]
    told = [
        (f"sent with `{call.operation}`", call.in_the_trail, TOLD)
        for call in calls
        if call.in_the_trail
    ]
    for (what, secret), (did, content, why) in product(secrets, [*left.places, *told]):
        if how := found_in(content, secret):
            how = "" if how == "as it is" else f", {how}"
            raise Wrong(f"`{name}` {did} {what}{how}. {why}")


_watching: list[LeftBehind] = []


@contextmanager
def watched() -> Iterator[LeftBehind]:
    """`with watched() as left:` learns what is printed meanwhile, and which files are written."""
    _hook_once()
    left = LeftBehind()
    _watching.append(left)
    try:
        with ExitStack() as all_three:
            all_three.enter_context(redirect_stdout(_Copied(sys.stdout, left.printed)))
            all_three.enter_context(redirect_stderr(_Copied(sys.stderr, left.printed)))
            all_three.enter_context(_logged(left.printed))
            yield left
    finally:
        _watching.remove(left)


@contextmanager
def _logged(copy: list[str]) -> Iterator[None]:
    """A notebook shows what is logged, by a stream that it may have opened long ago."""
    handler, root = logging.Handler(), logging.getLogger()
    handler.emit = lambda record: copy.append(record.getMessage())  # type: ignore[method-assign]
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Copied(TextIOBase):
    """A stream that also keeps what is written to it."""

    def __init__(self, to: TextIO, copy: list[str]) -> None:
        self._to, self._copy = to, copy

    def write(self, text: str) -> int:
        self._copy.append(text)
        return self._to.write(text)

    def flush(self) -> None:
        self._to.flush()


@cache
def _hook_once() -> None:
    """An audit hook stays as long as Python runs. It sees each `open`, Jupyter's own too."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watching:
        path, _, flags = arguments
        if isinstance(path, str | bytes) and isinstance(flags, int) and flags & WRITES:
            for left in _watching:
                left.opened.append(os.path.abspath(os.fsdecode(path)))


def _content(path: Path) -> bytes:
    """What lies there now: a file that was removed again is not found."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(MAX_READ)
    except OSError:
        return b""
