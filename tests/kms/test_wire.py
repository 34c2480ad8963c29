"""For any bytes that come in, an answer in AWS's form goes out, without internal details."""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab import Lab
from kmslab.kms import wire
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.model import MODEL
from kmslab.kms.wire import Answer, handle
from tests.cases import for_every


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def send(lab: Lab, name: str, request: dict[str, Any] | bytes = b"") -> Answer:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return handle(lab.service, lab.caller, f"TrentService.{name}", body)


def parsed(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.body))


# ------------------------------------------------------------------------------------- success


def test_blobs_travel_in_base64_and_times_in_seconds(lab: Lab) -> None:
    created = parsed(send(lab, "CreateKey"))["KeyMetadata"]
    assert isinstance(created["CreationDate"], (int, float))
    plaintext = b64encode(b"card 4242").decode()
    sealed = parsed(send(lab, "Encrypt", {"KeyId": created["KeyId"], "Plaintext": plaintext}))
    assert b64decode(sealed["CiphertextBlob"]).startswith(b"kmslab")
    opened = parsed(send(lab, "Decrypt", {"CiphertextBlob": sealed["CiphertextBlob"]}))
    assert opened["Plaintext"] == plaintext
    assert opened["KeyId"] == created["Arn"]


def test_an_answer_has_the_headers_of_aws(lab: Lab) -> None:
    answer = send(lab, "ListKeys", b"{}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cache-Control"] == "no-cache, no-store, must-revalidate, private"
    assert (answer.headers["Expires"], answer.headers["Pragma"]) == ("0", "no-cache")
    assert UUID(answer.headers["x-amzn-RequestId"])
    assert parsedate_to_datetime(answer.headers["Date"]).tzinfo is not None


def test_an_operation_without_output_answers_with_an_empty_body(lab: Lab) -> None:
    key = lab.create_cmk()
    answer = send(lab, "DisableKey", {"KeyId": key.id})
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


def test_an_empty_body_is_an_empty_request(lab: Lab) -> None:
    assert parsed(send(lab, "ListKeys", b""))["Truncated"] is False


def test_text_beyond_ascii_comes_back_as_it_was(lab: Lab) -> None:
    description = "진료 기록 🗝"
    created = parsed(send(lab, "CreateKey", {"Description": description}))
    assert created["KeyMetadata"]["Description"] == description


# --------------------------------------------------------------------------------------- errors


def test_an_error_is_its_type_and_message_with_status_400(lab: Lab) -> None:
    answer = send(lab, "DescribeKey", {"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"})
    assert answer.status == 400
    arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert parsed(answer) == {
        "__type": "NotFoundException",
        "message": f"Key '{arn}' does not exist",
    }


def test_an_error_without_text_has_no_message(lab: Lab) -> None:
    answer = send(lab, "Decrypt", {"CiphertextBlob": b64encode(b"not a blob").decode()})
    assert parsed(answer) == {"__type": "InvalidCiphertextException"}


def test_every_answer_carries_the_request_id_of_its_event(lab: Lab) -> None:
    refused = send(lab, "DescribeKey", {"KeyId": "alias/nobody"})
    answered = send(lab, "ListKeys", {})
    ids = [answer.headers["x-amzn-RequestId"] for answer in (refused, answered)]
    assert [event["requestID"] for event in lab.trail[-2:]] == ids


@for_every("name", sorted(EXCEPTIONS))
def test_the_status_says_whose_fault_it_was(name: str) -> None:
    answer = wire.refusal(EXCEPTIONS[name]("Words"), "an id")
    service_failed = (
        "KMSInternalException",
        "DependencyTimeoutException",
        "KeyUnavailableException",
    )
    assert answer.status == (500 if name in service_failed else 400)
    assert parsed(answer) == {"__type": name, "message": "Words"}


@for_every(
    "target",
    [
        "",
        "ListKeys",
        "TrentService",
        "TrentService.",
        "TrentService.NoSuchThing",
        "TrentService.listkeys",
        "trentservice.ListKeys",
        "TrentService.TrentService.ListKeys",
        "DynamoDB_20120810.ListTables",
        "TrentService.DeleteKey",  # the service's own act, which no caller can name
        "TrentService.RotateKey",
        "TrentService.열쇠",
    ],
)
def test_an_unknown_target_is_an_unknown_operation(lab: Lab, target: str) -> None:
    answer = handle(lab.service, lab.caller, target, b"{}")
    assert (answer.status, parsed(answer)) == (400, {"__type": "UnknownOperationException"})


@for_every(
    "body",
    [
        b"{",
        b"nonsense",
        b"[]",
        b"null",
        b"5",
        b'"KeyId"',
        b"{} {}",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        '{"Limit": 5}'.encode("utf-16"),
        b'{"Limit": NaN}',
        b'{"Limit": -Infinity}',
        b'{"Limit": "5"}',
        b'{"Limit": 5.0}',
        b'{"Limit": 1e400}',
        b'{"Limit": ' + b"9" * 5000 + b"}",
        b'{"Limit": {"a": 5}}',
        b'{"Marker": "\\ud800"}',
        b'{"ResourceOwners": "SELF"}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x": ' + b'{"x":' * 100_000 + b"1" + b"}" * 100_001,
    ],
)
def test_a_body_that_is_no_request_is_a_serialization_exception(lab: Lab, body: bytes) -> None:
    answer = send(lab, "ListKeys", body)
    assert (answer.status, parsed(answer)["__type"]) == (400, "SerializationException")


# ------------------------------------------------------------------------------------ our faults


def test_a_failure_inside_is_logged_and_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise ZeroDivisionError("the inside of the service")

    with Lab(ids=broken) as lab:
        answer = send(lab, "CreateKey")
    assert answer.status == 500
    assert parsed(answer)["__type"] == "KMSInternalException"
    assert "inside of" not in answer.body.decode()
    assert "the inside of the service" in caplog.text


def test_an_answer_that_breaks_the_contract_is_logged_and_not_sent(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    class Mistaken:
        def call(self, name: str, caller: Any, request: Any, request_id: str) -> dict[str, Any]:
            return {"Keys": "the inside of the service"}

    answer = handle(Mistaken(), lab.caller, "TrentService.ListKeys", b"{}")  # type: ignore[arg-type]
    assert (answer.status, parsed(answer)) == (500, {"__type": "KMSInternalException"})
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# ------------------------------------------------------------------------------ whatever comes in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@st.composite
def bodies(draw: st.DrawFn, name: str) -> bytes:
    """Any bytes, or JSON with some of the operation's members and any values."""
    shape = MODEL.operations[name].input
    assert shape
    members = st.fixed_dictionaries({}, optional=dict.fromkeys(shape.members, JSON))
    if draw(st.booleans()):
        return draw(st.binary(max_size=40))
    return json.dumps(draw(members)).encode()


@given(st.data())
def test_whatever_comes_in_a_documented_answer_goes_out(lab: Lab, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(MODEL.operations)))
    answer = send(lab, name, data.draw(bodies(name)))
    assert answer.status in (200, 400)
    if answer.status == 400:
        common = {"ValidationException", "SerializationException", "UnsupportedOperationException"}
        assert parsed(answer)["__type"] in common | set(MODEL.operations[name].errors)
