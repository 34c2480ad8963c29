"""One exchange with an external key store's proxy: signed, within a total time, and checked.

Rule: the time covers everything, so a proxy that sends byte by byte gains nothing, and nothing is
tried twice. An answer is believed only if it has the form that the specification demands.
Source: AWS KMS External Key Store Proxy API Specification, version 1.
"""

import hmac
import json
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kmslab.kms.backing.access_keys import signing_key
from kmslab.kms.contract.proxy_troubles import (
    ANSWERED,
    NO_CONNECTION,
    NO_TLS,
    TIMED_OUT,
    UNINTELLIGIBLE,
    ProxyError,
)

LIMIT = 0.25  # seconds, as AWS gives a proxy
LONGEST = 64 * 1024  # bytes of an answer; the longest has some 6 KiB
CHUNK = 16 * 1024
SERVICE = "kms-xks-proxy"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?:\r\n|$)", re.IGNORECASE)


class Proxy(NamedTuple):
    """Where a proxy is, and what requests to it are signed with."""

    endpoint: str  # https://proxy.example.com
    path: str  # /kms/xks/v1
    region: str
    access_key: str
    secret: bytes

    def ask(self, what: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a POST to `what` (such as `/health`). Raises `ProxyError`."""
        message = self._signed(f"{self.path}{what}", json.dumps(request).encode())
        try:
            received = self._exchange(message, monotonic() + LIMIT)
        except TimeoutError:
            raise ProxyError(TIMED_OUT) from None
        except ssl.SSLError:
            raise ProxyError(NO_TLS) from None
        except OSError:
            raise ProxyError(NO_CONNECTION) from None
        return _understood(received)

    def _signed(self, path: str, body: bytes) -> bytes:
        """The request as it is sent, with its AWS Signature Version 4. Wall time signs."""
        host = urlsplit(self.endpoint).netloc
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/{SERVICE}/aws4_request"
        signed = [f"host:{host}", f"x-amz-date:{stamp}"]
        digest = sha256(body).hexdigest()
        canonical = "\n".join(["POST", path, "", *signed, "", "host;x-amz-date", digest])
        hashed = sha256(canonical.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashed])
        key = signing_key(self.secret, scope.encode())
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        lines = [
            f"POST {path} HTTP/1.1",
            *signed,
            f"authorization:AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
            f"SignedHeaders=host;x-amz-date, Signature={signature}",
            "content-type:application/json",
            f"content-length:{len(body)}",
            "connection:close",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _exchange(self, message: bytes, deadline: float) -> bytes:
        url = urlsplit(self.endpoint)
        host, secure = url.hostname or "", url.scheme == "https"
        try:
            port = url.port or (443 if secure else 80)
        except ValueError:  # above 65535
            raise OSError("there is no such port") from None
        with _connected(host, port, deadline) as plain:
            if not secure:
                return _sent(plain, message, deadline)
            plain.settimeout(_left(deadline))
            with tls().wrap_socket(plain, server_hostname=host) as connection:
                return _sent(connection, message, deadline)


@lru_cache(1)
def tls() -> ssl.SSLContext:
    """It trusts the authorities that this machine trusts, or those in SSL_CERT_FILE. Read once."""
    return ssl.create_default_context()


def _connected(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers."""
    problem: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in _addresses(host, port, deadline):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(deadline))
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            problem = error
    raise problem


def _addresses(host: str, port: int, deadline: float) -> list[Any]:
    """In a thread, because the system's search for a name has no time limit."""
    found: list[Any] = []

    def look() -> None:
        with suppress(OSError, UnicodeError):  # a name with an empty or too long part
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    looking = Thread(target=look, name="kmslab proxy address", daemon=True)
    looking.start()
    looking.join(_left(deadline))
    if looking.is_alive():
        raise TimeoutError
    return found


def _sent(connection: socket.socket, message: bytes, deadline: float) -> bytes:
    """The whole answer to a message."""
    connection.settimeout(_left(deadline))
    connection.sendall(message)
    received = bytearray()
    while not _is_whole(received):
        connection.settimeout(_left(deadline))
        part = connection.recv(CHUNK)
        if not part:
            break
        received += part
        if len(received) > LONGEST:
            raise ProxyError(UNINTELLIGIBLE)
    return bytes(received)


def _is_whole(received: bytearray) -> bool:
    """Whether as much has come as the answer states; otherwise it ends with its connection."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(end and length and len(body) >= int(length[1]))


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Received:
    """What `HTTPResponse` reads: an answer that has been received already."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, *_: Any) -> BytesIO:
        return BytesIO(self._received)


def _understood(received: bytes) -> dict[str, Any]:
    source: Any = _Received(received)
    response = HTTPResponse(source, method="POST")
    try:
        response.begin()
        answer = json.loads(response.read())
    except (HTTPException, OSError, ValueError, RecursionError):
        raise ProxyError(UNINTELLIGIBLE) from None
    finally:
        response.close()
    if not isinstance(answer, dict):
        raise ProxyError(UNINTELLIGIBLE)
    if response.status == 200:
        return answer
    name = answer.get("errorName") if response.status >= 400 else ""  # a redirect is not followed
    raise ProxyError(ANSWERED.get(str(name), UNINTELLIGIBLE))
