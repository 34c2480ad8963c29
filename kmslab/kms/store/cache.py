"""What this process knows of the store without asking it: records, changes seen, the next due time.

A hit takes no lock. A read enters what it found only if nothing was committed since it began:
otherwise a key that another thread has just disabled would go on working here.
"""

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kmslab.kms.contract.records import Record
from kmslab.kms.store import fork

Place = tuple[type[Any], str]


class Cache(fork.Part):
    """At most `2 * size` records: when `size` were entered, those not asked for since go."""

    def __init__(self, size: int) -> None:
        self.hot: dict[Place, Any] = {}
        self.lists: dict[tuple[type[Any], str, str], Any] = {}  # what was found by a field
        self.changes = 0  # the store's count of changes, as far as this process has seen
        self.next_due: datetime | None = None
        self.commits = 0  # of this process, and changes of others that it has seen
        self.others = 0  # how often others turned out to have changed something
        self._warm: dict[Place, Any] = {}
        self._size = size
        self._lock = threading.Lock()
        fork.join(self)

    def again(self, place: Place) -> Any:
        """A record that has not been asked for in a while, if it is still here."""
        with self._lock:
            record = self._warm.pop(place, None)
            if record is not None:
                self._enter(place, record)
            return record

    def fill(self, place: Place, record: Record, commits: int) -> None:
        """Enter what a read found that began when `commits` had this value."""
        with self._lock:
            if self.commits == commits:
                self._enter(place, record)

    def fill_list(self, place: tuple[type[Any], str, str], found: Any, commits: int) -> None:
        """The same of what was found by a field. Any change at all makes an end of it."""
        with self._lock:
            if self.commits == commits:
                if len(self.lists) >= self._size:
                    self.lists = {}
                self.lists[place] = found

    def committed(
        self,
        changes: int,
        next_due: datetime | None,
        put: Iterable[tuple[Place, Record]],
        gone: Iterable[Place],
    ) -> None:
        """Show what a commit of this process wrote."""
        with self._lock:
            self._advance(changes, next_due, expected=self.changes + 1)
            for place in gone:
                self._drop(place)
            for place, record in put:
                self._drop(place)
                if changes == self.changes:  # otherwise something newer may be in the store
                    self._enter(place, record)

    def seen(self, changes: int, next_due: datetime | None) -> None:
        """Take note of the store's state, which others may have changed."""
        with self._lock:
            self._advance(changes, next_due, expected=self.changes)

    def forget(self, places: Iterable[Place]) -> None:
        with self._lock:
            self._moved_on()
            for place in places:
                self._drop(place)

    def clear(self) -> None:
        with self._lock:
            self._clear()

    def in_forked_child(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _advance(self, changes: int, next_due: datetime | None, expected: int) -> None:
        if changes > self.changes:
            self._moved_on()
            self.changes = changes
            self.next_due = next_due
        if changes > expected:
            self.others += 1
            self._clear()

    def _clear(self) -> None:
        self._moved_on()
        self.hot, self._warm = {}, {}

    def _moved_on(self) -> None:
        self.commits += 1
        self.lists = {}

    def _enter(self, place: Place, record: Record) -> None:
        if len(self.hot) >= self._size:
            self.hot, self._warm = {}, self.hot
        self.hot[place] = record

    def _drop(self, place: Place) -> None:
        self.hot.pop(place, None)
        self._warm.pop(place, None)
