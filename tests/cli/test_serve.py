"""`kmslab serve` as a process: what it prints, what clients find, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from typer.testing import CliRunner

from kmslab import Lab
from kmslab.cli import serve
from kmslab.cli.app import app
from kmslab.display import PlainError

pytestmark = pytest.mark.usefixtures("bare")
ROOT = Path(__file__).parents[2]
SEED = "keys: [{id: 1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01, alias: orders}]"
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM to catch, no sh")


class Served:
    """A running `kmslab serve`, and what its first lines say."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "kmslab", "serve", "--port", "0", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.shell = [self.process.stdout.readline()]
        while self.shell[-1].strip() and not self.shell[-1].startswith("export AWS_DEFAULT_REGION"):
            self.shell.append(self.process.stdout.readline())
        pairs = (line.removeprefix("export ").strip().partition("=") for line in self.shell[1:])
        self.environment = {name: value for name, _, value in pairs if name}
        self.url = self.environment.get("AWS_ENDPOINT_URL_KMS", "")

    def client(self, **more: Any) -> Any:
        return boto3.client(
            "kms",
            self.environment["AWS_REGION"],
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
            **more,
        )

    def stop(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(how)
        _, told = self.process.communicate(timeout=30)
        return self.process.returncode, told


@contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    served = Served(*arguments)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
            served.process.communicate()


@posix
def test_clients_find_what_was_printed_and_a_stop_keeps_everything(tmp_path: Path):
    (tmp_path / "seed.yaml").write_text(SEED)
    kept = ("--store", "sqlite:///my.db", "--seed", "seed.yaml", "--trail", "trail.jsonl")
    with serving(*kept, "--region", "eu-west-1") as served:
        assert served.shell[0] == "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE\n"
        assert urllib.request.urlopen(f"{served.url}/health").status == 200
        kms = served.client()
        blob = kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["CiphertextBlob"]
        code, told = served.stop()
    assert code == 0
    assert f"AWS KMS at {served.url}, account 111122223333, Region eu-west-1, sqlite:///" in told
    assert served.environment["AWS_SECRET_ACCESS_KEY"] not in told
    lines = (tmp_path / "trail.jsonl").read_text().splitlines()
    assert [json.loads(line)["eventName"] for line in lines][-1] == "Encrypt"
    with serving(*kept, "--region", "eu-west-1") as again:
        assert again.environment["AWS_ACCESS_KEY_ID"] == served.environment["AWS_ACCESS_KEY_ID"]
        assert again.client().decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        assert again.stop(signal.SIGINT)[0] == 0
    with Lab("sqlite:///my.db") as lab:
        names = [event["eventName"] for event in lab.trail]
        assert names == ["CreateKey", "Encrypt", "Decrypt"]


@posix
@pytest.mark.long
def test_printed_lines_can_be_pasted_into_a_shell(tmp_path: Path):
    with serving() as served:
        program = "import boto3; print(boto3.client('kms').create_key()['KeyMetadata']['KeyState'])"
        (tmp_path / "program.py").write_text(program)
        script = "".join(served.shell) + f'"{sys.executable}" program.py'
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "Enabled\n"
        assert "in memory" in served.stop()[1]


@pytest.mark.long
def test_chosen_access_keys_and_account_are_taken():
    pairs = ("--access-key", "AKIAONE:first/+=:secret", "--access-key", "AKIATWO:second")
    with serving(*pairs, "--account", "444455556666") as served:
        assert served.environment["AWS_ACCESS_KEY_ID"] == "AKIAONE"
        served.environment["AWS_SECRET_ACCESS_KEY"] = (
            "first/+=:secret"  # the shell's quotes are off
        )
        arn = served.client().create_key()["KeyMetadata"]["Arn"]
        assert ":444455556666:" in arn
        served.environment |= {"AWS_ACCESS_KEY_ID": "AKIATWO", "AWS_SECRET_ACCESS_KEY": "second"}
        assert len(served.client().list_keys()["Keys"]) == 1


@pytest.mark.long
def test_client_that_is_given_the_certificate_trusts_it():
    with serving("--tls", "self-signed", "--host", "0.0.0.0") as served:
        assert served.url.startswith("https://127.0.0.1:")
        served.environment |= dict([_rest(served)])
        kms = served.client(verify=served.environment["AWS_CA_BUNDLE"])
        assert kms.list_keys()["Keys"] == []


def _rest(served: Served) -> tuple[str, str]:
    assert served.process.stdout is not None
    name, _, value = served.process.stdout.readline().removeprefix("export ").partition("=")
    return name, value.strip()


@pytest.mark.long
def test_quotas_are_enforced_if_asked():
    with serving("--throttle") as served:
        kms = served.client()
        with pytest.raises(kms.exceptions.ClientError, match="ThrottlingException"):
            _create_keys(kms, 200)


def _create_keys(kms: Any, number: int) -> None:
    for _ in range(number):
        kms.create_key()


@posix
def test_store_that_was_moved_away_is_said_to_everybody(tmp_path: Path):
    with serving("--store", "sqlite:///my.db") as served:
        kms = served.client()
        kms.create_key()
        (tmp_path / "my.db").rename(tmp_path / "elsewhere.db")
        for call in (kms.create_key, kms.list_keys):
            with pytest.raises(kms.exceptions.KMSInternalException) as refused:
                call()
            answer = refused.value.response["ResponseMetadata"]
            assert answer["HTTPStatusCode"] == 500
            assert answer["HTTPHeaders"]["connection"] == "close", "so that another is asked next"
        assert urllib.request.urlopen(f"{served.url}/health").status == 200
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{served.url}/ready")
        _, told = served.stop()
    assert "was moved, replaced or deleted while the lab was open" in told
    assert "Traceback" not in told
    (tmp_path / "elsewhere.db").rename(tmp_path / "my.db")
    with Lab("sqlite:///my.db") as lab:
        assert len(lab.kms.list_keys()["Keys"]) == 1


@pytest.mark.long
def test_trail_can_be_followed_while_it_is_served(tmp_path: Path):
    with serving("--store", "sqlite:///my.db") as served:
        command = [sys.executable, "-m", "kmslab", "trail", "--store", "sqlite:///my.db", "-f"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as following:
            served.client().create_key()
            assert following.stdout is not None
            assert "CreateKey" in following.stdout.readline()
            following.send_signal(signal.SIGINT)
            assert following.wait(20) == 0


# ------------------------------------------------------------------------- what cannot be served


@pytest.fixture
def refused_before(monkeypatch: Any) -> None:
    """None of these may start to serve, which would never end."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("it serves")

    monkeypatch.setattr("kmslab.endpoint.server.serve", fail)


@pytest.mark.usefixtures("refused_before")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--access-key", "AKIA"], "it has to be ID:SECRET"),
        (["--access-key", "A-B:secret-words"], "it has to be ID:SECRET"),
        (["--account", "12"], "'12' is not an account number"),
        (["--region", "here"], "'here' is not a Region"),
        (["--store", "mysql://x"], "kmslab cannot keep a store in"),
        (["--store", "sqlite:///"], "kmslab cannot keep a store in"),
        (["--tls-cert", "a.pem"], "give both"),
        (["--tls", "self-signed", "--tls-cert", "a", "--tls-key", "b"], "give both"),
        (["--tls", "maybe"], "maybe"),
        (["--tls-name", "kms.lan"], "it needs --tls self-signed"),
        (["--tls-authority", "a.pem"], "it needs --tls self-signed"),
        (["--tls-name", "a", "--tls-cert", "a", "--tls-key", "b"], "it needs --tls self-signed"),
        (["--tls", "self-signed", "--tls-name", "https://kms.lan"], "without scheme and port"),
        (["--port", "70000"], "'--port'"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2(arguments: list[str], text: str):
    result = CliRunner().invoke(app, ["serve", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert text in result.stderr
    assert "secret-words" not in result.output


@pytest.mark.usefixtures("refused_before")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seed", "none.yaml"], "none.yaml cannot be read"),
        (["--seed", "seed.yaml", "--store", "sqlite:///my.db"], "kees means nothing here"),
        (["--trail", "no/where/trail.jsonl"], "cannot be written"),
    ],
)
def test_failure_is_reported_and_leaves_nothing(arguments: list[str], text: str, tmp_path: Path):
    (tmp_path / "seed.yaml").write_text("kees: []")
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert isinstance(result.exception, PlainError)
    assert text in str(result.exception)
    assert list(tmp_path.glob("my.db*")) == []


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [("uvicorn", ["serve"]), ("yaml", ["serve", "--seed", "seed.yaml"]), ("boto3", ["keys"])],
)
def test_library_that_is_not_installed_is_named(
    missing: str, arguments: list[str], tmp_path: Path, monkeypatch: Any
):
    (tmp_path / "seed.yaml").write_text(SEED)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "kmslab.endpoint.server", raising=False)
    monkeypatch.delattr("kmslab.endpoint.server", raising=False)
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, PlainError)
    assert "pip install " in str(result.exception)


def test_beyond_this_machine_it_speaks_tls_only():
    result = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0", "--port", "0"])
    assert "needs --tls self-signed" in str(result.exception)


def test_port_in_use_is_named():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["serve", "--port", port])
    assert f"The endpoint cannot use 127.0.0.1, port {port}: another program" in str(
        result.exception
    )


def test_access_keys_can_come_from_the_environment(monkeypatch: Any):
    asked: dict[str, Any] = {}
    monkeypatch.setattr("kmslab.endpoint.server.serve", lambda *_, **options: asked.update(options))
    monkeypatch.setenv("KMSLAB_ACCESS_KEYS", "AKIAONE:first AKIATWO:second")
    assert CliRunner().invoke(app, ["serve"]).exit_code == 0
    assert asked["access_keys"] == {"AKIAONE": "first", "AKIATWO": "second"}
    assert serve.MEMORY.startswith("in memory")
