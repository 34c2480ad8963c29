"""What a call over HTTP costs: `GenerateDataKey` at the endpoint and at two simpler servers.

Three servers run at the same time, each in a process of its own, on the same uvicorn with the same
limits: the endpoint; one that only verifies the signature, parses, does the cryptography and
answers; one that returns a constant. Each comparison takes its two servers in turn, batch by batch,
so that a machine whose speed drifts does not skew it. CPU time is what the server's process used.

    python -m kmslab.bench.over_http
"""

import hmac
import itertools
import json
import multiprocessing
import platform
import selectors
import socket
import statistics
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing.connection import Connection
from typing import Any, cast

from kmslab.bench.in_process import CONTEXT, bare_cryptography
from kmslab.bench.progress import Progress, counted, on_stderr, silent
from kmslab.endpoint.application import Application
from kmslab.endpoint.claims import Request, joined
from kmslab.endpoint.server import server
from kmslab.endpoint.sigv4 import Verifier
from kmslab.kms import wire
from kmslab.kms.backing.access_keys import signing_key
from kmslab.lab.lab import Lab

ROUNDS, CALLS, CONNECTIONS = 40, 400, 8
REQUEST_ID = "00000000-0000-4000-8000-000000000000"
TARGET = "TrentService.GenerateDataKey"


def run(rounds: int = ROUNDS, calls: int = CALLS, progress: Progress = silent) -> dict[str, Any]:
    """Microseconds of server CPU a request, requests a second, and the ratios with quartiles.

    `share` is the endpoint's rate as a part of the simpler server's; `share_of_fastest` compares
    the fastest batch of each, the one that other programs disturbed least.
    """

    def count(what: str) -> Iterator[int]:
        return counted(range(rounds), what, progress)

    with ExitStack() as stack:
        endpoint, thin, constant = [stack.enter_context(_served(app)) for app in APPLICATIONS]
        cpu = _in_turn(lambda each: _cpu(each, calls), endpoint, thin, count("CPU"))
        rate = _in_turn(lambda each: _seconds(each, calls), endpoint, constant, count("rate"))
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    return {
        "cpu_us_a_request": _summary(cpu, "thin", lambda used: used / calls * 1e6),
        "requests_a_second": _summary(rate, "constant", lambda taken: calls / taken),
        "connections": CONNECTIONS,
        "calls": rounds * calls,
        **machine,
    }


# ----------------------------------------------------------------------------------------- servers


def _endpoint(lab: Lab) -> Callable[..., Any]:
    return Application(lab.service, lab.iam.access_keys)


def _thin(lab: Lab) -> Callable[..., Any]:
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


def _constant(lab: Lab) -> Callable[..., Any]:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await _send(send, b"{}")

    return application


APPLICATIONS = (_endpoint, _thin, _constant)


async def _send(send: Any, body: bytes) -> None:
    """Send the body with the headers that KMS's answers have."""
    status, headers, _ = wire.answer(200, REQUEST_ID, body)
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    request: Callable[[], bytes]
    pipe: Connection

    def cpu(self) -> float:
        """Seconds of CPU that the server's process has used so far."""
        self.pipe.send("cpu")
        used: float = self.pipe.recv()
        return used


@contextmanager
def _served(make: Callable[[Lab], Callable[..., Any]]) -> Iterator[Served]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(make, theirs))
    process.start()
    port, arn, key_id, secret = ours.recv()
    try:
        yield Served(port, lambda: _signed(port, arn, key_id, secret), ours)
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
        port = listener.getsockname()[1]
        pipe.send((port, lab.create_cmk().arn, key.id, bytes(key.secret)))
        own.run([listener])


# ----------------------------------------------------------------------------------------- clients


def _signed(port: int, arn: str, key_id: str, secret: bytes) -> bytes:
    """A request as boto3 would send it, valid for some minutes, however often it is sent."""
    asked = {"KeyId": arn, "KeySpec": "AES_256", "EncryptionContext": CONTEXT}
    body = json.dumps(asked).encode()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": wire.CONTENT_TYPE,
        "host": f"127.0.0.1:{port}",
        "x-amz-date": stamp,
        "x-amz-target": TARGET,
    }
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/us-east-1/kms/aws4_request"
    digest = sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
    signature = hmac.digest(signing_key(secret, scope.encode()), text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    headers["user-agent"] = "kmslab-bench"
    headers["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


def _cpu(served: Served, calls: int) -> float:
    """Seconds of server CPU for this many requests, one after the other."""
    before = served.cpu()
    _exchange(served, calls, 1)
    return served.cpu() - before


def _seconds(served: Served, calls: int) -> float:
    """Seconds for this many requests, on several connections at once."""
    began = time.perf_counter()
    _exchange(served, calls, CONNECTIONS)
    return time.perf_counter() - began


def _exchange(served: Served, calls: int, connections: int) -> None:
    """Send the same request again and again, on each connection as soon as the answer is there."""
    request = served.request()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(connections):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
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


# --------------------------------------------------------------------------------------- measuring


def _in_turn(
    measure: Callable[[Served], float], ours: Served, other: Served, rounds: Iterable[int]
) -> list[tuple[float, float]]:
    """Pairs of measurements, the order changing from pair to pair."""
    measure(ours), measure(other)  # warm up
    pairs = []
    for number in rounds:
        first, second = (ours, other) if number % 2 else (other, ours)
        one, two = measure(first), measure(second)
        pairs.append((one, two) if number % 2 else (two, one))
    return pairs


def _summary(
    pairs: list[tuple[float, float]], other: str, shown: Callable[[float], float]
) -> dict[str, float]:
    low, middle, high = statistics.quantiles([b / a for a, b in pairs], n=4)
    return {
        "endpoint": round(shown(statistics.median(a for a, _ in pairs)), 1),
        other: round(shown(statistics.median(b for _, b in pairs)), 1),
        "share": round(middle, 3),
        "share_q1": round(low, 3),
        "share_q3": round(high, 3),
        "share_of_fastest": round(min(b for _, b in pairs) / min(a for a, _ in pairs), 3),
    }


if __name__ == "__main__":
    json.dump(run(progress=on_stderr), sys.stdout, indent=2)
    sys.stdout.write("\n")
