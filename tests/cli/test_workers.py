"""`kmslab serve --workers`: several processes answer as one, and a change in one holds in all."""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typer.testing import CliRunner

from kmslab.cli.app import app
from tests.cli.test_serve import Served, serving
from tests.waiting import until

pytestmark = [
    pytest.mark.usefixtures("bare"),
    pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc"),
]
CONNECTIONS = 16  # so that each of four workers has some of them
ALICE = "arn:aws:iam::111122223333:user/alice"
SEED = """
users: {alice: {access_keys: [{id: AKIAALICE, secret: secret}]}}
keys: [{id: 1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01, alias: orders}]
"""
KEY = "1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01"
ENCRYPT = {"KeyId": KEY, "Plaintext": "eA=="}


class Client:
    """One connection, and so one worker; boto3 would open another after an error."""

    def __init__(self, served: Served, key_id: str = "", secret: str = "") -> None:
        address = served.url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(address, timeout=30)
        self._url = served.url
        self._credentials = Credentials(
            key_id or served.environment["AWS_ACCESS_KEY_ID"],
            secret or served.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def close(self) -> None:
        self._connection.close()

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{operation}",
        }
        body = json.dumps(request)
        signed = AWSRequest("POST", f"{self._url}/", headers, body)
        SigV4Auth(self._credentials, "kms", "us-east-1").add_auth(signed)
        self._connection.request("POST", "/", body, dict(signed.headers))
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read() or "{}")
        return answer

    def outcome(self, operation: str, **request: Any) -> str:
        return str(self.call(operation, **request).get("__type", "ok"))


def workers(served: Served) -> set[int]:
    process = served.process.pid
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return set(map(int, children))


def is_alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(params=["file", pytest.param("postgresql", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest) -> tuple[str, ...]:
    if request.param == "file":
        return ("--store", "sqlite:///my.db")
    return ("--store", request.getfixturevalue("postgresql").new(), "--root-key", "root.key")


@pytest.fixture
def connected() -> Iterator[Callable[..., Client]]:
    """Opens a connection, to be closed after the test."""
    with ExitStack() as stack:

        def client(*arguments: Any) -> Client:
            made = Client(*arguments)
            stack.callback(made.close)
            return made

        yield client


def test_what_one_worker_changes_holds_in_all_within_a_second(
    store: tuple[str, ...], connected: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "seed.yaml").write_text(SEED)
    with serving(*store, "--seed", "seed.yaml", "--workers", "4") as served:
        root = [connected(served) for _ in range(CONNECTIONS)]
        alice = [connected(served, "AKIAALICE", "secret") for _ in range(CONNECTIONS)]

        def after(change: str, **request: Any) -> tuple[set[str], set[str]]:
            """What root and Alice get on each connection, a second after this change."""
            changed = root[0].call(change, KeyId=KEY, **request)
            assert "__type" not in changed, changed
            time.sleep(1)
            return tuple(  # type: ignore[return-value]
                {each.outcome("Encrypt", **ENCRYPT) for each in clients}
                for clients in (root, alice)
            )

        first = {each.outcome("Encrypt", **ENCRYPT) for each in root}
        assert first == {"ok"}  # each worker has the key in its memory
        refused = {"AccessDeniedException"}
        assert after("DisableKey") == ({"DisabledException"}, refused)
        assert after("EnableKey") == ({"ok"}, refused)
        granted = root[1].call(
            "CreateGrant", KeyId=KEY, GranteePrincipal=ALICE, Operations=["Encrypt"]
        )
        time.sleep(1)
        assert {each.outcome("Encrypt", **ENCRYPT) for each in alice} == {"ok"}
        assert after("RevokeGrant", GrantId=granted["GrantId"]) == ({"ok"}, refused)
        policy = json.loads(root[2].call("GetKeyPolicy", KeyId=KEY)["Policy"])
        policy["Statement"].append(
            {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "kms:*", "Resource": "*"}
        )
        assert after("PutKeyPolicy", Policy=json.dumps(policy)) == ({"ok"}, {"ok"})
        gone = {"KMSInvalidStateException"}
        assert after("ScheduleKeyDeletion", PendingWindowInDays=7) == (gone, gone)


def test_worker_that_dies_is_replaced_and_a_stop_ends_all(
    connected: Callable[..., Client],
) -> None:
    with serving("--store", "sqlite:///my.db", "--workers", "2") as served:
        made = {connected(served).call("CreateKey")["KeyMetadata"]["KeyId"] for _ in range(4)}
        before = until(lambda: len(found := workers(served)) == 2 and found)
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        after = until(lambda: len(found := workers(served)) == 2 and killed not in found and found)
        listed = [connected(served).call("ListKeys")["Keys"] for _ in range(8)]
        assert all({key["KeyId"] for key in keys} == made for keys in listed)
        code, told = served.stop(signal.SIGINT)
    assert code == 0
    assert "2 worker processes" in told
    assert f"worker {killed} ended with -9; another is started" in told
    assert not any(map(is_alive, before | after))


def test_workers_stop_when_the_first_process_is_gone() -> None:
    with serving("--store", "sqlite:///my.db", "--workers", "2") as served:
        found = until(lambda: len(found := workers(served)) == 2 and found)
        served.stop(signal.SIGKILL)  # returns when nothing has the pipes open
        until(lambda: not any(map(is_alive, found)))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "it needs --store with a file or a server"),
        (["--store", "sqlite://"], "it needs --store with a file or a server"),
        (["--store", "sqlite:///my.db", "--throttle"], "it goes without --throttle"),
    ],
)
def test_workers_that_could_not_answer_as_one_are_refused(options: list[str], why: str) -> None:
    done = CliRunner().invoke(app, ["serve", "--workers", "2", *options])
    assert done.exit_code == 2
    assert why in " ".join(done.output.replace("│", " ").split())
