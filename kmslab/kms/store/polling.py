"""When to look at what other processes have changed.

Half a second after the last look, the next caller looks again. What is known is relied on for a
second at most: if a look takes longer, because the network or the server is stuck, all other
callers wait for it. If it fails, so do they, and until the next look each caller fails at once. So
a process that has lost its store answers nothing from its cache.
"""

import threading
import time
from collections.abc import Callable

from kmslab.kms.store import fork
from kmslab.kms.store.errors import StoreError

POLL = 0.5  # seconds between two looks
AGAIN = 0.1  # seconds until the next look at a store that could not be read


class Polling(fork.ForkAware):
    """`look` takes over what others have changed; it raises `StoreError` if it cannot."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._at = 0.0  # when to look again
        self._away = ""  # why the store could not be read at the last look
        self._looking = threading.Lock()
        fork.join(self)

    def poll(self) -> None:
        """When this returns, the last look began less than a second ago. Raises `StoreError`."""
        if (now := time.monotonic()) >= self._at and self._looking.acquire(now >= self._at + POLL):
            try:
                self._look_if_due()
            finally:
                self._looking.release()
        if self._away:
            raise StoreError(self._away)

    def look_at_next(self) -> None:
        """The next caller is to look, however recent the last look is."""
        self._at = 0.0

    def _look_if_due(self) -> None:
        began = time.monotonic()
        if began < self._at:
            return  # another thread has looked while this one waited
        try:
            self._look()
            self._away = ""
            self._at = began + POLL
        except StoreError as error:
            self._away = str(error)
            now = time.monotonic()
            self._at = now + max(AGAIN, now - began)  # calls wait for less than half the time

    def in_forked_child(self) -> None:
        self._looking = threading.Lock()
