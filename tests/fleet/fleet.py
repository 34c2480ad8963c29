"""Two servers on one PostgreSQL, behind one balancer, and callers whose answers are remembered."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kmslab import Lab
from tests.fleet.balancer import Balancer
from tests.kills.campaign import Zygote
from tests.kills.client import ID, SECRET

CALLERS = 4
# Seconds: the SDK's longest pause between its three attempts. What began before the store was back
# may end so much later.
RETRY = 2.0


def client(url: str, key: tuple[str, str] = (ID, SECRET), **more: Any) -> Any:
    """boto3's with the SDKs' standard retries: three attempts."""
    config = Config(retries={"mode": "standard"}, proxies={})
    return boto3.session.Session().client(
        "kms",
        "us-east-1",
        endpoint_url=url,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=config,
        **more,
    )


class Server:
    """One `kmslab serve`, which stands for one host."""

    def __init__(self, zygote: Zygote, folder: Path, url: str, name: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._zygote, self._log = zygote, folder / f"{name}.log"
        # Each host has its own copy of the root key; here they share the file.
        self._arguments = ["--store", url, "--root-key", str(folder / "root.key")]
        self._arguments += ["--port", str(self.port), "--access-key", f"{ID}:{SECRET}"]
        self._process = 0

    def start(self) -> None:
        """When this returns, it listens."""
        self._process = self._zygote.start(self._log, self._arguments)
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                assert self._lives(), self._log.read_text()
                time.sleep(0.01)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process and self._lives():
            os.kill(self._process, how)
            while self._lives():
                time.sleep(0.01)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def _lives(self) -> bool:
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:
            return False
        return True


@dataclass
class Caller:
    """Changes its own keys, and encrypts. `errors`: when each reached the caller, and what it is.

    All its changes may be made twice: an attempt without an answer may have been stored.
    """

    url: str
    described: dict[str, str] = field(default_factory=dict)  # key → what was acknowledged
    asked: dict[str, str] = field(default_factory=dict)  # key → what was asked for last
    changes: list[str] = field(default_factory=list)  # the acknowledged requests' ids
    sealed: list[tuple[bytes, bytes]] = field(default_factory=list)
    errors: list[tuple[float, str]] = field(default_factory=list)

    def run(self, over: threading.Event) -> None:
        with closing(client(self.url)) as kms:
            while not over.is_set():
                try:
                    self._step(kms)
                except (BotoCoreError, ClientError) as error:
                    self.errors.append((time.monotonic(), f"{type(error).__name__}: {error}"))

    def _step(self, kms: Any) -> None:
        chance = random.random()
        if not self.described or chance < 0.05:
            created = kms.create_key(Description="")
            self.described[created["KeyMetadata"]["KeyId"]] = ""
            return self._changed(created)
        key = random.choice([*self.described])
        if chance < 0.4:
            self.asked[key] = text = f"{random.getrandbits(64):x}"
            answer = kms.update_key_description(KeyId=key, Description=text)
            self.described[key] = text
            self._changed(answer)
        elif chance < 0.7:
            plaintext = os.urandom(24)
            answer = kms.encrypt(KeyId=key, Plaintext=plaintext)
            self.sealed.append((answer["CiphertextBlob"], plaintext))
        else:
            answer = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
            self.sealed.append((answer["CiphertextBlob"], answer["Plaintext"]))

    def _changed(self, answer: dict[str, Any]) -> None:
        self.changes.append(answer["ResponseMetadata"]["RequestId"])


class Fleet:
    """Within `with Fleet(folder, url) as fleet`, two servers run."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self.callers: list[Caller] = []

    def __enter__(self) -> "Fleet":
        self._zygote = Zygote()
        self.servers = [Server(self._zygote, self._folder, self._url, name) for name in "ab"]
        for each in self.servers:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.servers:
            each.end()
        self._zygote.__exit__()

    def lab(self) -> Lab:
        return Lab(self._url, root_key=self._folder / "root.key")

    @contextmanager
    def load(self) -> Iterator[None]:
        """Within, the callers ask, at the balancer's one address."""
        over = threading.Event()
        with (
            Balancer([each.port for each in self.servers]) as balancer,
            ThreadPoolExecutor(CALLERS) as pool,
        ):
            self.callers = [Caller(balancer.url) for _ in range(CALLERS)]
            running = [pool.submit(each.run, over) for each in self.callers]
            try:
                yield
            finally:
                over.set()
            for each in running:
                each.result()

    def errors_outside(self, *windows: tuple[float, float]) -> list[str]:
        """What the callers saw, but for these times."""
        return [
            what
            for caller in self.callers
            for at, what in caller.errors
            if not any(begin <= at <= end for begin, end in windows)
        ]

    def lost(self) -> list[str]:
        """What was acknowledged and is not there. The servers are stopped first."""
        for each in self.servers:
            each.end()
        with self.lab() as lab:
            events = {event.request_id for event in lab._store.events()}
            found = [f"the event of {name}" for name in self._changes() if name not in events]
            for caller in self.callers:
                found += _missing(caller, lab)
        return found

    def _changes(self) -> list[str]:
        return [name for caller in self.callers for name in caller.changes]

    def __str__(self) -> str:
        sealed, errors = (
            sum(len(part) for part in parts)
            for parts in zip(*[(each.sealed, each.errors) for each in self.callers], strict=True)
        )
        return (
            f"{len(self._changes())} acknowledged changes, {sealed} ciphertexts, {errors} errors "
            "that reached a caller"
        )


def _missing(caller: Caller, lab: Lab) -> Iterator[str]:
    for key, text in caller.described.items():
        shown = lab.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"]
        if shown not in (text, caller.asked.get(key)):
            yield f"{key} is described as {shown!r}, not {text!r}"
    for blob, plaintext in caller.sealed:
        if lab.kms.decrypt(CiphertextBlob=blob)["Plaintext"] != plaintext:
            yield f"the plaintext of {blob!r}"
