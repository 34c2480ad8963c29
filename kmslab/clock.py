"""The lab's clock: wall time plus an offset, or frozen at a moment. It only goes forward.

It is the service's time. Nothing deep inside reads it: the service asks once for each call and
passes the time on as an argument.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

END = datetime(9000, 1, 1, tzinfo=UTC)  # leaves room for due dates: Python's end with 9999


class Offset(Protocol):
    """How far a clock has been advanced: kept in memory, or with a lab's records."""

    def read(self) -> timedelta: ...
    def add(self, step: timedelta) -> None: ...


class Clock:
    """`Clock()` shows wall time; `Clock.frozen(moment)` stands still until it is advanced."""

    def __init__(self, base: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._base = base
        self._offset: Offset = _InMemory()

    @classmethod
    def frozen(cls, at: datetime) -> "Clock":
        """A clock that shows `at` (an aware datetime) until it is advanced."""
        if at.tzinfo is None:
            raise ValueError("a frozen clock needs a time zone: datetime(2026, 1, 5, tzinfo=UTC)")
        return cls(lambda: at.astimezone(UTC))

    def kept_in(self, offset: Offset) -> "Clock":
        """A lab's own clock: this one plus an offset that is kept with the lab's store.

        So a lab that is opened again does not go back in time, and labs may share one clock.
        """
        offset.add(timedelta())  # makes its record: a missing one would be looked for in each call
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
        if step > END - self.now():  # checked first, because a stored step stays
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
