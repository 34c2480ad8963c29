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
Equal = tuple[tuple[str, str], ...]  # fields with their values
ListPlace = tuple[type[Any], Equal]
BOUNDS = 64  # counts of one kind that are kept: each new record is compared with all of them


class Cache(fork.ForkAware):
    """At most `2 * size` records: when `size` have been entered, those not read meanwhile go.

    Besides, the lists of each kind hold at most `size` records together, or one list does.
    """

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
        self._listed: dict[type[Any], int] = {}  # how many records are in the lists of a kind
        # By kind, then by fields with their values: no more records have these values. A count of
        # many records takes long, so it is kept, and raised by what is stored since.
        self._bounds: dict[type[Any], dict[Equal, int]] = {}
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
                held = self._listed.get(kind, 0) + len(found) + 1
                if held > self._size:
                    self.lists.pop(kind, None)
                    held = len(found) + 1
                self.lists.setdefault(kind, {})[equal] = found
                self._listed[kind] = held

    def bound(self, place: ListPlace) -> int | None:
        """No more records than this many have these values; None: it is not known."""
        kind, equal = place
        return self._bounds.get(kind, {}).get(equal)

    def fill_bound(self, place: ListPlace, number: int, commits: int) -> None:
        """Enter how many records have these values."""
        kind, equal = place
        with self._lock:
            if self.commits == commits:
                if len(self._bounds.get(kind, ())) >= BOUNDS:
                    del self._bounds[kind]
                self._bounds.setdefault(kind, {})[equal] = number

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
                self._drop_lists(place[0])
            for place, record in put:
                self._drop(place)
                self._drop_lists(place[0])
                self._raise_bounds(record)
                if changes == self.changes:  # otherwise the store may hold a newer version
                    self._enter(place, record)

    def seen(self, changes: int, next_due: datetime | None) -> None:
        """Take over the store's state, which other processes may have changed."""
        with self._lock:
            self._advance(changes, next_due, expected=self.changes)

    def forget(self, places: Iterable[Place]) -> None:
        with self._lock:
            self.commits += 1
            self.lists, self._listed, self._bounds = {}, {}, {}
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
        self.hot, self._warm = {}, {}
        self.lists, self._listed, self._bounds = {}, {}, {}

    def _enter(self, place: Place, record: Record) -> None:
        if len(self.hot) >= self._size:
            self.hot, self._warm = {}, self.hot
        self.hot[place] = record

    def _drop_lists(self, kind: type[Any]) -> None:
        self.lists.pop(kind, None)
        self._listed.pop(kind, None)

    def _raise_bounds(self, record: Record) -> None:
        bounds = self._bounds.get(type(record), {})
        for equal in bounds:
            if all(getattr(record, field) == value for field, value in equal):
                bounds[equal] += 1

    def _drop(self, place: Place) -> None:
        self.hot.pop(place, None)
        self._warm.pop(place, None)
