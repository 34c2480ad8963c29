"""Commits that wait at the same time are stored in one transaction, in the order of their arrival.

The disk is the slowest part of a commit, and it takes no longer for eight of them than for one. So
the first thread that gets the lock stores what all waiting threads have staged. Each commit is
still checked and refused by itself, and returns when its own change is on the disk.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from kmslab.kms.contract.events import Event
from kmslab.kms.store import fork
from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.events import encode
from kmslab.kms.store.writes import Writes

INTERRUPTED = "The commit was interrupted: what it changes may have been stored or not."


class Staged:
    """What one caller wants to have stored, and then what became of it."""

    def __init__(self, writes: Writes, events: Sequence[Event]) -> None:
        self.writes = writes
        self.events = [(event, encode(event)) for event in events]
        self.is_over = False
        self.error: BaseException | None = None  # None: it has been stored, once it is over

    def refuse(self, error: BaseException) -> None:
        self.is_over, self.error = True, error


class Line(fork.ForkAware):
    """Where commits wait. `write` stores several together, or none; it may refuse some of them."""

    def __init__(self, write: Callable[[Sequence[Staged]], None]) -> None:
        self._write = write
        self._waiting: deque[Staged] = deque()
        fork.join(self)

    def store(self, staged: Staged, writing: threading.Lock) -> None:
        """When this returns, it has been stored. Otherwise it raises why not."""
        self._waiting.append(staged)
        try:
            with writing:
                if not staged.is_over:
                    self._store_all(staged)
        finally:
            if not staged.is_over:  # interrupted: otherwise a later commit would store it
                self._leave(staged)
        if staged.error:
            raise staged.error

    def _leave(self, staged: Staged) -> None:
        with suppress(ValueError, IndexError):  # another thread has just taken it
            self._waiting.remove(staged)

    def _store_all(self, own: Staged) -> None:
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if own not in group:  # the thread that took it was interrupted before it could store it
            group.append(own)
        try:
            self._try(group)
        except BaseException as error:
            for each in group:
                each.refuse(error if each is own else _for_others(error))

    def _try(self, group: Sequence[Staged]) -> None:
        """An error that is not the store's concerns one commit only, and must not fail others."""
        try:
            self._write(group)
        except StoreError:
            raise
        except Exception:
            if len(group) == 1:
                raise
            for each in group:
                self._try_alone(each)
        for each in group:
            each.is_over = True

    def _try_alone(self, staged: Staged) -> None:
        try:
            self._write([staged])
        except Exception as error:
            staged.refuse(error)

    def in_forked_child(self) -> None:
        self._waiting.clear()  # threads of the parent process wait for these


def _for_others(error: BaseException) -> StoreError:
    """Each thread raises an error of its own, and only the interrupted thread is interrupted."""
    return StoreError(str(error) if isinstance(error, StoreError) else INTERRUPTED)
