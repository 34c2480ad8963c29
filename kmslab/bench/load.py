"""A client of KMS servers that costs little: one signed request, sent on several connections.

What is sent is signed as boto3 signs it, and once, so that making it is no part of a measurement.
"""

import hmac
import itertools
import json
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from kmslab.kms import wire
from kmslab.kms.backing.access_keys import AccessKeyPair, signing_key
from kmslab.lab import REGION

HOST = "127.0.0.1"
PIECE = 65_536
PATIENCE = 60  # seconds for an answer
CONTEXT = {"purpose": "benchmark"}
DATA_KEY, NEW_KEY = "GenerateDataKey", "CreateKey"

ASKED: Mapping[str, Callable[[str], dict[str, Any]]] = {  # by a key's id
    DATA_KEY: lambda key: {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": CONTEXT},
    NEW_KEY: lambda key: {},
}


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens at this port of this computer."""

    port: int
    access_key: AccessKeyPair
    key: str  # the ARN of a KMS key there
    cpu: Callable[[], float] | None  # seconds of CPU that it has used; None if nobody can say


def signed(port: int, access_key: AccessKeyPair, operation: str, asked: Mapping[str, Any]) -> bytes:
    """A request, valid for some minutes, however often it is sent."""
    body = json.dumps(asked).encode()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": wire.CONTENT_TYPE,
        "host": f"{HOST}:{port}",
        "x-amz-date": stamp,
        "x-amz-target": f"{wire.PREFIX}{operation}",
    }
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{REGION}/kms/aws4_request"
    digest = sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
    key = signing_key(access_key.secret, scope.encode())
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_key.id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    headers["user-agent"] = "kmslab-bench"
    headers["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


def made_key(port: int, access_key: AccessKeyPair) -> str:
    """Make a KMS key there; its ARN."""
    with closing(_Connection(port, signed(port, access_key, NEW_KEY, {}))) as connection:
        connection.send()
        answer: dict[str, Any] = json.loads(connection.answer())
    return str(answer["KeyMetadata"]["Arn"])


def exchange(server: Served, operation: str, calls: int, connections: int) -> None:
    """Send so many requests, on each connection the next as soon as the last is answered.

    A connection with a faster server process behind it sends more of them.
    """
    asked = ASKED[operation](server.key)
    request = signed(server.port, server.access_key, operation, asked)
    left = iter(range(calls))
    with ExitStack() as stack, selectors.DefaultSelector() as selector:

        def begin() -> None:
            connection = stack.enter_context(closing(_Connection(server.port, request)))
            connection.send()
            selector.register(connection, selectors.EVENT_READ)

        for _ in itertools.islice(left, connections):
            begin()
        while selector.get_map():
            for ready, _ in selector.select():
                connection = cast(_Connection, ready.fileobj)
                connection.answer()
                more = next(left, None) is not None
                if more and connection.is_open:
                    connection.send()
                    continue
                selector.unregister(connection)
                connection.close()
                if more:
                    begin()


class _Connection:
    def __init__(self, port: int, request: bytes) -> None:
        self.port, self.request, self.is_open = port, request, True
        self._socket = socket.create_connection((HOST, port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self) -> None:
        self._socket.sendall(self.request)

    def answer(self) -> bytes:
        """Its body. Afterwards `is_open` says whether the server keeps the connection."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive(received)
        head, _, body = received.partition(b"\r\n\r\n")
        head = head.lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"the server answered {received.decode()}")
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._receive(received)
        self.is_open = b"\r\nconnection: close" not in head
        return body

    def _receive(self, so_far: bytes) -> bytes:
        received = self._socket.recv(PIECE)
        if not received:
            raise RuntimeError(f"the server closed the connection after {len(so_far)} bytes")
        return received
