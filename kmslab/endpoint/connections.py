"""uvicorn with the limits that a server needs against slow, greedy and vanished clients.

The rule: a client holds no more than its own connection, and that not for long. Head and body of a
request have one deadline, the head has a size, and so has an answer that nobody fetches.
One look a second at all connections costs less than a timer for each request.
"""

import asyncio
import contextlib
import re
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PATIENCE = 20.0  # seconds for a client to send a whole request, or to fetch an answer
HEAD = 16 * 1024  # bytes of a request's first line and headers
REQUEST = 24 * 1024 * 1024  # bytes in all, chunks and what is around them; no answer beyond that
CONNECTIONS = 1_000  # at once; whoever comes then is turned away
UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Connection(HttpToolsProtocol):
    """One client's connection, and since when the client owes something."""

    gathered: "_Gathered | None" = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = transport.get_extra_info("ssl_object")
        if tls:
            self.app_state = {"tls": (tls.version(), tls.cipher()[0])}
        if tls or not type(self.loop).__module__.startswith("uvloop"):
            self.gathered = _Gathered(transport, self.loop)
            transport = cast(asyncio.Transport, self.gathered)
        super().connection_made(transport)
        self.began: float | None = self.loop.time()  # that the client has not finished a request
        self.unfetched: float | None = None  # since when an answer waits for it
        self.head: int | None = 0  # bytes so far; None: the head is whole
        self.received = 0  # bytes of this request
        if len(self.connections) > CONNECTIONS:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.began is None:
            self.began = self.loop.time()
        if b"pgrade" in data:
            data = _without_upgrade(data)
        self.received += len(data)
        if self.received > REQUEST:
            self.transport.abort()
            return
        before = self.head
        super().data_received(data)
        if self.head is not None and before is not None:
            self.head = before + len(data)
            if self.head > HEAD and not self.transport.is_closing():
                self.send_400_response("The head of this request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head = 0

    def on_headers_complete(self) -> None:
        self.head = None
        super().on_headers_complete()
        self.headers = []  # what comes behind a body in chunks is no header of the request

    def on_message_complete(self) -> None:
        self.began, self.received = None, 0
        super().on_message_complete()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Who has said all may still listen, and is answered first. TLS has no such half."""
        if self.gathered:
            self.gathered.send()
        if self.scheme == "https" or self.began is not None or self.cycle is None:
            return None
        self.cycle.keep_alive = False
        return not self.cycle.response_complete

    def shutdown(self) -> None:
        """A request that is not whole is not running: nobody waits for it."""
        if self.began is not None:
            self.transport.close()
        else:
            super().shutdown()

    def end_if_overdue(self, now: float) -> None:
        if self.flow.read_paused:
            self.began = None  # it is us who do not listen
        elif self.began is not None and now - self.began > PATIENCE:
            self.transport.close()
        if not self.transport.get_write_buffer_size():
            self.unfetched = None
        elif self.unfetched is None:
            self.unfetched = now
        elif now - self.unfetched > PATIENCE:
            self.transport.abort()


class _Gathered:
    """A transport that sends together what is written in one turn of the loop.

    uvicorn writes the head and the body of an answer one after the other. Sent so, they are two
    packets, and the client's kernel may acknowledge the first only after 40 ms. uvloop gathers by
    itself, but not over TLS.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self.send)
        self._written.append(data)

    def send(self) -> None:
        if self._written:
            data = b"".join(self._written)
            self._written.clear()
            self._transport.write(data)

    def close(self) -> None:
        self.send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _without_upgrade(data: bytes) -> bytes:
    """Java offers HTTP/2 in its first request. The parser would then take the body for HTTP/2."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    return UPGRADE.sub(b"\r\nx-declined-upgrade:", head) + blank + rest


class Server(uvicorn.Server):
    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.end_if_overdue(now)
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's, it does not die of the signal afterwards: the lab is to be closed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
