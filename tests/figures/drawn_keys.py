"""Pictures of a key's life, each from its smallest and its largest object."""

from datetime import UTC, datetime
from functools import cache

from kmslab import CMK, Clock, Lab, figures


def new_key() -> CMK:
    return Lab(clock=Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC))).create_cmk()


@cache
def shortest_life() -> figures.Picture:
    return figures.life(new_key())


@cache
def longest_life() -> figures.Picture:
    """Every move, and most of them very often."""
    key = new_key()
    for _ in range(9):
        key.schedule_deletion()
        key.cancel_deletion()
        key.schedule_deletion()
        key.cancel_deletion()
        key.enable()
        key.disable()
        key.enable()
    key.schedule_deletion(days=7)
    key.lab.clock.advance(days=7)
    return figures.life(key)


@cache
def operations_while_enabled() -> figures.Picture:
    return figures.operations(new_key())


@cache
def one_operation() -> figures.Picture:
    return figures.operations(new_key(), "CancelKeyDeletion")


@cache
def operations_while_pending() -> figures.Picture:
    key = new_key()
    key.schedule_deletion()
    return figures.operations(key)


@cache
def operations_when_gone() -> figures.Picture:
    key = new_key()
    key.schedule_deletion(days=7)
    key.lab.clock.advance(days=7)
    return figures.operations(key)


@cache
def one_material() -> figures.Picture:
    key = new_key()
    return figures.materials(key, key.encrypt(b"1"))


@cache
def most_materials() -> figures.Picture:
    """As many rotations as AWS allows, and blobs whose arrows cross."""
    key = new_key()
    blobs = [key.encrypt(b"\0" * 4096)]
    for _ in range(25):
        key.rotate()
        blobs.append(key.encrypt(b"\0" * 4096))
    return figures.materials(key, blobs[24], blobs[0], blobs[2], blobs[9])


DRAWINGS = [
    shortest_life,
    longest_life,
    operations_while_enabled,
    one_operation,
    operations_while_pending,
    operations_when_gone,
    one_material,
    most_materials,
]
