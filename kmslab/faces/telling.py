"""What a lab tells that AWS KMS does not (`X-Amz-Target: Kmslab.Trail`), for the `kmslab` command.

Signed as a request to KMS, in the same JSON protocol; who may ask is judged by who answers.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kmslab.contract.errors import KMSError
from kmslab.contract.records import Caller
from kmslab.faces import wire
from kmslab.faces.claims import Request
from kmslab.faces.sigv4 import Verifier
from kmslab.faces.wire import Answer, new_id

PREFIX = b"Kmslab."
Ask = Callable[[str, Caller, Mapping[str, Any]], dict[str, Any]]


def answer(ask: Ask, verifier: Verifier, request: Request, target: bytes, now: float) -> Answer:
    request_id = new_id()
    try:
        signer = verifier.verify(request, b"kms", now)
        principal = signer.key.principal
        caller = Caller(principal, principal.split(":", 5)[4], signer.region)
        name = target.removeprefix(PREFIX).decode("latin-1")
        told = ask(name, caller, wire.parse(request.body))
    except KMSError as error:
        return wire.refusal(error, request_id)
    return wire.answer(200, request_id, wire.dump(told))
