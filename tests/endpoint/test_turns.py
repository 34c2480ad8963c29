"""Callers take turns at the threads, and none gets all of them."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from kmslab.endpoint.turns import Turns


class Works:
    """Works of any kind, which begin in the order of `begun` and end when they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.is_free: dict[str, threading.Event] = {}

    def work(self, name: str) -> Callable[[], str]:
        free = self.is_free.setdefault(name, threading.Event())

        def run() -> str:
            self.begun.append(name)
            free.wait()
            return name

        return run

    async def begins(self, *names: str) -> None:
        while len(self.begun) < len(names):
            await asyncio.sleep(0.001)
        for _ in range(20):  # whatever else might begin
            await asyncio.sleep(0)
        assert sorted(self.begun) == sorted(names)
        self.begun.clear()

    def let_go(self) -> None:
        for free in self.is_free.values():
            free.set()


@pytest.fixture
def turns() -> Iterator[Turns]:
    turns = Turns(3, 2, "test")
    yield turns
    turns.close()


@pytest.fixture
def works(turns: Turns) -> Iterator[Works]:
    works = Works()
    yield works
    works.let_go()


def _started(turns: Turns, works: Works, names: str) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(turns.run(name[0], works.work(name))) for name in names.split()]


def test_no_kind_gets_all_threads_and_kinds_take_turns(turns: Turns, works: Works) -> None:
    async def run() -> None:
        tasks = _started(turns, works, "a1 a2 a3 a4 b1 c1 c2 b2")
        await works.begins("a1", "a2", "b1")
        for done, begins in [("a1", "a3"), ("a2", "c1"), ("b1", "b2"), ("a3", "a4")]:
            works.is_free[done].set()
            await works.begins(begins)
        works.let_go()
        assert await asyncio.gather(*tasks) == ["a1", "a2", "a3", "a4", "b1", "c1", "c2", "b2"]

    asyncio.run(run())


def test_work_that_fails_gives_its_thread_back(turns: Turns) -> None:
    async def run() -> None:
        for _ in range(10):
            with pytest.raises(ZeroDivisionError):
                await turns.run("a", lambda: 1 // 0)

    asyncio.run(run())


def test_whoever_leaves_the_line_is_left_out(turns: Turns, works: Works) -> None:
    async def run() -> None:
        tasks = _started(turns, works, "a1 a2 a3 a4 a5")
        await works.begins("a1", "a2")
        tasks[2].cancel()  # it waits
        await asyncio.sleep(0)
        works.is_free["a1"].set()
        await works.begins("a4")
        works.let_go()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in done].count(asyncio.CancelledError) == 1

    asyncio.run(run())


def test_whoever_leaves_at_its_turn_gives_its_thread_back(turns: Turns, works: Works) -> None:
    async def run() -> None:
        async def first() -> None:
            await turns.run("a", works.work("a1"))  # its end calls the third
            third.cancel()  # which has not noticed yet

        tasks = [asyncio.create_task(first()), *_started(turns, works, "a2 a3")]
        third = tasks[2]
        await works.begins("a1", "a2")
        works.let_go()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[2], asyncio.CancelledError)
        assert not turns._busy
        assert turns._free == 3

    asyncio.run(run())
