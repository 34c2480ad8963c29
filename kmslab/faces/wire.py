"""Bytes in, bytes out: KMS's JSON protocol without a socket, for every way in that speaks it.

One POST is one operation, named by its `X-Amz-Target` header. Whatever comes in, an answer goes
out. What broke inside the service is logged here and never sent.
"""

import json
import logging
from email.utils import formatdate
from typing import Any, NamedTuple, NoReturn
from uuid import uuid4

from kmslab.contract.errors import EXCEPTIONS, KMSError, fail
from kmslab.contract.model import MODEL, Operation
from kmslab.contract.records import Caller
from kmslab.contract.source import KMS
from kmslab.service import Service

PREFIX = KMS["service"]["targetPrefix"] + "."
CONTENT_TYPE = f"application/x-amz-json-{KMS['service']['jsonVersion']}"
log = logging.getLogger("kmslab")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def handle(service: Service, caller: Caller, target: str, body: bytes) -> Answer:
    """Answer one request whose caller is known: `target` is its X-Amz-Target, `body` its JSON."""
    request_id = str(uuid4())
    try:
        return _answer(200, request_id, _run(service, caller, target, body, request_id))
    except KMSError as error:
        if error.__cause__:
            log.error("%s: %s", target, error, exc_info=error.__cause__)
        return _refusal(error, request_id)
    except Exception:
        log.exception("%s: the service gave no answer that can be sent", target)
        return _refusal(EXCEPTIONS["KMSInternalException"](), request_id)


def _run(service: Service, caller: Caller, target: str, body: bytes, request_id: str) -> bytes:
    operation = _operation(target)
    answer = service.call(operation.name, caller, operation.decode(_parse(body)), request_id)
    return _dump(operation.encode(answer)) if operation.output else b""


def _operation(target: str) -> Operation:
    operation = MODEL.operations.get(target.removeprefix(PREFIX))
    if operation is None or not target.startswith(PREFIX):
        fail("UnknownOperationException")
    return operation


def _parse(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode()) if body else {}
    except (ValueError, RecursionError):  # no UTF-8, no JSON, too many digits, or too deep
        fail("SerializationException")


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _dump(value: dict[str, Any]) -> bytes:
    return _ENCODER.encode(value).encode()


def _refusal(error: KMSError, request_id: str) -> Answer:
    body = {"__type": error.code} | ({"message": error.message} if error.message else {})
    return _answer(error.status, request_id, _dump(body))


def _answer(status: int, request_id: str, body: bytes) -> Answer:
    headers = {
        "x-amzn-RequestId": request_id,
        "Date": formatdate(usegmt=True),  # wall time, as every HTTP date: clients set clocks by it
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-cache, no-store, must-revalidate, private",
        "Expires": "0",
        "Pragma": "no-cache",
    }
    return Answer(status, headers, body)
