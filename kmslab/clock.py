"""One clock: wall time plus an offset, or frozen at a moment. `advance` moves the lab's time, forward only.

The clock is the service's time. Nothing deep inside reads it: the road asks once a call and hands
the time on as an argument.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """`Clock()` runs with the wall; `Clock.frozen(moment)` stands still until it is advanced."""

    def __init__(self, base: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._base = base
        self.offset = timedelta()
        self.keep: Callable[[timedelta], timedelta] | None = None  # a lab's store adds up the steps

    @classmethod
    def frozen(cls, at: datetime) -> "Clock":
        """A clock that shows `at` (an aware datetime) until somebody advances it."""
        if at.tzinfo is None:
            raise ValueError("a frozen clock needs an aware datetime, such as datetime(2026, 1, 5, tzinfo=UTC)")
        return cls(lambda: at.astimezone(UTC))

    def now(self) -> datetime:
        """The lab's time, in UTC."""
        return self._base() + self.offset

    def advance(self, **duration: float) -> datetime:
        """Move the lab's time forward by a `timedelta`'s keywords (`days=8`, `hours=1`) and return it."""
        step = timedelta(**duration)
        if step < timedelta():
            raise ValueError("the clock only goes forward: a KMS never un-deletes a key")
        self.offset = self.keep(step) if self.keep else self.offset + step
        return self.now()

    def __repr__(self) -> str:
        return f"<Clock {self.now():%Y-%m-%d %H:%M:%S} UTC>"
