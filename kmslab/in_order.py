"""Works on batches in several threads, and gives them on in order.

Rule: the caller's thread alone reads and writes. The others only compute, so each of them ends
within one batch, whatever happens; one that waits for a pipe could not be stopped.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
FEW = 8  # batches: for fewer, the helpers' memory would take more time than they save


def check_threads(threads: int) -> None:
    if not isinstance(threads, int) or threads < 1:
        raise ValueError(f"the work needs one thread or more, not {threads}")


def in_order(
    batches: Iterable[T],
    work: Callable[[T], None],
    give: Callable[[T], None],
    threads: int,
    follow: Callable[[T], None] | None = None,
) -> None:
    """`work` on each batch in any thread, then `give` it in this one when it is its turn.

    In between, `follow` gets each in any thread, when it is its turn, and one at a time.
    """
    crew, begun = _Crew(work, follow), deque[_Task[T]]()
    try:
        for number, batch in enumerate(batches):
            if number == FEW:
                crew.start(threads - 1)
            begun.append(crew.begin(batch))
            if len(begun) == crew.in_flight:
                give(crew.finished(begun.popleft()))
        while begun:
            give(crew.finished(begun.popleft()))
    finally:
        crew.end()


class _Task(Generic[T]):
    def __init__(self, batch: T) -> None:
        self.batch = batch
        self.worked = False
        self.error: BaseException | None = None
        self.done = threading.Lock()  # locked until then
        self.done.acquire()

    def do(self, step: Callable[[T], None]) -> None:
        try:
            step(self.batch)
        except BaseException as error:  # it is raised in the caller's thread
            self.error = error


class _Crew(Generic[T]):
    """This thread and its helpers. Whichever is free takes the next task."""

    def __init__(self, work: Callable[[T], None], follow: Callable[[T], None] | None) -> None:
        self._work, self._follow = work, follow
        self._waiting: SimpleQueue[_Task[T] | None] = SimpleQueue()  # None: go home
        self._turns, self._turn = deque[_Task[T]](), threading.Lock()
        self._helpers: list[threading.Thread] = []

    def begin(self, batch: T) -> _Task[T]:
        task = _Task(batch)
        self._turns.append(task)
        self._waiting.put(task)
        return task

    @property
    def in_flight(self) -> int:
        """One more than threads, so that none waits for work while this one reads and writes."""
        return len(self._helpers) + 2 if self._helpers else 1

    def start(self, helpers: int) -> None:
        with suppress(RuntimeError):  # the system may refuse threads: then this one does all
            for _ in range(helpers):
                helper = threading.Thread(target=self._help, name="kmslab-helper")
                helper.start()
                self._helpers.append(helper)

    def finished(self, task: _Task[T]) -> T:
        """The batch of this task. Until then, this thread does what nobody has begun."""
        while not task.done.acquire(blocking=False):
            try:
                other = self._waiting.get_nowait()
            except Empty:
                task.done.acquire()
                break
            if other:
                self._do(other)
                if other.error:
                    raise other.error
        if task.error:
            raise task.error
        return task.batch

    def _help(self) -> None:
        while task := self._waiting.get():
            self._do(task)

    def _do(self, task: _Task[T]) -> None:
        task.do(self._work)
        task.worked = True
        # Who finds the turn taken may go: whoever has it looks again after giving it back.
        while self._is_next_worked() and self._turn.acquire(blocking=False):
            try:
                while self._is_next_worked():
                    self._finish(self._turns.popleft())
            finally:
                self._turn.release()

    def _is_next_worked(self) -> bool:
        try:
            return self._turns[0].worked
        except IndexError:  # there is none, or no longer
            return False

    def _finish(self, task: _Task[T]) -> None:
        if self._follow and not task.error:
            task.do(self._follow)
        task.done.release()

    def end(self) -> None:
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()
        for _ in self._helpers:
            self._waiting.put(None)
        for helper in self._helpers:
            helper.join()
