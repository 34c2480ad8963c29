"""What is due, and which changes of a key's state are allowed: pure functions of records.

Time has no thread of its own. A commit writes into each key when the service must act on it next,
and every call first runs what is due.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kmslab.kms.contract.key_stores import ConnectionState, KeyStore
from kmslab.kms.contract.records import Key, Reader, Record
from kmslab.kms.contract.specs import Reach
from kmslab.kms.contract.states import MOVES, PENDING, USABLE, KeyState, Move

# How long a multi-Region key is Creating or Updating. AWS says only "a few seconds".
SYNCHRONIZING = timedelta(seconds=2)


def shown_state(records: Reader, key: Key, now: datetime) -> KeyState:
    """The state that callers see. Unavailable is never stored: it follows from the key's store."""
    if not key.store or key.state in PENDING:
        return key.state
    store = records.get(KeyStore, key.store)
    connected = store and store.connection(now) is ConnectionState.CONNECTED
    return key.state if connected else KeyState.UNAVAILABLE


def next_due(key: Key) -> tuple[datetime, str] | None:
    """When the service itself must act on this key next, and the name of that act."""
    rotates = key.state in USABLE and key.reach is not Reach.REPLICA  # a replica's primary does
    possible = (
        (key.deletion_date, "DeleteKey", key.state is KeyState.PENDING_DELETION),
        (key.ready, "SynchronizeMultiRegionKey", True),
        (key.expires, "DeleteExpiredKeyMaterial", True),
        (key.pending_expires, "DeleteExpiredKeyMaterial", True),
        (key.rotate_at, "RotateKey", rotates),
        (key.next_rotation, "RotateKey", rotates),
    )
    return min(
        ((moment, name) for moment, name, applies in possible if moment and applies), default=None
    )


def stamp(record: Record) -> Record:
    """The record as it is stored: in a key stands when it is due."""
    if not isinstance(record, Key):
        return record
    due = next_due(record)
    return replace(record, due=due[0] if due else None)


def check_moves(
    name: str,
    found: Iterable[Record],
    staged: Iterable[Record] = (),
    removed: Iterable[Record] = (),
) -> None:
    """Raise RuntimeError for a change of state that `MOVES` does not list for this operation."""
    old = {record.arn: record.state for record in found if isinstance(record, Key)}
    moves: list[Move] = []
    moves += [(old.get(key.arn), key.state) for key in staged if isinstance(key, Key)]
    moves += [(key.state, None) for key in removed if isinstance(key, Key)]
    for before, after in moves:
        if before is not after and (before, after) not in MOVES.get(name, ()):
            raise RuntimeError(f"{name} moved a key from {before} to {after}")
