"""Bytes in, bytes out: KMS's JSON protocol without a socket, for boto3 in process and for HTTP.

One POST is one operation, named by its `X-Amz-Target` header. Every request gets an answer. The
cause of an internal error is logged here and never sent.
"""

import json
import logging
import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from kmslab.display import PlainError
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError, fail
from kmslab.kms.contract.events import new_request_id
from kmslab.kms.contract.model import MODEL, Operation
from kmslab.kms.contract.source import KMS
from kmslab.kms.service import Service

PREFIX = KMS["service"]["targetPrefix"] + "."
CONTENT_TYPE = f"application/x-amz-json-{KMS['service']['jsonVersion']}"
SPACE = " \t\n\r"  # that JSON allows around a value
log = logging.getLogger("kmslab")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def handle(service: Service, caller: Caller, target: str, body: bytes) -> Answer:
    """Answer one request whose caller is known: `target` is its X-Amz-Target, `body` its JSON."""
    request_id = new_request_id()
    try:
        return answer(200, request_id, _run(service, caller, target, body, request_id))
    except KMSError as error:
        if error.__cause__:
            log_cause(f"{target}: {error}", error.__cause__)
        return refusal(error, request_id)
    except Exception as error:
        log_cause(f"{target} could not be answered", error)
        return refusal(EXCEPTIONS["KMSInternalException"](), request_id)


def log_cause(what: str, cause: BaseException) -> None:
    """In one line if the cause's text says what to do, and otherwise with its traceback."""
    if isinstance(cause, PlainError):
        log.error("%s: %s", what, cause)
    else:
        log.error("%s", what, exc_info=cause)


def _run(service: Service, caller: Caller, target: str, body: bytes, request_id: str) -> bytes:
    operation = operation_of(target)
    output = service.call(operation.name, caller, operation.decode(parse(body)), request_id)
    return dump(operation.encode(output)) if operation.output else b""


def operation_of(target: str) -> Operation:
    """The operation that an X-Amz-Target names; raises UnknownOperationException."""
    operation = MODEL.operations.get(target.removeprefix(PREFIX))
    if operation is None or not target.startswith(PREFIX):
        fail("UnknownOperationException")
    return operation


def parse(body: bytes) -> Any:
    """A request's JSON; raises SerializationException."""
    if not body:
        return {}
    try:
        text = body.decode().strip(SPACE)
        parsed, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, too many digits, or too deep
        fail("SerializationException")
    return parsed if end == len(text) else fail("SerializationException")


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a name that stands twice: a check of one value must not let the other through."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def dump(value: dict[str, Any]) -> bytes:
    return _ENCODER.encode(value).encode()


def refusal(error: KMSError, request_id: str) -> Answer:
    """An error as AWS's JSON protocol answers it."""
    body = {"__type": error.code} | ({"message": error.message} if error.message else {})
    return answer(error.status, request_id, dump(body))


def answer(status: int, request_id: str, body: bytes, content_type: str = CONTENT_TYPE) -> Answer:
    """A body with the headers that AWS puts around every answer."""
    headers = {
        "x-amzn-RequestId": request_id,
        "Date": _date(int(time.time())),  # wall time: clients correct their clocks by it
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-cache, no-store, must-revalidate, private",
        "Expires": "0",
        "Pragma": "no-cache",
    }
    return Answer(status, headers, body)


@lru_cache(2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
