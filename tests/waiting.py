"""Tests wait for an event and not for a time, because a busy machine may take long."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T]) -> T:
    """What `look` returns, once that is true. pytest's timeout ends a test that waits in vain."""
    while not (found := look()):
        time.sleep(0.01)
    return found
