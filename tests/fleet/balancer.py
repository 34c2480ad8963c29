"""A TCP balancer: a new connection goes to the first server that says that it is ready."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Sequence

PATIENCE = 1.0  # seconds for a server's answer to the question whether it is ready
ASK = b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PAUSE = 0.05


class Balancer:
    """Within `with Balancer(ports) as balancer`, `balancer.url` is the fleet's one address.

    It takes the servers in turn. It knows nothing of HTTP but the question before a connection: an
    answer that breaks off reaches the client as that.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle(ports)
        self._count = len(ports)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer")
        self.url = ""

    def __enter__(self) -> "Balancer":
        self._thread.start()
        listening = asyncio.start_server(self._forward, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)  # closed connections are given up in the loop's next round

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            to_server = await asyncio.open_connection("127.0.0.1", await self._chosen())
            with contextlib.closing(to_server[1]):
                ways = [_copy(reader, to_server[1]), _copy(to_server[0], writer)]
                tasks = [asyncio.ensure_future(each) for each in ways]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for each in tasks:
                    each.cancel()

    async def _chosen(self) -> int:
        """The next server that is ready; without one, the next: its error is clearer than none."""
        for port in [next(self._turns) for _ in range(self._count)]:
            if await _is_ready(port):
                return port
        await asyncio.sleep(PAUSE)
        return next(self._turns)


async def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(ASK)
                return (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    return False


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while got := await reader.read(65_536):
            writer.write(got)
            await writer.drain()
