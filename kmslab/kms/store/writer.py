"""Events wait here for at most a second; then one thread of the process writes them together.

A commit also writes the waiting events, so they are written in the order in which they were logged.
When the interpreter ends, the rest is written. Events that could not be written go back to the head
of the queue, which is bounded: calls whose event would not fit fail, so what KMS did can always be
found in the trail. The thread refers to outboxes and never to stores, so an unused store can be
garbage-collected.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from kmslab.kms.contract.events import Event
from kmslab.kms.store import fork
from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.events import WRITE, Row, encode
from kmslab.kms.store.sql import Database

DELAY = 0.5  # seconds from the first event of a group to its writing
BOUND = 5_000  # waiting events; before there are more, the caller's own thread writes them
AGAIN = 0.1  # seconds until it tries again, if it could not: meanwhile, calls fail at once

log = logging.getLogger("kmslab.kms.store")


class Outbox(fork.ForkAware):
    """One store's events that are not written yet."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.called = False  # the writer has been called and will look here
        self.closed = False
        self.retired = False  # the store was garbage-collected: the writer must close the database
        self.troubled = False  # the last attempt to write failed, and that was logged
        self.listener: Callable[[Sequence[Event]], None] | None = None
        self._events: deque[Event] = deque()
        self._full = ""  # why the last attempt to make room has failed
        self._again = 0.0  # when to try again
        WRITER.start()
        fork.join(self)

    def put(self, event: Event) -> None:
        """Raises `StoreError` if so many wait that no more are taken: then this one is not kept."""
        if len(self._events) >= BOUND:
            self._make_room()
        self._events.append(event)
        # Append, then look at `called`: the writer clears it before it takes the events.
        if not self.called:
            self.called = True
            WRITER.call(self)
        elif self.closed:
            self.write()

    def _make_room(self) -> None:
        if self._full and time.monotonic() < self._again:
            raise StoreError(self._full)
        try:
            self.write()
            self._full = ""
        except StoreError as error:
            self._full = str(error)
            self._again = time.monotonic() + AGAIN
            raise

    def write(self) -> None:
        """When this returns, all waiting events are stored, even if another thread was writing."""
        with self.database.writing:
            if self._events:
                with self.drained() as pairs, self.database.commit() as cursor:
                    cursor.run_all(WRITE, [row for _, row in pairs])

    @contextmanager
    def drained(self) -> Iterator[list[tuple[Event, Row]]]:
        """The waiting events, each with its row. A commit adds its own. The caller holds `writing`.

        After any error the events wait again. The listener is called when they have been stored.
        """
        waiting = [self._events.popleft() for _ in range(len(self._events))]
        try:
            pairs = [(event, encode(event)) for event in waiting]
            yield pairs
        except BaseException:
            self._events.extendleft(reversed(waiting))
            raise
        try:
            if self.listener and pairs:
                self.listener([event for event, _ in pairs])
        except Exception:  # the events are stored all the same
            log.exception("the listener to events has failed")

    def close(self) -> None:
        """Write the last events and close the database; after an error both are still open."""
        self.closed = self.called = True
        try:
            self.write()
        except BaseException:
            self.closed = self.called = False
            raise
        self.database.close("This lab is closed. Open its store again with Lab(store=…).")

    def in_forked_child(self) -> None:
        self._events.clear()  # the parent process writes them
        # A store in memory cannot be used in the child; `put` raises its error.
        self.closed = self.called = self.closed or not self.database.shared

    def at_exit(self) -> None:
        if self.closed:
            return
        try:
            self.write()
        except Exception as error:
            log.error("%d events were lost: %s", len(self._events), error)
        self.database.rest()


class Writer(fork.ForkAware):
    """The writing thread. Once an outbox calls, it waits for more events, then writes them."""

    def __init__(self) -> None:
        self._over = False  # True once the interpreter is ending
        self._prepare()
        fork.join(self)

    def _prepare(self) -> None:
        self._thread: threading.Thread | None = None
        self._calls: SimpleQueue[Outbox | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._hurry = threading.Event()  # set: write at once, without waiting for more

    def start(self) -> None:
        with self._starting:
            if self._thread is None and not self._over:
                self._hurry.clear()
                self._thread = threading.Thread(target=self._run, name="kmslab-writer", daemon=True)
                self._thread.start()
                fork.end_with_multiprocessing()

    def call(self, outbox: Outbox) -> None:
        self._calls.put(outbox)
        if self._over:
            outbox.called = False
            outbox.write()
        elif self._thread is None:  # in a forked child
            self.start()

    def retire(self, outbox: Outbox) -> None:
        """For a garbage-collected store. Any lock may be held at that time, so this only queues."""
        outbox.retired = True
        self._calls.put(outbox)

    def _run(self) -> None:
        while (outbox := self._calls.get()) is not None:
            self._hurry.wait(DELAY)
            for each in {outbox, *self._more_calls()}:
                self._serve(each)

    def _more_calls(self) -> Iterator[Outbox]:
        try:
            while (outbox := self._calls.get_nowait()) is not None:
                yield outbox
            self._calls.put(None)  # None asks `_run` to stop, so it is put back
        except Empty:
            return

    def _serve(self, outbox: Outbox) -> None:
        outbox.called = outbox.closed
        try:
            outbox.close() if outbox.retired else outbox.write()
            outbox.troubled = False
        except Exception as error:
            if not outbox.troubled:
                log.warning("events could not be written yet: %s", error)
            outbox.troubled = outbox.called = True
            self._calls.put(outbox)

    def _stop(self) -> None:
        with self._starting:
            if self._thread is not None:
                self._hurry.set()
                self._calls.put(None)
                self._thread.join()
                self._thread = None

    def before_fork(self) -> None:
        self._stop()

    def after_fork(self) -> None:
        self.start()

    def in_forked_child(self) -> None:
        self._prepare()  # new locks, even if another thread had started the writer again

    def at_exit(self) -> None:
        self._over = True
        self._stop()


WRITER = Writer()
