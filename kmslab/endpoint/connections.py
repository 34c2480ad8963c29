"""uvicorn with limits against clients that are slow, send too much or disappear.

Rule: a client can hold up only its own connection, and only for a short time. A request has a
deadline and a largest size, its head a smaller one; an answer that the client does not read has a
deadline too. To look at all connections once a second costs less than a timer for each request.
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

PATIENCE = 20.0  # seconds for a client to send a whole request, or to read an answer
HEAD = 16 * 1024  # bytes of a request's first line and headers
REQUEST = 24 * 1024 * 1024  # bytes in all, with what chunks add; beyond, the connection is cut
CONNECTIONS = 1_000  # at the same time; more are cut
UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
STATUS_LINE = b"HTTP/1.1 "
HEADER_NAME = re.compile(rb"(?<=\r\n)[a-z0-9-]+(?=:)")
SPELLINGS = {
    b"x-amzn-requestid": b"x-amzn-RequestId",
    b"x-amzn-errortype": b"x-amzn-ErrorType",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Connection(HttpToolsProtocol):
    """One client's connection, and since when the server has been waiting for the client."""

    answers: "_AnswerTransport"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = transport.get_extra_info("ssl_object")
        if tls:
            self.app_state = {"tls": (tls.version(), tls.cipher()[0])}
        self.answers = _AnswerTransport(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self.answers))
        self.began: float | None = self.loop.time()  # since when a request is incomplete
        self.unread: float | None = None  # since when an answer waits to be read
        self.head: int | None = 0  # bytes so far; None: the head is complete
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
        self.headers = []  # else trailers after a body in chunks would be added to them

    def on_message_complete(self) -> None:
        self.began, self.received = None, 0
        super().on_message_complete()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A client that has sent everything may still read: its answer goes out first.

        TLS cannot be closed in one direction.
        """
        self.answers.send()
        if self.scheme == "https" or self.began is not None or self.cycle is None:
            return None
        self.cycle.keep_alive = False
        return not self.cycle.response_complete

    def shutdown(self) -> None:
        """The server does not wait for an incomplete request, because it is not running yet."""
        if self.began is not None:
            self.transport.close()
        else:
            super().shutdown()

    def end_if_overdue(self, now: float) -> None:
        if self.flow.read_paused:
            self.began = None  # the server itself has stopped reading
        elif self.began is not None and now - self.began > PATIENCE:
            self.transport.close()
        if not self.transport.get_write_buffer_size():
            self.unread = None
        elif self.unread is None:
            self.unread = now
        elif now - self.unread > PATIENCE:
            self.transport.abort()


class _AnswerTransport:
    """A transport that spells header names as AWS does, and sends an answer in one piece.

    uvicorn writes them in lower case, and MongoDB's libmongocrypt finds `Content-Length` only in
    this spelling. uvicorn also writes the head and the body of an answer one after the other. They
    would go out in two packets, and the client's kernel may acknowledge the first only after 40 ms.
    What is written in one turn of the loop is therefore sent together.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self.send)
        if data.startswith(STATUS_LINE):  # a head, in one piece: no body of the endpoint begins so
            data = HEADER_NAME.sub(_spelled, data)
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


def _spelled(name: re.Match[bytes]) -> bytes:
    return SPELLINGS.get(name[0]) or name[0].title()


def _without_upgrade(data: bytes) -> bytes:
    """Java offers HTTP/2 in its first request. The parser would then take the body for HTTP/2."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    return UPGRADE.sub(b"\r\nx-declined-upgrade:", head) + blank + rest


class Server(uvicorn.Server):
    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.end_if_overdue(now)
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's, it does not raise the signal again: the lab has to be closed first."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
