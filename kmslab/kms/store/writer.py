"""Events wait here for at most a second and are then written together, by one thread a process.

A commit takes the waiting ones with it, so the order of writing is the order of logging. Nothing
waits when the interpreter ends. An event that could not be written goes back to the head of the
queue. The thread knows outboxes, never stores: a store that nobody uses any more can be collected.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from kmslab.kms.contract.records import Event
from kmslab.kms.store import fork
from kmslab.kms.store.events import Row, encode, insert_all
from kmslab.kms.store.sql import Database

DELAY = 0.5  # seconds from the first event of a group to its writing
BOUND = 5_000  # waiting events; beyond that the caller writes them himself

log = logging.getLogger("kmslab.kms.store")


class Outbox(fork.Part):
    """The events of one store that are not written yet."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.called = False  # the writer knows that something waits here
        self.closed = False
        self.retired = False  # the store was collected: the writer is to close the database
        self.troubled = False
        self.listener: Callable[[Sequence[Event]], None] | None = None
        self._events: deque[Event] = deque()
        WRITER.start()
        fork.join(self)

    def put(self, event: Event) -> None:
        self._events.append(event)
        # In this order: whoever clears `called` takes the events only afterwards.
        if not self.called:
            self.called = True
            WRITER.call(self)
        elif self.closed or len(self._events) > BOUND:
            self.write()

    def write(self) -> None:
        """What waits is stored when this returns, also if another thread was at it."""
        with self.database.writing:
            if self._events:
                with self.drained() as rows, self.database.transaction() as connection:
                    insert_all(connection, rows)

    @contextmanager
    def drained(self, *own: Event) -> Iterator[list[Row]]:
        """What waits, and then a commit's own events, as rows for one who holds `writing`.

        On any error what waited waits again. Who listens is told when it has been stored.
        """
        waiting = [self._events.popleft() for _ in range(len(self._events))]
        events = [*waiting, *own]
        try:
            yield [encode(event) for event in events]
        except BaseException:
            self._events.extendleft(reversed(waiting))
            raise
        try:
            if self.listener and events:
                self.listener(events)
        except Exception:  # its own affair: the events are stored
            log.exception("who listens to events has failed")

    def close(self) -> None:
        """Write the last events and close the database; on an error neither is closed."""
        self.closed = self.called = True
        try:
            self.write()
        except BaseException:
            self.closed = self.called = False
            raise
        self.database.close("This lab is closed. Open its store again with Lab(store=…).")

    def in_forked_child(self) -> None:
        self._events.clear()  # the parent writes them
        self.closed = self.called = self.closed or not self.database.path

    def at_exit(self) -> None:
        if self.closed:
            return
        try:
            self.write()
            self.database.rest()
        except Exception as error:
            log.error("%d events were lost: %s", len(self._events), error)


class Writer(fork.Part):
    """The thread: it sleeps until an outbox calls, gives others time to join, and writes."""

    def __init__(self) -> None:
        self._over = False  # the interpreter is ending: there is no later
        self._prepare()
        fork.join(self)

    def _prepare(self) -> None:
        self._thread: threading.Thread | None = None
        self._calls: SimpleQueue[Outbox | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._hurry = threading.Event()

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
        """For a collected store. Collection may happen inside any lock: this only leaves a note."""
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
            self._calls.put(None)  # it is for the loop
        except Empty:
            return

    def _serve(self, outbox: Outbox) -> None:
        outbox.called = outbox.closed
        try:
            outbox.close() if outbox.retired else outbox.write()
            outbox.troubled = False
        except Exception as error:
            if not outbox.troubled:
                log.warning("events have to wait: %s", error)
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
        self._prepare()  # also if another thread's event had started it again before the fork

    def at_exit(self) -> None:
        self._over = True
        self._stop()


WRITER = Writer()
