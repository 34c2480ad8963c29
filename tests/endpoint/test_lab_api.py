"""`Kmslab.…` requests over HTTP: only a lab answers them, and only for the root user."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from kmslab import Lab
from kmslab.endpoint.lab_api import LabApi
from kmslab.endpoint.server import Endpoint, running
from kmslab.kms import reports
from kmslab.kms.contract.errors import KMSError
from tests.cases import for_every


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        lab.create_cmk("orders")
        yield lab


@pytest.fixture(scope="module")
def endpoint(lab: Lab) -> Iterator[Endpoint]:
    with running(lab) as endpoint:
        yield endpoint


def ask(endpoint: Endpoint, name: str, body: str, signed: bool = True) -> tuple[int, Any]:
    headers = {"X-Amz-Target": f"Kmslab.{name}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"{endpoint.url}/", headers, body)
    if signed:
        pair = endpoint.access_key
        credentials = Credentials(pair.id, pair.secret.decode())
        SigV4Auth(credentials, "kms", "us-east-1").add_auth(request)
    answer = URLLib3Session(proxies={}).send(request.prepare())
    return answer.status_code, json.loads(answer.content)


def test_trail_bill_and_explanation_are_answered(endpoint: Endpoint):
    status, told = ask(endpoint, "Trail", "{}")
    assert (status, told["Events"][1]["eventName"]) == (200, "CreateKey")
    assert ask(endpoint, "Trail", json.dumps({"After": told["Last"]}))[1]["Events"] == []
    assert ask(endpoint, "Bill", "")[1]["account"] == "111122223333"
    asked = {"Action": "kms:Decrypt", "KeyId": "alias/orders", "EncryptionContext": {"a": "b"}}
    assert ask(endpoint, "Explain", json.dumps(asked))[1]["Allowed"] is True


@for_every(
    ("name", "body", "code"),
    [
        ("Keys", "{}", "UnknownOperationException"),
        ("Trail", "{", "SerializationException"),
        ("Trail", "[]", "SerializationException"),
        ("Trail", '{"After": "x"}', "SerializationException"),
        ("Trail", '{"After": true}', "SerializationException"),
        ("Trail", '{"After": 99999999999999999999999}', "SerializationException"),
        ("Bill", '{"Month": 1}', "SerializationException"),
        ("Bill", '{"Month": "May"}', "ValidationException"),
        ("Explain", "{}", "ValidationException"),
        ("Explain", '{"Action": "kms:Decrypt", "KeyId": "x"}', "NotFoundException"),
        ("Explain", '{"Action": "kms:Decrypt", "KeyId": ["x"]}', "SerializationException"),
        (
            "Explain",
            '{"Action": "kms:Decrypt", "KeyId": "alias/orders", "EncryptionContext": {"a": 1}}',
            "SerializationException",
        ),
        ("Explain", '{"Action": "kms:ListKeys", "Principal": "nobody/x"}', "ValidationException"),
        ("Explain", '{"Action": "kms:ListKeys", "Principal": "arn:x"}', "ValidationException"),
    ],
)
def test_what_is_asked_wrongly_is_an_error_and_never_a_fault(
    endpoint: Endpoint, name: str, body: str, code: str
):
    status, told = ask(endpoint, name, body)
    assert (status, told["__type"]) == (400, code)


def test_unsigned_request_is_refused(endpoint: Endpoint):
    status, told = ask(endpoint, "Trail", "{}", signed=False)
    assert (status, told["__type"]) == (400, "MissingAuthenticationTokenException")


def test_users_and_roles_are_refused(lab: Lab):
    for caller in (lab.user("alice").caller, lab.role("reader").caller):
        with pytest.raises(KMSError, match="Only the root user") as caught:
            LabApi(lab.service, lab.clock).ask("Trail", caller, {})
        assert caught.value.code == "AccessDeniedException"


def test_root_of_another_account_sees_its_own_trail(lab: Lab):
    other = lab.account("444455556666")
    assert LabApi(lab.service, lab.clock).ask("Trail", other.caller, {})["Events"] == []


def test_a_page_of_the_trail_is_bounded_and_says_whether_there_is_more(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(reports, "PAGE", 4)
    with Lab() as lab:
        api = LabApi(lab.service, lab.clock)
        for _ in range(10):
            lab.kms.list_keys()
        whole = lab.trail
        assert len(whole) == 10
        read: list[object] = []
        answer = {"Last": 0, "More": True}
        while answer["More"]:
            answer = api.ask("Trail", lab.caller, {"After": answer["Last"], "Limit": 99})
            assert len(answer["Events"]) <= 4
            read += answer["Events"]
        assert read == whole
        last = api.ask("Trail", lab.caller, {"Last": 3})
        assert (last["Events"], last["More"]) == (whole[-3:], False)
        many = api.ask("Trail", lab.caller, {"Last": 7, "Limit": 2})
        assert (many["Events"], many["More"]) == (whole[3:5], True)
        none = api.ask("Trail", lab.caller, {"Last": 0})
        assert (none["Events"], none["More"]) == ([], False)
        lab.kms.list_keys()
        assert api.ask("Trail", lab.caller, {"After": none["Last"]})["Events"] == lab.trail[-1:]


def test_keys_are_described_in_pages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reports, "PAGE", 2)
    with Lab() as lab:
        arns = sorted(lab.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(5))
        lab.region("eu-west-1").kms.create_key()
        api = LabApi(lab.service, lab.clock)
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = found[-1]["Arn"] if found else ""
            answer = api.ask("DescribeKeys", lab.caller, {"AfterKey": after})
            found, more = found + answer["Keys"], answer["More"]
        assert [each["Arn"] for each in found] == arns
        for each in found:
            key = lab.kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
            assert each == key | {"CreationDate": key["CreationDate"].isoformat()}
        assert json.loads(json.dumps(found)) == found
        other = lab.account("444455556666")
        assert api.ask("DescribeKeys", other.caller, {}) == {"Keys": [], "More": False}


@pytest.mark.long
def test_a_long_trail_is_read_in_pages_in_little_memory(endpoint: Endpoint, lab: Lab):
    event = lab.service._store.events()[0]
    for _ in range(20):
        for _ in range(1_000):
            lab.service._store.log(event)
        lab.service._store.flush()
    tracemalloc.start()
    status, told = ask(endpoint, "Trail", json.dumps({"Last": 20}))
    assert (status, len(told["Events"])) == (200, 20)
    assert ask(endpoint, "Bill", "{}")[0] == 200
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("who", ["nobody", "role/auditor", "arn:aws:iam::111122223333:user/nobody"])
def test_explanation_for_somebody_who_does_not_exist_says_so(who: str) -> None:
    """Where a lab has no users or roles, a policy may name any: the answer has a note."""
    with Lab() as lab:
        api = LabApi(lab.service, lab.clock)
        asked = {"Action": "kms:ListKeys", "Principal": who}
        told = api.ask("Explain", lab.caller, asked)
        assert " does not exist" in told["Note"]
        assert told["Text"].startswith(told["Note"])
        for real in ("root", "dynamodb.amazonaws.com"):
            assert "Note" not in api.ask("Explain", lab.caller, asked | {"Principal": real})
        lab.user("nobody")
        assert "Note" not in api.ask("Explain", lab.caller, asked | {"Principal": "nobody"})
