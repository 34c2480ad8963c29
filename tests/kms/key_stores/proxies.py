"""A proxy that can be told to fail, in front of the example's own, and the lab's store on it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from xks_proxy import PATH, Proxy

Send = Callable[[socket.socket, int, dict[str, Any]], None]
ENDING = b"\r\n\r\n"


def honest(connection: socket.socket, status: int, answer: dict[str, Any]) -> None:
    connection.sendall(http(status, json_bytes(answer)))


def http(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + ENDING + body


def json_bytes(answer: Any) -> bytes:

    return json.dumps(answer).encode()


class Unreliable:
    """Answers as the example's proxy does, and sends the answers as `send` wishes."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.send: Send = honest
        self.asked: list[dict[str, Any]] = []  # the requests' bodies
        self.over = threading.Event()  # set at the end, for those who wait in vain
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{PATH}"

    @contextmanager
    def running(self) -> Iterator["Unreliable"]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.unplug()

    def unplug(self) -> None:
        """Ends it for good: a later connection is refused."""
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # What is not a request gets no answer.
        with connection, suppress(OSError, ValueError, LookupError):
            self.send(connection, *self._answer(connection))

    def _answer(self, connection: socket.socket) -> tuple[int, dict[str, Any]]:

        with connection.makefile("rb") as file:
            path = file.readline().split()[1].decode()
            lines = iter(lambda: file.readline().decode().strip(), "")
            headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1] for line in lines}
            body = file.read(int(headers["content-length"]))
        self.asked.append(json.loads(body))
        return self.proxy.answer(path, headers, body, datetime.now(UTC))
