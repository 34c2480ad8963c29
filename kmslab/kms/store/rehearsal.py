"""What is done in a rehearsal never happened: records and events are afterwards as they were.

For stores in memory, which nobody shares. A course's exercises are tried in one. Records are put
back through the store's own commit, so that nothing cached survives them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from kmslab.kms.contract.records import KINDS, Record
from kmslab.kms.store.cache import Place
from kmslab.kms.store.change import place
from kmslab.kms.store.store import Store

EVERYTHING = 1_000_000


@contextmanager
def rehearsal(store: Store) -> Iterator[None]:
    """Undo, at the end, all that was stored meanwhile. Raises ValueError for a store in a file."""
    if store.shared:
        raise ValueError("a rehearsal would undo what others do in the same store meanwhile")
    before, last = _records(store), max((each.sequence for each in store.events()), default=0)
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
    return {
        place(record): record for kind in KINDS for record in store.page(kind, "", "", EVERYTHING)
    }
