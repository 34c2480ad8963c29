"""Threads that all callers share, so that no caller holds up the others.

Making a large RSA key takes seconds, and with a hundred of them first in line, whoever wants to
disable a key would wait for all of them. So each kind of work (one caller's calls of one operation)
waits in a line of its own, and these lines are served in turn. One kind never gets all threads:
some are left for those who come next. Everything here runs on the event loop, except the work.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

T = TypeVar("T")
PAUSE = 0.03  # seconds: several times what a commit takes
AFTER_A_LONG_PAUSE = 0.3  # seconds without another: a slow disk costs the loop a tenth of its time


class Turns:
    """`size` threads, of which one kind of work gets at most `most` at the same time."""

    def __init__(self, size: int, most: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(size, name)  # only as many as are needed
        self._free = size
        self._most = most
        self._pause = _Pause()
        self._busy: Counter[Hashable] = Counter()  # threads by kind
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}  # the next in turn is first

    def close(self) -> None:
        """Wait for what is still running."""
        self._threads.shutdown()

    async def run(self, kind: Hashable, work: Callable[[], T], *, pause: bool = False) -> T:
        """With `pause`, the event loop stands still for a moment when the work begins."""
        await self._turn(kind)
        try:
            begun = self._threads.submit(work)
            if pause:
                self._pause.for_work(begun)
            return await asyncio.wrap_future(begun)
        finally:
            self._give_back(kind)

    async def _turn(self, kind: Hashable) -> None:
        if self._may_run(kind):  # nobody is overtaken: all who wait are of kinds that may not
            self._take(kind)
            return
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(kind, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # its thread had just been taken
                self._give_back(kind)
            raise

    def _may_run(self, kind: Hashable) -> bool:
        return self._free > 0 and self._busy[kind] < self._most

    def _take(self, kind: Hashable) -> None:
        self._free -= 1
        self._busy[kind] += 1

    def _give_back(self, kind: Hashable) -> None:
        self._free += 1
        self._busy[kind] -= 1
        if not self._busy[kind]:
            del self._busy[kind]
        if turn := self._next():
            turn.set_result(None)

    def _next(self) -> "asyncio.Future[None] | None":
        """Of the lines that may go on, the first; it is the last one afterwards."""
        for kind in [each for each in self._lines if self._may_run(each)]:
            line = self._lines.pop(kind)
            waiting = deque(turn for turn in line if not turn.cancelled())
            if waiting:
                self._take(kind)
                turn = waiting.popleft()
                if waiting:
                    self._lines[kind] = waiting
                return turn
        return None


class _Pause:
    """The event loop waits for work that has just begun, so that the work gets the interpreter.

    A commit gives the interpreter up in each step of SQLite, and a loop that is never idle has it
    by the time the step is done. Commits so took five times as long as they had to compute. Work
    that takes longer than the pause goes on beside the loop.
    """

    def __init__(self) -> None:
        self._begun: list[Future[Any]] = []
        self._not_before = 0.0  # the loop's time

    def for_work(self, begun: Future[Any]) -> None:
        if not self._begun:  # one pause for all that begins in this turn of the loop
            asyncio.get_running_loop().call_soon(self._wait)
        self._begun.append(begun)

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._not_before and wait(self._begun, PAUSE).not_done:
            self._not_before = loop.time() + AFTER_A_LONG_PAUSE
        self._begun.clear()
