"""Three servers of `GenerateDataKey`, each in a process of its own, and a client that is quick.

All run on the same uvicorn with the same limits: the endpoint; a thin one that only verifies the
signature, parses, does the cryptography and answers; one that returns a constant.
"""

import hmac
import itertools
import json
import multiprocessing
import secrets
import selectors
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing.connection import Connection
from typing import Any, cast

from kmslab.crypto import pyca
from kmslab.endpoint.application import Application
from kmslab.endpoint.claims import Request, joined
from kmslab.endpoint.server import server
from kmslab.endpoint.sigv4 import Verifier
from kmslab.kms import wire
from kmslab.kms.backing.access_keys import AccessKeyPair, signing_key
from kmslab.lab import REGION
from kmslab.lab.lab import Lab

REQUEST_ID = "00000000-0000-4000-8000-000000000000"
TARGET = "TrentService.GenerateDataKey"
CONTEXT = {"purpose": "benchmark"}


def bare_cryptography() -> bytes:
    """What a call cannot do without: two random draws, a key derivation and an encryption."""
    data_key, fresh = secrets.token_bytes(32), secrets.token_bytes(16 + 12)
    derivation_nonce, iv = fresh[:16], fresh[16:]
    derived = pyca.kdf_counter(data_key, b"kmslab", derivation_nonce, 32)
    return pyca.aes_gcm_seal(derived, iv, data_key, fresh)


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
        answer = {"KeyId": asked["KeyId"], "CiphertextBlob": sealed, "Plaintext": sealed[:44]}
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


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    key: str  # the ARN
    access_key: AccessKeyPair
    pipe: Connection

    def cpu(self) -> float:
        """Seconds of CPU that the server's process has used so far."""
        self.pipe.send("cpu")
        used: float = self.pipe.recv()
        return used


@contextmanager
def served(make: Callable[[Lab], Callable[..., Any]]) -> Iterator[Served]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(make, theirs))
    process.start()
    theirs.close()  # so that a server that dies at its start is an EOFError here, and not a wait
    port, key, access_key = ours.recv()
    try:
        yield Served(port, key, access_key, ours)
    finally:
        ours.send("end")
        process.join()


def _serve(make: Callable[[Lab], Callable[..., Any]], pipe: Connection) -> None:
    """The server's process. On "cpu" it sends its CPU time; on anything else it ends."""
    with Lab() as lab, socket.create_server(("127.0.0.1", 0)) as listener:
        own = server(make(lab))

        def answer_commands() -> None:
            while pipe.recv() == "cpu":
                pipe.send(time.process_time())
            own.should_exit = True

        threading.Thread(target=answer_commands, daemon=True).start()
        key = lab.iam.access_keys.of(lab.caller.principal)
        pipe.send((listener.getsockname()[1], lab.create_cmk().arn, key))
        own.run([listener])


# ----------------------------------------------------------------------------------------- clients


def _signed(to: Served) -> bytes:
    """A request as boto3 would send it, valid for some minutes, however often it is sent."""
    asked = {"KeyId": to.key, "KeySpec": "AES_256", "EncryptionContext": CONTEXT}
    body = json.dumps(asked).encode()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": wire.CONTENT_TYPE,
        "host": f"127.0.0.1:{to.port}",
        "x-amz-date": stamp,
        "x-amz-target": TARGET,
    }
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{REGION}/kms/aws4_request"
    digest = sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
    key = signing_key(to.access_key.secret, scope.encode())
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={to.access_key.id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    headers["user-agent"] = "kmslab-bench"
    headers["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


def exchange(with_: Served, calls: int, connections: int) -> None:
    """Send the same request again and again, on each connection as soon as the answer is there."""
    request = _signed(with_)
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(connections):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", with_.port)))
            selector.register(client, selectors.EVENT_READ, itertools.count(1))
            client.sendall(request)
        while selector.get_map():
            for ready, _ in selector.select():
                client = cast(socket.socket, ready.fileobj)
                _read_answer(client)
                if next(ready.data) < calls // connections:
                    client.sendall(request)
                else:
                    selector.unregister(client)


def _read_answer(client: socket.socket) -> None:
    answer = client.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the server answered {answer.decode()}")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65_536)
