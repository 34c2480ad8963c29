"""Where a lab's records and events are kept: in memory, or in an SQLite file that processes share.

`open_store` gives a `Store`; nothing else in the package speaks SQL.
"""

from kmslab.kms.store.errors import Conflict, StoreError
from kmslab.kms.store.opening import is_there, open_store
from kmslab.kms.store.store import Store

__all__ = ["Conflict", "Store", "StoreError", "is_there", "open_store"]
