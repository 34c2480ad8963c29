"""What is due, and which changes of a key's state are allowed: pure functions of records.

Time has no thread of its own. A commit writes into each key when the service must act on it next,
and every call first runs what is due.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from kmslab.kms.contract.records import Key, Record
from kmslab.kms.contract.states import MOVES, USABLE, KeyState, Move


def next_due(key: Key) -> tuple[datetime, str] | None:
    """When the service itself must act on this key next, and the name of that act."""
    if key.state is KeyState.PENDING_DELETION and key.deletion_date:
        return key.deletion_date, "DeleteKey"
    rotations = [moment for moment in (key.rotate_at, key.next_rotation) if moment]
    if key.state in USABLE and rotations:
        return min(rotations), "RotateKey"
    return None


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
