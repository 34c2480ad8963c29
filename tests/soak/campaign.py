"""A server under full load for a long time, and then with clients that should disturb nobody.

    python -m tests.soak.campaign --minutes 10

Eight fast clients call without a pause, all the time. In the first phase they are alone. Then, in
phases of their own, 200 slow clients are there, somebody reads the whole trail, and a backup is
made; each such phase has one without them before it, to be compared with.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.client import ID, SECRET
from tests.soak.clients import CHANGE_NOTHING, Fast, Took, read_trail, slow

FAST, SLOW = 8, 200
MEGABYTE = 1_000_000


@dataclass
class Phase:
    """What the fast clients saw meanwhile."""

    name: str
    took: list[Took]
    seconds: float
    memory: list[int] = field(default_factory=list)  # bytes, at equal distances

    def percentile(self, percent: float, *, changes: bool | None = None) -> float:
        """Milliseconds, of all calls, of those that change the store, or of the others."""
        ordered = sorted(
            each.seconds
            for each in self.took
            if changes is None or changes == (each.operation not in CHANGE_NOTHING)
        )
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1_000

    @property
    def failures(self) -> Counter[str]:
        """Answers that are not 200, by status and code."""
        return Counter(f"{each.status} {each.code}" for each in self.took if each.status != 200)

    def __str__(self) -> str:
        half, most = self.percentile(50), self.percentile(99)
        shown = f"{self.name}: {len(self.took) / self.seconds:,.0f} calls a second, p50 "
        shown += f"{half:.1f} ms, p99 {most:.1f} ms ({most / half:.1f} times p50), p99.9 "
        shown += f"{self.percentile(99.9):.1f} ms, longest {self.percentile(100):.0f} ms"
        for name, changes in (("changes", True), ("the others", False)):
            half, most = (self.percentile(n, changes=changes) for n in (50, 99))
            shown += f"\n    {name}: p50 {half:.1f} ms, p99 {most:.1f} ms"
        if self.failures:
            shown += f", {dict(self.failures)}"
        memory = " ".join(f"{each / MEGABYTE:.0f}" for each in self.memory)
        return f"{shown}\n    memory of the server, MB: {memory}"


@contextmanager
def server(store: str) -> Iterator[tuple[int, int]]:
    """Its port and its process."""
    command = [sys.executable, "-m", "kmslab", "serve", "--store", store, "--port", "0"]
    command += ["--access-key", f"{ID}:{SECRET}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = next(each for each in process.stdout if "AWS_ENDPOINT_URL_KMS" in each)
            yield int(line.rpartition(":")[2].strip(" '\"\n")), process.pid
        finally:
            process.terminate()


def resident(process: int) -> int:
    """Bytes of memory."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def running(*coroutines: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each) for each in coroutines]  # type: ignore[call-overload]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()  # raises what went wrong
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def back_up(store: str, folder: Path) -> None:
    """Again and again."""
    for number in range(1_000_000):
        command = [sys.executable, "-m", "kmslab", "backup", "--store", store]
        process = await asyncio.create_subprocess_exec(
            *command, str(folder / f"{number}.backup"), stdout=subprocess.DEVNULL
        )
        try:
            assert await process.wait() == 0
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        (folder / f"{number}.backup").unlink()


async def campaign(
    store: str, folder: Path, port: int, process: int, long: float, short: float
) -> list[Phase]:
    """A phase of `long` seconds, then pairs of `short` ones."""
    took: list[Took] = []
    over: list[bool] = []
    fast = [Fast(port, number, took).run(lambda: bool(over)) for number in range(FAST)]
    load = asyncio.gather(*fast)
    pages: list[int] = []
    besides: dict[str, Callable[[], AbstractAsyncContextManager[None]]] = {
        f"with {SLOW} slow clients": lambda: running(*[slow(port, n) for n in range(SLOW)]),
        "while somebody reads the trail": lambda: running(read_trail(port, pages)),
        "while backups are made": lambda: running(back_up(store, folder)),
    }
    await asyncio.sleep(min(2.0, long / 5))  # to warm up
    phases = [await _phase("alone", nothing(), long, took, process, load)]
    for name, beside in besides.items():
        phases.append(await _phase(f"before: {name}", nothing(), short, took, process, load))
        phases.append(await _phase(name, beside(), short, took, process, load))
    over.append(True)
    await load
    await asyncio.sleep(0.2)  # until the connections are closed
    assert sum(pages), "the reader has read the trail"
    return phases


async def _phase(
    name: str,
    beside: AbstractAsyncContextManager[None],
    seconds: float,
    took: list[Took],
    process: int,
    load: "asyncio.Future[list[None]]",
) -> Phase:
    memory = []
    async with beside:
        took.clear()
        began = time.monotonic()
        for number in range(1, 11):
            await asyncio.sleep(max(0.0, began + seconds * number / 10 - time.monotonic()))
            if load.done():
                load.result()
            memory.append(resident(process))
        phase = Phase(name, [*took], time.monotonic() - began, memory)
    print(phase, flush=True)  # noqa: T201
    return phase


def soak(store: str, folder: Path, long: float, short: float) -> list[Phase]:
    with server(store) as (port, process):
        return asyncio.run(campaign(store, folder, port, process, long, short))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10, help="of the first phase")
    asked.add_argument("--seconds", type=float, default=60, help="of each other phase")
    asked.add_argument(
        "--store",
        help="default: a new one in a file; a URL of PostgreSQL also needs KMSLAB_ROOT_KEY=FILE",
    )
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        store = given.store or f"sqlite:///{name}/soak.db"
        phases = soak(store, Path(name), given.minutes * 60, given.seconds)
    alone = phases[0]
    growth = statistics.mean(alone.memory[-3:]) / statistics.mean(alone.memory[2:5])
    print(f"Memory at the end is {growth:.2f} times that after the first third.")  # noqa: T201
    for before, after in zip(phases[1::2], phases[2::2], strict=True):
        half, most = (after.percentile(n) / before.percentile(n) for n in (50, 99))
        print(f"{after.name}: p50 {half:.2f} times, p99 {most:.2f} times")  # noqa: T201


if __name__ == "__main__":
    main()
