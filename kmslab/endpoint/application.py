"""The endpoint as an ASGI application: AWS's clients, unchanged, find AWS KMS behind it.

One POST to `/` is one operation. A request's way from bytes to `Service.call`: read the body, up to
a limit → find out which service it is meant for → verify the signature → `wire`. An operation that
is slow or commits runs in a thread, and one that may wait for an external key store in a thread of
another group; any other runs at once, since passing it to a thread would cost more than the
operation. Callers take turns at the threads (`turns`). A request without a valid signature leaves
no event, because it cannot be said in which account's trail it belongs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, MutableMapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from kmslab.endpoint import lab_api, other_services
from kmslab.endpoint.claims import Request, joined, service_of
from kmslab.endpoint.sigv4 import Verifier
from kmslab.endpoint.turns import Turns
from kmslab.kms import wire
from kmslab.kms.arn import known_arn
from kmslab.kms.backing import xks
from kmslab.kms.backing.access_keys import AccessKeys
from kmslab.kms.contract.callers import Caller, NetworkSource
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.kms.contract.events import new_request_id
from kmslab.kms.service import Service
from kmslab.kms.table import TABLE
from kmslab.kms.wire import Answer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LIMIT = (
    1024 * 1024
)  # bytes of a body; KMS's largest request has an attestation document, 350 kB in base64
TOLERATED = 16 * LIMIT  # bytes of a body that is too large that are read and dropped
DIGITS = 9  # of a Content-Length that is looked at
AGENT = 1_024  # bytes of a user agent that the trail keeps, as CloudTrail does
HOST = 255  # bytes of a host's name
REST = 4  # times as long as a report took, its answer waits while others call
LONGEST_REST = 1.0  # seconds
# Threads, and how many of them one caller's calls of one operation get.
WORKERS, OF_WORKERS = 12, 8
WAITING, OF_WAITING = 64, 48  # for calls that may wait for an external key store
CLOSE = (b"connection", b"close")
NO_ADDRESS, NO_TLS = ("", 0), ("", "")
HEALTH, READY = b"/health", b"/ready"  # the process lives; calls can be answered
OK, AWAY = b'{"status":"ok"}', b'{"status":"the store cannot be reached"}'
KMS = b"kms"
TARGET = wire.PREFIX.encode()
JSON = {b"application/x-amz-json-1.1", b"application/x-amz-json-1.0", b"application/json"}


class Work(NamedTuple):
    """What has to be done for an answer, in which threads, and whose turn it takes there."""

    threads: Turns
    kind: Hashable
    run: Callable[[], Answer]
    is_report: bool = False
    is_change: bool = False  # it commits, for which the event loop makes a pause


class _Gone(Exception):
    """The client left before its request was complete."""


class _TooLarge(Exception):
    """The body is larger than any that KMS accepts."""


class Application:
    """`await application(scope, receive, send)`. Close it when its server has ended.

    `api` answers requests with `X-Amz-Target: Kmslab.…`; without it they are unknown operations.
    """

    def __init__(
        self, service: Service, access_keys: AccessKeys, api: lab_api.LabApi | None = None
    ) -> None:
        self._service = service
        self._api = api
        self._calls = 0  # requests to KMS so far
        self._verifier = Verifier(access_keys.find, access_keys.secret)
        self._threads = Turns(WORKERS, OF_WORKERS, "kmslab")
        self._waiting = Turns(WAITING, OF_WAITING, "kmslab waiting")

    def close(self) -> None:
        """Wait for the operations that are still running."""
        self._threads.close()
        self._waiting.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"this application speaks HTTP only, not {scope['type']}")
        try:
            headers = joined(scope["headers"])
            body = await _body(headers, receive)
            path, query = scope["raw_path"], scope["query_string"]
            request = Request(scope["method"].encode(), path, query, headers, body)
            answer = self._answer(scope, request)
            if not isinstance(answer, Answer):
                answer = await self._done(answer)
        except _Gone:
            return
        except _TooLarge:
            await _send(send, _too_large(), CLOSE)
        except Exception as error:
            wire.log_cause("a request failed inside the endpoint", error)
            await _send(
                send, wire.refusal(EXCEPTIONS["KMSInternalException"](), new_request_id()), CLOSE
            )
        else:
            # A client that tries again connects anew, and a balancer can choose another server.
            await _send(send, answer, *([CLOSE] if answer.status >= 500 else []))

    async def _done(self, work: Work) -> Answer:
        """A report's answer is held back for a while if calls came in while it was made.

        Somebody who reads the whole trail, page by page, so leaves them most of the time.
        """
        loop = asyncio.get_running_loop()
        began, calls = loop.time(), self._calls
        answer = await work.threads.run(work.kind, work.run, pause=work.is_change)
        if work.is_report and self._calls > calls:
            await asyncio.sleep(min(REST * (loop.time() - began), LONGEST_REST))
        return answer

    def _answer(self, scope: Scope, request: Request) -> Answer | Work:
        target = request.headers.get(b"x-amz-target", b"")
        if target.startswith(TARGET) and request.method == b"POST" and request.path == b"/":
            return self._kms(scope, request, target.decode("latin-1"))
        if self._api and target.startswith(lab_api.PREFIX):
            answer = partial(self._api.answer, self._verifier, request, target, time.time())
            return Work(self._threads, (_client(scope)[0], target), answer, is_report=True)
        return self._other(request, target)

    def _kms(self, scope: Scope, request: Request, target: str) -> Answer | Work:
        """The answer, or the work that a thread has to do for it."""
        self._calls += 1
        if not _is_json(request):
            return _not_found()
        try:
            operation = wire.operation_of(target)
            signer = self._verifier.verify(request, KMS, time.time())
        except KMSError as error:
            return wire.refusal(error, new_request_id())
        caller = _caller(
            signer.key.principal,
            signer.key.id,
            signer.region,
            _client(scope),
            request.headers.get(b"user-agent", b"")[:AGENT],
            request.headers[b"host"][:HOST],
            scope.get("state", {}).get("tls", NO_TLS),
        )
        work = partial(wire.handle, self._service, caller, target, request.body)
        row, kind = TABLE.get(operation.name), (signer.key.id, operation.name)
        if row and row.slow:
            return Work(self._threads, kind, work, is_change=not row.reads)
        if row and any(role.usage for role in row.roles) and xks.in_use(self._service.records):
            return Work(self._waiting, kind, work)
        return work()

    def _other(self, request: Request, target: bytes) -> Answer:
        """Answers a request that names no operation of KMS; most are meant for other services."""
        if request.path in (HEALTH, READY) and request.method in (b"GET", b"HEAD"):
            return self._health(request.path)
        named = target.partition(b".")[0].decode("latin-1")
        service = service_of(request) or ("" if target.startswith(TARGET) else named)
        if other_services.is_for_sts(request, service):
            return other_services.answer_sts(self._verifier, request, time.time())
        if service not in ("", "kms"):
            return other_services.not_served(request, service)
        if request.method == b"POST" and request.path == b"/" and _is_json(request):
            return wire.refusal(EXCEPTIONS["UnknownOperationException"](), new_request_id())
        return _not_found()

    def _health(self, path: bytes) -> Answer:
        if path == READY and not self._service.is_ready():
            return wire.answer(503, new_request_id(), AWAY)
        return wire.answer(200, new_request_id(), OK)


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The whole body. If it is too large, the rest is read and dropped, up to a limit: a client
    that is still sending would not read the answer."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > DIGITS or int(length) > TOLERATED):
        raise _TooLarge
    body = bytearray()
    size = 0
    while size <= TOLERATED:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        chunk: bytes = message.get("body", b"")
        if not size and len(chunk) <= LIMIT and not message.get("more_body"):
            return chunk  # most bodies come in one piece
        size += len(chunk)
        body += chunk if size <= LIMIT else b""
        if not message.get("more_body"):
            break
    if size > LIMIT:
        raise _TooLarge
    return bytes(body)


async def _send(send: Send, answer: Answer, *more: tuple[bytes, bytes]) -> None:
    headers = [*[_header(*pair) for pair in answer.headers.items()], *more]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


@lru_cache(64)
def _header(name: str, value: str) -> tuple[bytes, bytes]:
    """Cached, because most headers are the same in every answer."""
    return name.lower().encode(), value.encode()


@lru_cache(1_024)
def _caller(
    principal: str,
    access_key: str,
    region: str,
    client: tuple[str, int],
    user_agent: bytes,
    host: bytes,
    tls: tuple[str, str],
) -> Caller:
    """Cached, because a connection's caller is the same from one request to the next."""
    agent, named = user_agent.decode("latin-1"), host.decode("latin-1")
    source = NetworkSource(client[0], agent, named, *tls, access_key)
    return Caller(principal, known_arn(principal).account, region, source=source)


def _client(scope: Scope) -> tuple[str, int]:
    return tuple(scope.get("client") or NO_ADDRESS)


def _is_json(request: Request) -> bool:
    """Whether the body's type is this protocol's. An empty body needs no type."""
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return kind in JSON or not request.body


def _too_large() -> Answer:
    body = wire.dump({"__type": "RequestEntityTooLargeException"})
    return wire.answer(413, new_request_id(), body)


def _not_found() -> Answer:
    """AWS's answer to a path, a method or a content type that the protocol does not have."""
    return wire.answer(404, new_request_id(), b"<UnknownOperationException/>\n", "text/xml")
