"""Timelines of keys that are new, were rotated, and were rotated as often as AWS allows."""

from functools import cache

from kmslab import figures
from tests.figures.drawn_keys import new_key


@cache
def timeline_of_a_new_key() -> figures.Picture:
    return figures.timeline(new_key())


@cache
def usual_timeline() -> figures.Picture:
    key = new_key()
    blobs = [key.encrypt(b"\0" * 84)]
    for days in (30, 45):
        key.lab.clock.advance(days=days)
        key.rotate()
        blobs.append(key.encrypt(b"\0" * 84))
    key.lab.clock.advance(days=20)
    return figures.timeline(key, *blobs)


@cache
def longest_timeline() -> figures.Picture:
    key = new_key()
    blobs = [key.encrypt(b"\0" * 4096)]
    for _ in range(25):
        key.lab.clock.advance(days=90)
        key.rotate()
        blobs.append(key.encrypt(b"\0" * 4096))
    return figures.timeline(key, blobs[24], blobs[0], blobs[0], blobs[0])


DRAWINGS = [timeline_of_a_new_key, usual_timeline, longest_timeline]
