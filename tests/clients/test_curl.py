"""curl, which signs by itself, and with nothing but the protocol's documentation to go by."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.long

OLDEST = (7, 87)  # that signs the headers it is given
JSON = "application/x-amz-json-1.1"
Ask = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def ask(outside, endpoint) -> Ask:
    found = shutil.which("curl")
    if found is None:
        pytest.skip("curl is not installed")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(map(int, re.findall(r"\d+", told)[:2]))
    if version < OLDEST:
        pytest.skip(f"curl is {version}, and signs as it should from {OLDEST}")

    def ask(
        *words: str, service: str = "kms", who: str | None = None, region: str = "us-east-1"
    ) -> tuple[int, str]:
        user = who or f"{endpoint.access_key.id}:{endpoint.access_key.secret.decode()}"
        signing = ["--user", user, "--aws-sigv4", f"aws:amz:{region}:{service}"] if service else []
        done = outside.run(found, "-sS", "-w", "\n%{http_code}", *signing, *words, endpoint.url)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return ask


def call(operation: str, request: Any) -> list[str]:
    target = ["-H", f"X-Amz-Target: TrentService.{operation}"]
    return [*target, "-H", f"Content-Type: {JSON}", "--data", json.dumps(request)]


def test_a_data_key_is_made_and_opened(ask, lab):
    arn = lab.create_cmk("orders").arn
    status, body = ask(*call("GenerateDataKey", {"KeyId": "alias/orders", "KeySpec": "AES_256"}))
    made = json.loads(body)
    assert (status, made["KeyId"]) == (200, arn)
    opened = ask(*call("Decrypt", {"CiphertextBlob": made["CiphertextBlob"]}))
    assert json.loads(opened[1])["Plaintext"] == made["Plaintext"]


def test_a_session_token_is_asked_for(ask, lab):
    key = lab.role("auditor", session="night").access_key()
    who = f"{key.id}:{key.secret.decode()}"
    status, body = ask(*call("ListKeys", {}), who=who)
    assert (status, json.loads(body)["__type"]) == (400, "UnrecognizedClientException")
    token = ["-H", f"X-Amz-Security-Token: {key.token}"]
    status, body = ask(*token, *call("ListKeys", {}), who=who)
    text = json.loads(body)["message"]
    assert text.startswith("User: arn:aws:sts::111122223333:assumed-role/auditor/night is not auth")


def test_who_does_not_sign_is_told_so(ask):
    status, body = ask(*call("ListKeys", {}), service="")
    assert (status, json.loads(body)["__type"]) == (400, "MissingAuthenticationTokenException")


def test_other_services_hear_it_in_their_own_form(ask):
    status, body = ask(service="s3")
    assert status == 501
    assert body.startswith("<Error><Code>NotImplemented</Code><Message>This endpoint serves AWS")
    status, body = ask("--data", "Action=ListUsers&Version=2010-05-08", service="iam")
    assert status == 501
    assert re.match(r"<ErrorResponse\b.*<Error>.*<Code>NotImplemented</Code>", body)
    json_1_0 = ["-H", "Content-Type: application/x-amz-json-1.0", "--data", "{}"]
    target = ["-H", "X-Amz-Target: DynamoDB_20120810.ListTables"]
    status, body = ask(*target, *json_1_0, service="dynamodb")
    assert (status, json.loads(body)["__type"]) == (501, "NotImplemented")
