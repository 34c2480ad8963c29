"""The connections of one server, of which there may be only so many: some end when others come.

Whoever comes is only counted, since thousands may come within a second. To look for those that have
waited longest takes milliseconds, so several of them end at once.
"""

from collections.abc import Collection, Hashable
from operator import itemgetter
from typing import Any, Protocol

try:
    import resource
except ModuleNotFoundError:  # Windows, which has no such bound
    resource = None  # type: ignore[assignment]


def open_files() -> int:
    """How many files and connections the system allows this process. Beyond, it accepts none."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else -1
    return soft if soft > 0 else 1 << 20


CONNECTIONS = min(1_000, open_files() // 2)  # at the same time
FROM_ONE = CONNECTIONS // 2  # from one address, so that no machine takes all of them
TOGETHER = 20  # this part of them ends at once, if there are too many


class Guest(Protocol):
    """A connection."""

    transport: Any

    @property
    def waits(self) -> tuple[bool, float] | None:
        """Which of all makes room first: the least. None: the server is answering it."""
        ...


class Crowd:
    """Who is connected, and from where."""

    def __init__(self) -> None:
        self._all: dict[Guest, Hashable] = {}  # with their addresses
        self._same: dict[Hashable, set[Guest]] = {}  # by address

    def enter(self, new: Guest, address: Hashable) -> None:
        """Beyond a bound, those end that have waited longest, or the new one if the server is
        answering all the others."""
        for bound, within in ((FROM_ONE, self._same.get(address, ())), (CONNECTIONS, self._all)):
            if len(within) >= bound and not self._end_some(within, bound // TOGETHER or 1):
                new.transport.abort()
                return
        self._all[new] = address
        self._same.setdefault(address, set()).add(new)

    def _end_some(self, within: Collection[Guest], most: int) -> int:
        """How many have ended."""
        idle = [(waits, each) for each in within if (waits := each.waits) is not None]
        ended = [each for _, each in sorted(idle, key=itemgetter(0))[:most]]
        for each in ended:
            each.transport.abort()
            self.leave(each)  # now: the loop tells it later, when others may have come
        return len(ended)

    def leave(self, guest: Guest) -> None:
        """Nothing happens if it has left already."""
        if guest in self._all:
            address = self._all.pop(guest)
            self._same[address].remove(guest)
            if not self._same[address]:
                del self._same[address]
