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
    batches: Iterable[T], work: Callable[[T], None], give: Callable[[T], None], threads: int
) -> None:
    """`work` on each batch in any thread, then `give` it in this one when it is its turn."""
    crew, begun = _Crew(work), deque[_Task[T]]()
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
        self.error: BaseException | None = None
        self.done = threading.Lock()  # locked until then
        self.done.acquire()


class _Crew(Generic[T]):
    """This thread and its helpers. Whichever is free takes the next task."""

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._waiting: SimpleQueue[_Task[T] | None] = SimpleQueue()  # None: go home
        self._helpers: list[threading.Thread] = []

    def begin(self, batch: T) -> _Task[T]:
        task = _Task(batch)
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
                self._work(other.batch)
                other.done.release()
        if task.error:
            raise task.error
        return task.batch

    def _help(self) -> None:
        while task := self._waiting.get():
            try:
                self._work(task.batch)
            except BaseException as error:  # it is raised in the caller's thread
                task.error = error
            task.done.release()

    def end(self) -> None:
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()
        for _ in self._helpers:
            self._waiting.put(None)
        for helper in self._helpers:
            helper.join()
