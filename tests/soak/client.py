"""A quick client, for many connections in one thread. It signs each request."""

import asyncio
import hmac
import json
import time
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from kmslab.kms.backing.access_keys import signing_key
from kmslab.kms.wire import CONTENT_TYPE

ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"


class Answer(NamedTuple):
    status: int
    members: dict[str, Any]


@lru_cache(4)
def _signing_key(scope: str) -> bytes:
    return bytes(signing_key(SECRET.encode(), scope.encode()))


def signed(target: str, members: Any, port: int) -> tuple[bytes, bytes]:
    """The head and the body of a request, as boto3 would send them."""
    body = json.dumps(members).encode()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": CONTENT_TYPE,
        "host": f"127.0.0.1:{port}",
        "x-amz-date": stamp,
        "x-amz-target": target,
    }
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{REGION}/kms/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical.encode()).hexdigest()])
    signature = hmac.digest(_signing_key(scope), text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={ID}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    headers["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode(), body


class Client:
    """One connection, which is made again if the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, operation: str, **members: Any) -> Answer:
        return await self.ask(f"TrentService.{operation}", members)

    async def ask(self, target: str, members: Any) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
        reader, writer = self._streams
        writer.write(b"".join(signed(target, members, self._port)))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return Answer(int(head[9:12]), json.loads(body) if body else {})

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None
