"""What is known of a store is relied on for a second at most, however long a look at it takes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kmslab.kms.store.errors import StoreError
from kmslab.kms.store.polling import POLL, Polling


class Clock:
    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


class Network:
    """A look takes as long as the test wants, and fails if it is cut."""

    def __init__(self) -> None:
        self.looks = 0
        self.is_cut = False
        self.free = threading.Event()
        self.free.set()
        self.entered = threading.Semaphore(0)

    def look(self) -> None:
        self.looks += 1
        self.entered.release()
        assert self.free.wait(30)
        if self.is_cut:
            raise StoreError("cannot be reached")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("kmslab.kms.store.polling.time", clock)
    return clock


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.free.set()


@pytest.fixture
def stuck(network: Network, clock: Clock) -> Iterator[tuple[Polling, ThreadPoolExecutor]]:
    """Half a second after a good look, a thread looks again and gets no answer."""
    polling = Polling(network.look)
    polling.poll()
    network.entered.acquire()
    clock.seconds += POLL
    network.free.clear()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(polling.poll)
        network.entered.acquire()
        yield polling, pool
        network.free.set()
        first.exception()


def test_others_rely_on_what_is_known_for_a_second_and_then_wait(
    stuck: tuple[Polling, ThreadPoolExecutor], network: Network, clock: Clock
) -> None:
    polling, pool = stuck
    clock.seconds += POLL - 0.01
    polling.poll()
    clock.seconds += 0.01
    waiting = [pool.submit(polling.poll) for _ in range(2)]
    assert not any(each.done() for each in waiting)
    network.free.set()
    assert [each.exception(30) for each in waiting] == [None, None]
    assert network.looks == 3, "the answer was old when it came: one of the two looked again"


def test_those_who_waited_fail_with_the_look(
    stuck: tuple[Polling, ThreadPoolExecutor], network: Network, clock: Clock
) -> None:
    polling, pool = stuck
    clock.seconds += POLL
    waiting = [pool.submit(polling.poll) for _ in range(2)]
    clock.seconds += 2
    network.is_cut = True
    network.free.set()
    for each in waiting:
        assert isinstance(each.exception(30), StoreError)
    assert network.looks == 2, "a look that failed is not repeated by those who waited"


def test_after_a_failed_look_all_fail_until_one_succeeds(network: Network, clock: Clock) -> None:
    polling = Polling(network.look)
    network.is_cut = True
    for _ in range(3):
        with pytest.raises(StoreError):
            polling.poll()
    assert network.looks == 1
    network.is_cut = False
    clock.seconds += POLL
    polling.poll()
    polling.poll()
    assert network.looks == 2
