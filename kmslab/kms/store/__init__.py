"""Where a lab's records and events are stored: in memory, in an SQLite file, or in PostgreSQL.

`open_store` returns a `Store`; no other part of the package uses SQL, and only `kms/changes.py`
commits. The rule: SQLAlchemy is loaded when a store is opened and not before, because it takes
longer than all the rest of kmslab. So other modules import this package, and write the type as
`"stores.Store"`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kmslab.kms.store.errors import UNREADABLE, Conflict, Damaged, StoreError

if TYPE_CHECKING:
    from kmslab.kms.store.opening import is_there, open_store, shown
    from kmslab.kms.store.store import Store

__all__ = [
    "UNREADABLE",
    "Conflict",
    "Damaged",
    "Store",
    "StoreError",
    "is_there",
    "open_store",
    "shown",
]

# The module of each name that needs SQLAlchemy.
MODULES = {
    "Store": "kmslab.kms.store.store",
    "is_there": "kmslab.kms.store.opening",
    "open_store": "kmslab.kms.store.opening",
    "shown": "kmslab.kms.store.opening",
}


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(MODULES[name]), name)
