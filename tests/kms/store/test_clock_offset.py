"""A lab's clock is advanced for every process on its store, and steps add up."""

import threading
from collections.abc import Callable
from datetime import timedelta

from kmslab.kms.clock_offset import StoredOffset
from kmslab.kms.store import Store

DAY = timedelta(days=1)


def test_offset_outlives_the_process(opened: Callable[[], Store]) -> None:
    assert StoredOffset(opened()).read() == timedelta()
    StoredOffset(opened()).add(8 * DAY + timedelta(microseconds=1))
    assert StoredOffset(opened()).read() == 8 * DAY + timedelta(microseconds=1)


def test_steps_of_several_stores_add_up(opened: Callable[[], Store]) -> None:
    def ten_days(offset: StoredOffset) -> None:
        for _ in range(10):
            offset.add(DAY)

    threads = [threading.Thread(target=ten_days, args=[StoredOffset(opened())]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert StoredOffset(opened()).read() == 30 * DAY


def test_opening_a_lab_is_no_change_for_others(opened: Callable[[], Store]) -> None:
    one = opened()
    StoredOffset(one).add(timedelta())
    seen = one._cache.changes
    StoredOffset(opened()).add(timedelta())
    one._look()
    assert one._cache.changes == seen
