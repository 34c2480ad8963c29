"""A rehearsal undoes what was done in it: afterwards, records and events are as they were before.

Only for a store in memory, which no other process shares. A course's exercises are tried in one.
It puts the old records back through `Store.commit`, which also updates the cache, and it is the
only part of the package that commits besides `kms/changes.py`: it takes back what was stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from kmslab.kms.contract.records import KINDS, Record
from kmslab.kms.store.cache import Place
from kmslab.kms.store.store import Store
from kmslab.kms.store.writes import place


@contextmanager
def rehearsal(store: Store) -> Iterator[None]:
    """Undo, at the end, everything stored meanwhile. Raises ValueError for a store in a file."""
    if store.shared:
        raise ValueError("a rehearsal would undo what others do in the same store meanwhile")
    before, last = _records(store), store.position()
    try:
        yield
    finally:
        now = _records(store)
        back = [
            replace(record, version=now[name].version if name in now else 0)
            for name, record in before.items()
            if now.get(name) != record
        ]
        store.commit(put=back, remove=[now[name] for name in now.keys() - before.keys()])
        store.forget_events(last)


def _records(store: Store) -> dict[Place, Record]:
    return {place(record): record for kind in KINDS for record in store.all(kind)}
