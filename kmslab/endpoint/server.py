"""Serves a lab on a socket, for other programs: `running` in a thread, `serve` until a signal.

Rule: at an address that other machines can reach, it speaks TLS only. An `Endpoint` says how
clients find it and with which access key: in environment variables, or in lines to paste into a
shell.
"""

import contextlib
import errno
import os
import shlex
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

from kmslab.clock import Clock
from kmslab.endpoint.application import Application
from kmslab.endpoint.lab_api import LabApi
from kmslab.endpoint.tls import SelfSigned, ServeError, Tls, made
from kmslab.endpoint.workers import CAN_FORK, Workers
from kmslab.kms.backing.access_keys import AccessKeyPair
from kmslab.kms.contract.callers import Caller
from kmslab.kms.iam import Iam
from kmslab.kms.service import Service

try:
    import uvicorn

    from kmslab.endpoint.connections import Connection, Server
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "an endpoint needs uvicorn, which is not installed: pip install uvicorn httptools",
        name=error.name,
    ) from None

IDLE = 60  # seconds that a connection may wait for its next request
GRACE = 30  # seconds for what is running when the server is asked to stop
BACKLOG = 1_024
# Set before, these would lead clients elsewhere.
STALE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")
QUOTE = "'"
NO_TLS = (
    "Serving at {host} needs --tls self-signed, or --tls-cert and --tls-key: other machines can "
    "reach it, and secrets would travel unencrypted. At 127.0.0.1 no TLS is needed."
)


class Served(Protocol):
    """What an endpoint needs of a lab."""

    @property
    def caller(self) -> Caller: ...
    @property
    def service(self) -> Service: ...
    @property
    def iam(self) -> Iam: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a lab is served, and an access key to call it with."""

    url: str
    region: str
    access_key: AccessKeyPair = field(repr=False)
    authority: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Variables from which AWS's SDKs and CLI find the endpoint."""
        found = {
            "AWS_ENDPOINT_URL_KMS": self.url,
            "AWS_ENDPOINT_URL_STS": self.url,
            **self.access_key.environment,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        if self.authority:
            found["AWS_CA_BUNDLE"] = str(self.authority)
        return found

    def shell(self, powershell: bool = os.name == "nt") -> str:
        """Lines to paste into a POSIX shell or PowerShell. They show the secret access key."""
        found = self.environment
        gone = [name for name in STALE if name not in found]
        if powershell:
            lines = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in gone]
            lines += [f"$env:{name} = '{v.replace(QUOTE, 2 * QUOTE)}'" for name, v in found.items()]
        else:
            lines = [f"unset {' '.join(gone)}"]
            lines += [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
        return "\n".join(lines)


@contextlib.contextmanager
def running(
    lab: Served,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: Tls | SelfSigned | None = None,
    self_signed: bool = False,
    access_keys: Mapping[str, str] | None = None,
) -> Iterator[Endpoint]:
    """Within `with running(lab) as endpoint:` a thread of this process serves the lab."""
    with _prepared(lab, host, port, tls, self_signed, access_keys) as (server, listeners, endpoint):
        thread = threading.Thread(target=server.run, args=(listeners,), name="kmslab endpoint")
        thread.start()
        try:
            yield endpoint  # the socket listens already: early clients wait in its queue
        finally:
            server.should_exit = True
            thread.join()


def serve(
    lab: Served,
    host: str = "127.0.0.1",
    port: int = 4566,
    *,
    tls: Tls | SelfSigned | None = None,
    self_signed: bool = False,
    access_keys: Mapping[str, str] | None = None,
    ready: Callable[[Endpoint], None],
    workers: int = 1,
) -> None:
    """Serve a lab until SIGINT or SIGTERM; operations that are running then are finished first.

    `ready` is called when clients can connect. The lab is not closed. `access_keys`: secrets by the
    keys' ids, for the lab's caller; without any, the one that is kept with the store. `workers`: in
    so many processes, if the lab is not in memory. Raises `ServeError`.
    """
    if workers > 1 and not CAN_FORK:
        raise ServeError("This system cannot start worker processes: it does not fork.")
    with _prepared(lab, host, port, tls, self_signed, access_keys, workers) as prepared:
        server, listeners, endpoint = prepared
        if workers == 1:
            ready(endpoint)
            server.run(listeners)
        else:
            works = [partial(_work, server, listener, os.getpid()) for listener in listeners]
            Workers(works).run(partial(ready, endpoint))


def _work(server: Server, listener: socket.socket, first: int) -> None:
    """What a worker does: it also stops when the first process is gone."""
    server.first = first
    server.run([listener])


@contextlib.contextmanager
def _prepared(
    lab: Served,
    host: str,
    port: int,
    tls: Tls | SelfSigned | None,
    self_signed: bool,
    access_keys: Mapping[str, str] | None,
    workers: int = 1,
) -> Iterator[tuple[Server, list[socket.socket], Endpoint]]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(each) for each in _listeners(host, port, workers)]
        listener = listeners[0]
        wanted = SelfSigned() if self_signed else tls
        tls = stack.enter_context(made(wanted, host)) if isinstance(wanted, SelfSigned) else wanted
        address = listener.getsockname()[0]
        if tls is None and not ip_address(address).is_loopback:
            raise ServeError(NO_TLS.format(host=host))
        application = Application(lab.service, lab.iam.access_keys, LabApi(lab.service, lab.clock))
        stack.callback(application.close)
        endpoint = Endpoint(
            _url(host, listener, tls),
            lab.caller.region,
            _access_key(lab, access_keys or {}),
            tls.authority if tls else None,
        )
        yield server(application, tls), listeners, endpoint


def server(application: Callable[..., Any], tls: Tls | None = None) -> Server:
    """uvicorn with the settings of every endpoint."""
    config = uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # the application's own
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.private_key if tls else None,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ServeError(f"The certificate or its private key cannot be read: {error}") from None
    return Server(config)


def _listeners(host: str, port: int, workers: int) -> list[socket.socket]:
    """A socket for each worker. Only Linux shares out connections among sockets of one port."""
    first = _listener(host, port)  # finds out whether the port is free
    if workers == 1 or sys.platform != "linux":
        return [first] * workers
    with first:
        port = first.getsockname()[1]
    return [_listener(host, port, shared=True) for _ in range(workers)]


def _listener(host: str, port: int, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = (
            "another program uses it. Give another port, or 0 for any that is free"
            if taken
            else error
        )
        raise ServeError(f"The endpoint cannot use {host}, port {port}: {why}.") from None


def _url(host: str, listener: socket.socket, tls: Tls | None) -> str:
    """With an address where possible: some clients refuse the name `localhost`."""
    address, port = listener.getsockname()[:2]
    shown = {"localhost": address, "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"{'https' if tls else 'http'}://{shown}:{port}"


def _access_key(lab: Served, chosen: Mapping[str, str]) -> AccessKeyPair:
    principal = lab.caller.principal
    pairs = [lab.iam.access_keys.put(principal, *each) for each in chosen.items()]
    return pairs[0] if pairs else lab.iam.access_keys.of(principal)
