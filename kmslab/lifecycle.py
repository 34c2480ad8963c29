"""What is due by now: a pure function of a record. Time has no thread of its own.

The road sets a key's `due` when it commits it, and runs what is due before it does anything else.
"""

from datetime import datetime

from kmslab.contract.records import Key
from kmslab.contract.states import KeyState


def next_due(key: Key) -> tuple[datetime, str] | None:
    """When the service itself must act on this key next, and the service event that it then is."""
    if key.state is KeyState.PENDING_DELETION and key.deletion_date:
        return key.deletion_date, "DeleteKey"
    return None
