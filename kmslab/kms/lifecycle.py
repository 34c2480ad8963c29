"""What is due by now: a pure function of a record. Time has no thread of its own.

The road stamps a key with the time when it is due next as it commits it, and runs what is due
before it does anything else.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from kmslab.kms.contract.records import Key, Record
from kmslab.kms.contract.states import MOVES, USABLE, KeyState


def next_due(key: Key) -> tuple[datetime, str] | None:
    """When the service itself must act on this key next, and the service event that it then is."""
    if key.state is KeyState.PENDING_DELETION and key.deletion_date:
        return key.deletion_date, "DeleteKey"
    rotations = [moment for moment in (key.rotate_at, key.next_rotation) if moment]
    if key.state in USABLE and rotations:
        return min(rotations), "RotateKey"
    return None


def stamp(record: Record) -> Record:
    """The record as it is stored: a key knows when it is due."""
    if not isinstance(record, Key):
        return record
    due = next_due(record)
    return replace(record, due=due[0] if due else None)


def check_moves(
    name: str, found: Iterable[Record], staged: Iterable[Record], removed: Iterable[Record]
) -> None:
    """A change of state that `MOVES` does not list here is a bug, not the request's fault."""
    known = {record.arn: record for record in found if isinstance(record, Key)}
    pairs: list[tuple[Key | None, Key | None]] = []
    pairs += [(known.get(record.arn), record) for record in staged if isinstance(record, Key)]
    pairs += [(record, None) for record in removed if isinstance(record, Key)]
    for old, new in pairs:
        move = (old.state if old else None, new.state if new else None)
        if move[0] is not move[1] and move not in MOVES.get(name, ()):
            raise RuntimeError(f"{name} moved a key from {move[0]} to {move[1]}")
