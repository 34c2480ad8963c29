"""Three servers, each in a process of its own.

All run on the same uvicorn with the same limits: the endpoint; a thin one that only verifies the
signature, parses, does the cryptography and answers, and keeps nothing; one that returns a
constant.
"""

import json
import multiprocessing
import secrets
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from kmslab.bench.load import HOST, Served
from kmslab.crypto import pyca
from kmslab.endpoint.application import Application
from kmslab.endpoint.claims import Request, joined
from kmslab.endpoint.server import server
from kmslab.endpoint.sigv4 import Verifier
from kmslab.kms import wire
from kmslab.lab.lab import Lab

REQUEST_ID = "00000000-0000-4000-8000-000000000000"


def bare_cryptography() -> bytes:
    """What `GenerateDataKey` cannot do without: two random draws, a derivation, an encryption."""
    data_key, fresh = secrets.token_bytes(32), secrets.token_bytes(16 + 12)
    derivation_nonce, iv = fresh[:16], fresh[16:]
    derived = pyca.kdf_counter(data_key, b"kmslab", derivation_nonce, 32)
    return pyca.aes_gcm_seal(derived, iv, data_key, fresh)


def bare_new_key() -> bytes:
    """What `CreateKey` cannot do without: key material, sealed."""
    domain_key = material = secrets.token_bytes(32)
    return pyca.aes_gcm_seal(domain_key, secrets.token_bytes(12), material, b"kmslab")


# ----------------------------------------------------------------------------------------- servers


def endpoint(lab: Lab) -> Callable[..., Any]:
    return Application(lab.service, lab.iam.access_keys)


def thin(lab: Lab) -> Callable[..., Any]:
    """Only the work that no KMS can leave out."""
    verifier = Verifier(lab.iam.access_keys.find, lab.iam.access_keys.secret)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        headers = joined(scope["headers"])
        body = message["body"]
        request = Request(scope["method"].encode(), scope["raw_path"], b"", headers, body)
        verifier.verify(request, b"kms", time.time())
        asked = json.loads(body)
        sealed = b64encode(bare_cryptography()).decode()
        answer = {"KeyId": asked.get("KeyId"), "CiphertextBlob": sealed, "Plaintext": sealed[:44]}
        await _send(send, json.dumps(answer).encode())

    return application


def constant(lab: Lab) -> Callable[..., Any]:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await _send(send, b"{}")

    return application


async def _send(send: Any, body: bytes) -> None:
    """Send the body with the headers that KMS's answers have."""
    status, headers, _ = wire.answer(200, REQUEST_ID, body)
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(make: Callable[[Lab], Callable[..., Any]], store: str | None = None) -> Iterator[Served]:
    """`make` makes the application, in the server's process, for a lab in this store."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(make, store, theirs))
    process.start()
    theirs.close()  # so that a server that dies at its start is an EOFError here, and not a wait
    port, access_key, key = ours.recv()

    def cpu() -> float:
        ours.send("cpu")
        used: float = ours.recv()
        return used

    try:
        yield Served(port, access_key, key, cpu)
    finally:
        ours.send("end")
        process.join()


def _serve(make: Callable[[Lab], Callable[..., Any]], store: str | None, pipe: Connection) -> None:
    """The server's process. On "cpu" it sends its CPU time; on anything else it ends."""
    with Lab(store) as lab, socket.create_server((HOST, 0)) as listener:
        own = server(make(lab))

        def answer_commands() -> None:
            while pipe.recv() == "cpu":
                pipe.send(time.process_time())
            own.should_exit = True

        threading.Thread(target=answer_commands, daemon=True).start()
        access_key = lab.iam.access_keys.of(lab.caller.principal)
        pipe.send((listener.getsockname()[1], access_key, lab.create_cmk().arn))
        own.run([listener])
