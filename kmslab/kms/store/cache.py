"""What this process knows without a query: records, the count of changes, the next due time.

A hit takes no lock. What a read finds is entered only if nothing was committed since it began.
Otherwise a key that another thread has just disabled would still work here.
"""

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kmslab.kms.contract.records import Record
from kmslab.kms.store import fork

Place = tuple[type[Any], str]
ListPlace = tuple[type[Any], tuple[tuple[str, str], ...]]  # a kind, and fields with their values


class Cache(fork.ForkAware):
    """At most `2 * size` records: when `size` have been entered, those not read meanwhile go."""

    def __init__(self, size: int) -> None:
        self.hot: dict[Place, Any] = {}
        self.lists: dict[
            type[Any], dict[Any, Any]
        ] = {}  # by kind, then by fields with their values
        self.changes = 0  # the store's count of changes when this process last looked
        self.next_due: datetime | None = None
        self.commits = 0  # of this process, and changes by other processes that it has seen
        self.others = 0  # how often it has seen that other processes changed something
        self._warm: dict[Place, Any] = {}
        self._size = size
        self._lock = threading.Lock()
        fork.join(self)

    def again(self, place: Place) -> Any:
        """A record that has not been read for a while, if it is still here."""
        with self._lock:
            record = self._warm.pop(place, None)
            if record is not None:
                self._enter(place, record)
            return record

    def fill(self, place: Place, record: Record, commits: int) -> None:
        """Enter a record whose read began when `commits` had this value."""
        with self._lock:
            if self.commits == commits:
                self._enter(place, record)

    def fill_list(self, place: ListPlace, found: Any, commits: int) -> None:
        """Enter the records found by fields' values, until a commit changes any of this kind."""
        kind, equal = place
        with self._lock:
            if self.commits == commits:
                if len(self.lists.get(kind, ())) >= self._size:
                    del self.lists[kind]
                self.lists.setdefault(kind, {})[equal] = found

    def committed(
        self,
        changes: int,
        next_due: datetime | None,
        put: Iterable[tuple[Place, Record]],
        gone: Iterable[Place],
    ) -> None:
        """Enter what a commit of this process wrote."""
        with self._lock:
            self._advance(changes, next_due, expected=self.changes + 1)
            for place in gone:
                self._drop(place)
                self.lists.pop(place[0], None)
            for place, record in put:
                self._drop(place)
                self.lists.pop(place[0], None)
                if changes == self.changes:  # otherwise the store may hold a newer version
                    self._enter(place, record)

    def seen(self, changes: int, next_due: datetime | None) -> None:
        """Take over the store's state, which other processes may have changed."""
        with self._lock:
            self._advance(changes, next_due, expected=self.changes)

    def forget(self, places: Iterable[Place]) -> None:
        with self._lock:
            self.commits += 1
            self.lists = {}
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
            self.commits += 1
            self.changes = changes
            self.next_due = next_due
        if changes > expected:
            self.others += 1
            self._clear()

    def _clear(self) -> None:
        self.commits += 1
        self.hot, self._warm, self.lists = {}, {}, {}

    def _enter(self, place: Place, record: Record) -> None:
        if len(self.hot) >= self._size:
            self.hot, self._warm = {}, self.hot
        self.hot[place] = record

    def _drop(self, place: Place) -> None:
        self.hot.pop(place, None)
        self._warm.pop(place, None)
