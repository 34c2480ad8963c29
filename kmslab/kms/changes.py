"""The only place that commits: a change of records is staged first, and stored here as a whole.

One transaction stores all staged records and events, or none. It fails if a record that it changes,
or relies on, no longer has the version that was read; then the change starts over from reading. API
calls, deletions and rotations that are due, IAM, access keys, the clock and seeds are all stored
this way. The one exception is a rehearsal (`store/rehearsal.py`), which undoes what was stored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from kmslab.kms import store as stores
from kmslab.kms.contract.events import Event, LastUse
from kmslab.kms.contract.records import R, Reader, Record, name_of
from kmslab.kms.lifecycle import stamp

ATTEMPTS = 50  # to commit a change, while other commits keep changing its records
T = TypeVar("T")


class Change:
    """Records to store, records to remove, and events. Reads see the store as after the commit.

    `found`: records that the change relies on without changing them.
    """

    __slots__ = ("_changed", "_stored", "events", "found", "removed", "staged")

    def __init__(self, stored: Reader) -> None:
        self.staged: list[Record] = []
        self.removed: list[Record] = []
        self.found: Sequence[Record] = ()
        self.events: list[Event] = []
        self._stored = stored
        self._changed: dict[tuple[type[Any], str], Any] = {}  # by kind and name; None: removed

    def __bool__(self) -> bool:
        """Whether any record changes."""
        return bool(self.staged or self.removed)

    def put(self, *records: Record) -> None:
        """To stage a record twice, the same each time, is to stage it once."""
        for record in records:
            place = type(record), name_of(record)
            if self._changed.get(place) != record:
                self.staged.append(record)
                self._changed[place] = record

    def remove(self, *records: Record) -> None:
        self.removed.extend(records)
        for record in records:
            self._changed[type(record), name_of(record)] = None

    def add(self, part: "Change") -> None:
        """Stage everything in `part` too. `part` must be a change on top of this one."""
        self.put(*part.staged)
        self.remove(*part.removed)
        self.found = [*self.found, *part.found]
        self.events += part.events

    def get(self, kind: type[R], name: str) -> R | None:
        if (kind, name) not in self._changed:
            return self._stored.get(kind, name)
        record: R | None = self._changed[kind, name]
        return record

    def find(self, kind: type[R], **equal: str) -> list[R]:
        found = self._stored.find(kind, **equal)
        return self._as_changed(kind, found, lambda record: _has(record, equal))

    def are_fewer(self, kind: type[R], most: int, **equal: str) -> bool:
        if self:
            return len(self.find(kind, **equal)) < most
        return self._stored.are_fewer(kind, most, **equal)

    def page(
        self, kind: type[R], prefix: str, after: str = "", limit: int = 100, **equal: str
    ) -> list[R]:
        def belongs(record: R) -> bool:
            return name_of(record).startswith(prefix) and name_of(record) > after

        found = self._stored.page(kind, prefix, after, limit + len(self._changed), **equal)
        known = self._as_changed(kind, found, lambda it: belongs(it) and _has(it, equal))
        return known[:limit]

    def last_use(self, key: str) -> LastUse | None:
        return self._stored.last_use(key)

    def _as_changed(
        self, kind: type[R], stored: Iterable[R], belongs: Callable[[R], bool]
    ) -> list[R]:
        """`stored` without the records that change, with the changed ones `belongs` accepts."""
        changed = {name: record for (of, name), record in self._changed.items() if of is kind}
        found = [record for record in stored if name_of(record) not in changed]
        found += [record for record in changed.values() if record and belongs(record)]
        return sorted(found, key=name_of)


def _has(record: Record, equal: Mapping[str, str]) -> bool:
    return all(getattr(record, field) == value for field, value in equal.items())


def apply(store: "stores.Store", stage: Callable[[Change], T], attempts: int = ATTEMPTS) -> T:
    """Run `stage`, store what it staged, and return what it returned.

    If another commit has changed the same records meanwhile, start over. Raises `Conflict` when all
    attempts have failed; an error that `stage` raises is passed on. Then nothing has been stored.
    """
    for _ in range(attempts):
        change = Change(store)
        result = stage(change)
        try:
            _commit(store, change)
        except stores.Conflict:
            continue
        return result
    raise stores.Conflict(
        f"other commits changed the same records during each of {attempts} attempts"
    )


def _commit(store: "stores.Store", change: Change) -> None:
    """If no record changes, the events are only logged: the store writes them within a second."""
    if not (change.staged or change.removed):
        for event in change.events:
            store.log(event)
        return
    store.commit(
        put=[stamp(record) for record in change.staged],
        remove=change.removed,
        found=change.found,
        events=change.events,
    )
