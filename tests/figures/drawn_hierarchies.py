"""The hierarchy of keys, from a key that has sealed nothing and from one that has sealed a lot."""

from functools import cache

from kmslab import envelope, figures
from tests.figures.drawn_keys import new_key


@cache
def smallest_hierarchy() -> figures.Picture:
    return figures.hierarchy(new_key())


@cache
def usual_hierarchy() -> figures.Picture:
    key = new_key()
    return figures.hierarchy(key, key.encrypt(b"1"), envelope.encrypt(b"\0" * 50_000, key))


@cache
def largest_hierarchy() -> figures.Picture:
    key = new_key()
    data_key = key.encrypt(b"\0" * 4096)  # the largest that a blob holds
    large = envelope.encrypt(b"\0" * 12_345_678, key)
    return figures.hierarchy(key, large, data_key, large)


DRAWINGS = [smallest_hierarchy, usual_hierarchy, largest_hierarchy]
