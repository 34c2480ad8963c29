"""Callers take turns at the threads, and none gets all of them."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from functools import partial

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


@pytest.fixture(params=[False, True], ids=["no pause", "pause"])
def turns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    turns = Turns(3, 2, "test")
    monkeypatch.setattr(turns, "run", partial(turns.run, pause=request.param))
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
        works.is_free["a1"].set()
        await tasks[0]
        works.let_go()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[2], asyncio.CancelledError)
        assert not turns._busy
        assert turns._free == 3

    asyncio.run(run())


def test_loop_stands_still_until_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses, turned = threading.Event(), 0

    def wait(begun: Sequence[Future[object]], _: float) -> object:
        pauses.set()
        return futures.wait(begun, 60)

    monkeypatch.setattr("kmslab.endpoint.turns.wait", wait)
    turns = Turns(1, 1, "test")

    def work() -> int:
        assert pauses.wait(60)
        before = turned
        time.sleep(0.02)
        return turned - before

    async def turn() -> None:
        nonlocal turned
        while True:
            turned += 1
            await asyncio.sleep(0)

    async def run() -> None:
        turning = asyncio.create_task(turn())
        assert await turns.run("a", work, pause=True) == 0
        turning.cancel()

    asyncio.run(run())
    turns.close()


def test_loop_goes_on_beside_work_that_takes_longer(turns: Turns) -> None:
    async def run() -> None:
        goes_on = threading.Event()
        work = asyncio.create_task(turns.run("a", lambda: goes_on.wait(60)))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.001, goes_on.set)
        assert await work

    asyncio.run(run())
