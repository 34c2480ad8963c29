"""Pictures of envelopes, each from its smallest and its largest object."""

from datetime import UTC, datetime
from functools import cache

from kmslab import Clock, Lab, envelope, figures


def new_lab() -> Lab:
    return Lab(clock=Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC)))


@cache
def smallest_envelope() -> figures.Picture:
    return figures.swimlane(figures.follow(envelope.encrypt, b"1", new_lab().create_cmk()))


@cache
def largest_envelope() -> figures.Picture:
    """Three recipients with the longest names and much data: the last one alone still opens it."""
    lab = new_lab()
    keys = [lab.create_cmk(letter * 250) for letter in "WMX"]
    data = bytes(12_345_678)
    sealed = figures.follow(envelope.encrypt, data, keys)
    message = envelope.encrypt(data, keys)
    keys[0].disable()
    keys[1].schedule_deletion(days=7)
    return figures.swimlane(sealed, figures.follow(envelope.decrypt, message, keys))


@cache
def envelope_that_nobody_opens() -> figures.Picture:
    key = new_lab().create_cmk("records")
    message = envelope.encrypt(b"1", key)
    key.schedule_deletion(days=7)
    return figures.swimlane(figures.follow(envelope.decrypt, message, key))


@cache
def empty_folders() -> figures.Picture:
    """Programs that get a data key and have no data: with the plaintext key, and without it."""

    def both_copies(key):
        return key.generate_data_key().encrypted

    def one_copy(key):
        return key.generate_data_key_without_plaintext()

    key = new_lab().create_cmk("W" * 250)
    return figures.swimlane(figures.follow(both_copies, key), figures.follow(one_copy, key))


DRAWINGS = [smallest_envelope, largest_envelope, envelope_that_nobody_opens, empty_folders]
