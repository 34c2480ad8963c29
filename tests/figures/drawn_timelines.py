"""Timelines of keys that are new, were rotated, and were rotated as often as AWS allows."""

from datetime import timedelta
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


@cache
def timeline_of_a_key_without_material() -> figures.Picture:
    lab = new_key().lab
    key = lab.create_cmk("own", origin="EXTERNAL")
    lab.clock.advance(days=3)
    return figures.timeline(key)


@cache
def timeline_with_expired_material() -> figures.Picture:
    """Imported, expired and imported again; rotated to a second one; a third one waits."""
    lab = new_key().lab
    key, first = lab.create_cmk("own", origin="EXTERNAL"), b"1" * 32
    lab.clock.advance(days=5)
    key.import_material(first, expires=lab.clock.now() + timedelta(days=20))
    blobs = [key.encrypt(b"page")]
    lab.clock.advance(days=30)
    key.import_material(first, expires=lab.clock.now() + timedelta(days=90))
    lab.clock.advance(days=10)
    key.import_material(b"2" * 32, new=True)
    key.rotate()
    blobs.append(key.encrypt(b"page"))
    lab.clock.advance(days=20)
    key.import_material(b"3" * 32, new=True)
    return figures.timeline(key, *blobs)


DRAWINGS = [
    timeline_of_a_new_key,
    usual_timeline,
    longest_timeline,
    timeline_of_a_key_without_material,
    timeline_with_expired_material,
]
