"""Several processes serve one lab, because Python computes on one core a process.

The first process serves nothing: it starts the workers, starts one again if it dies, and stops all
of them on SIGINT or SIGTERM. Each worker has a socket of its own on the same port, among which the
system shares out the connections. The first process keeps these sockets open too, so a connection
that a dead worker has not accepted yet is served by its successor.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PAUSE = 1.0  # seconds that a worker must have lived to be replaced at once
CAN_FORK = hasattr(os, "fork")
log = logging.getLogger("kmslab")


class Workers:
    """Processes, each of which runs one of these functions until it is told to stop."""

    def __init__(self, works: Sequence[Callable[[], None]]) -> None:
        self._works = works
        self._running: dict[int, tuple[BaseProcess, Callable[[], None], float]] = {}
        self._is_over = False
        self._first = os.getpid()

    def run(self, ready: Callable[[], None]) -> None:
        """Until a signal. `ready` is called when all have been started."""
        with self._signals():
            try:
                for work in self._works:
                    self._start(work)
                ready()
                while self._running:
                    self._replace_dead()
            finally:
                self._stop()
                while self._running:
                    self._replace_dead()

    def _start(self, work: Callable[[], None]) -> None:
        # Forked, so that a worker has all that was opened and checked. A store's connections do not
        # cross a fork: each process makes its own.
        process = multiprocessing.get_context("fork").Process(target=_work, args=(work,))
        process.start()
        self._running[process.sentinel] = process, work, time.monotonic()
        if self._is_over:
            process.terminate()

    def _replace_dead(self) -> None:
        for sentinel in wait(list(self._running)):
            assert isinstance(sentinel, int)
            process, work, since = self._running.pop(sentinel)
            process.join()
            if self._is_over:
                continue
            log.error("worker %s ended with %s; another is started", process.pid, process.exitcode)
            if time.monotonic() - since < PAUSE:
                time.sleep(PAUSE)
            self._start(work)

    def _stop(self, *_: int | FrameType | None) -> None:
        if os.getpid() != self._first:  # a worker that does not serve yet
            raise SystemExit
        self._is_over = True
        for process, _work, _since in list(self._running.values()):
            process.terminate()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        before = {each: signal.signal(each, self._stop) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _work(work: Callable[[], None]) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    work()
