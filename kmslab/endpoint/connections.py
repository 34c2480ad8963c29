"""uvicorn with limits against clients that are slow, send too much or disappear.

Rule: a client can hold up only its own connections, and only for a short time. A request has a
deadline and a largest size, its head and its trailers together a smaller one; an answer that the
client does not read has a deadline too. If there are too many connections, those that have waited
longest for their clients make room (`crowd`). Requests that come together are answered in their
order, and a head that could be read in two ways ends the connection. To look at all connections
once a second costs less than a timer for each request.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast
from weakref import WeakKeyDictionary

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from kmslab.endpoint.crowd import Crowd

PATIENCE = 20.0  # seconds for a client to send a whole request, or to read an answer
HEAD = 16 * 1024  # bytes of a request's first line, headers and trailers
PIECE = 4 * 1024  # bytes that are parsed before the sizes are checked again
REQUEST = 24 * 1024 * 1024  # bytes in all, with what chunks add; beyond, the connection is cut
VERSIONS = {"1.0", "1.1"}
ABSOLUTE = re.compile(rb"\Ahttps?://[^/?#]*/?", re.IGNORECASE)  # of a target, as for a proxy
NOT_HTTP = "Invalid HTTP request received."
TOO_LARGE = "The head of this request is too large."
STATUS_LINE = b"HTTP/1.1 "
HEADER_NAME = re.compile(rb"(?<=\r\n)[a-z0-9-]+(?=:)")
SPELLINGS = {
    b"x-amzn-requestid": b"x-amzn-RequestId",
    b"x-amzn-errortype": b"x-amzn-ErrorType",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_crowds: WeakKeyDictionary[ServerState, Crowd] = WeakKeyDictionary()


def _crowd(server: ServerState) -> Crowd:
    return _crowds.setdefault(server, Crowd())


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
        self.active = self.began  # when anything last came or was answered
        self.received = 0  # bytes of this request
        self.head = 0  # bytes of this request's first line, headers and trailers
        self.unparsed: int | None = 0  # bytes since the last part of a head; None: in a body
        self.offered: list[tuple[bytes, bytes]] = []  # headers of a request with an Upgrade
        self.complete: RequestResponseCycle | None = None  # the last whole request
        self.pending = b""  # waits to be parsed until the requests before it are answered
        self.refusal = ""  # once nothing more is parsed
        self.ended = False  # the client sends nothing more
        self.flow = _Flow(self)
        _crowd(self.server_state).enter(self, self.client and self.client[0])

    def connection_lost(self, exc: Exception | None) -> None:
        _crowd(self.server_state).leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.refusal:
            return
        self.active = self.loop.time()
        self.pending += data
        self._go_on()

    def _go_on(self) -> None:
        """Parse what has come, as long as no request waits for the answer to another."""
        try:
            while self.pending and not self.pipeline and not self.transport.is_closing():
                self._unset_keepalive_if_required()
                piece, self.pending = self.pending[:PIECE], self.pending[PIECE:]
                self.began = self.began or self.loop.time()
                self.received += len(piece)
                if self.received > REQUEST:
                    self.transport.abort()
                else:
                    self._parse(piece)
        except httptools.HttpParserError:
            self._refuse(TOO_LARGE if self.head > HEAD else NOT_HTTP)
        if self.pending:
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _parse(self, data: bytes) -> None:
        """The sizes are checked after each piece, because the parser keeps an unfinished header."""
        if self.unparsed is not None:
            self.unparsed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade()
            self._parse(data[upgrade.args[0] :])
        if self.unparsed is not None:
            self._measure(self.unparsed, kept=False)

    def _decline_upgrade(self) -> None:
        """Java offers HTTP/2 in its first request, and would then send a body all the same.

        The parser stops after a head with such an offer. A new one reads the head without it, and
        then whatever follows.
        """
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        version = self.parser.get_http_version().encode()
        first = self.parser.get_method() + b" " + self.url + b" HTTP/" + version
        self.offered = self.headers
        self.parser = httptools.HttpRequestParser(self)
        with contextlib.suppress(AttributeError):  # httptools before 0.6.3
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"\r\n".join([first, *lines, b"", b""]))

    def _refuse(self, text: str) -> None:
        """Answer 400 and close, but first answer the requests that came before."""
        self.refusal, self.pending = text, b""
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()  # this request itself, which waits behind the others
            self.cycle = self.complete  # type: ignore[assignment]
        elif not self.is_answering:
            self.send_400_response(text)

    def _measure(self, size: int, kept: bool = True) -> None:
        if self.head + size > HEAD:
            self.head = HEAD + 1
            raise httptools.HttpParserError(TOO_LARGE)
        self.head += size if kept else 0

    # ------------------------------------------------------------------ what the parser has found

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.began = self.began or self.loop.time()
        self.head = self.unparsed = 0

    def on_url(self, url: bytes) -> None:
        self._measure(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value) + 4)
        self.unparsed = None if self.unparsed is None else 0
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.unparsed = None
        version, offered = self.parser.get_http_version(), self.parser.should_upgrade()
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        readable = not codings or (version == "1.1" and codings == [b"chunked"])
        connect = self.parser.get_method() == b"CONNECT"
        if connect or version not in VERSIONS or not readable:
            raise ValueError("this is not a request that the endpoint reads")
        if offered:
            return  # the head comes again, without the offer
        if self.offered:
            self.headers[:] = self.offered  # they may be signed
            self.offered = []
        self.url = ABSOLUTE.sub(b"/", self.url, 1)
        self.expect_100_continue = self.expect_100_continue and version == "1.1"
        super().on_headers_complete()
        self.headers = []  # else trailers after a body in chunks would be added to them

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self.began, self.received = None, 0
        self.complete = self.cycle
        super().on_message_complete()

    # ---------------------------------------------------------------------------- who is waiting

    @property
    def is_answering(self) -> bool:
        """Whether a complete request has not been answered yet."""
        return self.complete is not None and not self.complete.response_complete

    @property
    def waits(self) -> tuple[bool, float] | None:
        """Which of all connections makes room first: the least. None: the server is answering."""
        if self.is_answering and self.unread is None:
            return None
        return self.received > 0 or self.unread is not None, self.active

    def on_response_complete(self) -> None:
        self.active = self.loop.time()
        last = not self.pipeline
        super().on_response_complete()
        if last and self.refusal and not self.transport.is_closing():
            self.send_400_response(self.refusal)
        self._go_on()
        if self.ended and not self.is_answering:
            self.transport.close()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A client that has sent everything may still read: its answers go out first.

        TLS cannot be closed in one direction.
        """
        self.answers.send()
        self.ended = True
        return self.scheme == "http" and self.is_answering

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


class _Flow(FlowControl):
    """Reads nothing while something waits to be parsed, even if uvicorn would read on."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.transport)
        self._connection = connection

    def resume_reading(self) -> None:
        if not self._connection.pending:
            super().resume_reading()


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
            if not self._transport.is_closing():  # uvloop's would raise, and fill the log
                self._transport.write(data)

    def close(self) -> None:
        self.send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _spelled(name: re.Match[bytes]) -> bytes:
    return SPELLINGS.get(name[0]) or name[0].title()


class Server(uvicorn.Server):
    first: int | None = None  # the process that started this one as a worker

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second."""
        if counter % 10 == 0:
            if self.first is not None and os.getppid() != self.first:
                self.should_exit = True
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
