"""08-choose: the way of wrapping that takes the least time for a job."""

from collections.abc import Iterable

Way = tuple[str, int, float, float]  # name, bytes, microseconds to wrap, to unwrap


def choose(ways: Iterable[Way], wraps: int, unwraps: int, room: int) -> str:
    times = {
        name: wraps * wrap + unwraps * unwrap for name, size, wrap, unwrap in ways if size <= room
    }
    return min(times, key=times.__getitem__)
