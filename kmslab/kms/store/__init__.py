"""Where a lab's records and events are stored: in memory, or in an SQLite file for all processes.

`open_store` returns a `Store`; no other part of the package uses SQL, and only `kms/changes.py`
commits.
"""

from kmslab.kms.store.errors import Conflict, StoreError
from kmslab.kms.store.opening import is_there, open_store
from kmslab.kms.store.store import Store

__all__ = ["Conflict", "Store", "StoreError", "is_there", "open_store"]
