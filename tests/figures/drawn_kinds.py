"""The picture of the three kinds of key, in an empty lab and in a busy one."""

from datetime import UTC, datetime
from functools import cache

from kmslab import Clock, Lab, figures

NEW_YEAR = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


def the_lab() -> Lab:
    return Lab(clock=Clock.frozen(NEW_YEAR))


def busy() -> Lab:
    """A lab that already has keys of all kinds, some rotating, one pending deletion."""
    lab = the_lab()
    keys = [lab.create_cmk(f"key-{number}") for number in range(3)]
    for key, bucket in zip(keys, ("a-bucket", "b-bucket", "c-bucket"), strict=True):
        key.enable_rotation(days=90)
        lab.bucket(bucket, key).put("page", b"1")
    keys[0].schedule_deletion(days=7)
    lab.bucket("managed").put("page", b"1")
    lab.bucket("owned", "aws-owned").put("page", b"1")
    return lab


@cache
def kinds_in_an_empty_lab() -> figures.Picture:
    return figures.kinds(the_lab())


@cache
def kinds_in_a_busy_lab() -> figures.Picture:
    return figures.kinds(busy())


DRAWINGS = [kinds_in_an_empty_lab, kinds_in_a_busy_lab]
