"""One clock: wall time plus an offset, or frozen at a moment. It can be advanced, never set back.

The clock is the service's time. Nothing deep inside reads it: the road asks once a call and hands
the time on as an argument.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

END = datetime(9000, 1, 1, tzinfo=UTC)  # what is due later still has to be a date that Python knows


class Offset(Protocol):
    """How far a clock was advanced: kept in memory, or with a lab's records."""

    def read(self) -> timedelta: ...
    def add(self, step: timedelta) -> None: ...


class Clock:
    """`Clock()` runs with the wall; `Clock.frozen(moment)` stands still until it is advanced."""

    def __init__(self, base: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._base = base
        self._offset: Offset = _InMemory()

    @classmethod
    def frozen(cls, at: datetime) -> "Clock":
        """A clock that shows `at` (an aware datetime) until somebody advances it."""
        if at.tzinfo is None:
            raise ValueError("a frozen clock needs a time zone: datetime(2026, 1, 5, tzinfo=UTC)")
        return cls(lambda: at.astimezone(UTC))

    def kept_in(self, offset: Offset) -> "Clock":
        """A lab's own clock: it stands on this one, and its offset is kept with the lab's store.

        So a lab that is opened again does not travel back in time, and labs may share one clock.
        """
        offset.add(timedelta())  # written down from now on: a missing record is asked for each time
        clock = Clock(self.now)
        clock._offset = offset
        return clock

    def now(self) -> datetime:
        """The lab's time, in UTC."""
        return self._base() + self._offset.read()

    def advance(self, **duration: float) -> datetime:
        """Move the lab's time forward (`days=8`, `hours=1`, as for `timedelta`) and return it."""
        step = timedelta(**duration)
        if step < timedelta():
            raise ValueError("the lab's clock only goes forward")
        if step > END - self.now():  # asked first, because a step that is kept is kept for good
            raise ValueError(f"the lab's clock ends with the year {END.year - 1}")
        self._offset.add(step)
        return self.now()

    def __repr__(self) -> str:
        return f"<Clock {self.now():%Y-%m-%d %H:%M:%S} UTC>"


class _InMemory:
    def __init__(self) -> None:
        self._sum = timedelta()

    def read(self) -> timedelta:
        return self._sum

    def add(self, step: timedelta) -> None:
        self._sum += step
