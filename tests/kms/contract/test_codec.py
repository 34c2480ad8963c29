"""Values over the wire: kmslab reads what botocore writes, and botocore what kmslab writes."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from tests.cases import for_every
from tests.kms.contract.oracle import OPERATIONS, SERVICE, SHAPES, example

MODEL_OF_BOTOCORE = ServiceModel(SERVICE, "kms")
WITH_OUTPUT = [name for name, operation in OPERATIONS.items() if "output" in operation]

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=8),
    "integer": st.integers(min_value=-(2**31), max_value=2**31 - 1),
    "boolean": st.booleans(),
    "blob": st.binary(max_size=8),
    "timestamp": MOMENTS,
}


def values(name: str) -> st.SearchStrategy[Any]:
    """Any value of a shape's type; members may be missing."""
    shape = SHAPES[name]
    match shape["type"]:
        case "structure":
            members = {m: values(t["shape"]) for m, t in shape["members"].items()}
            return st.fixed_dictionaries({}, optional=members)
        case "list":
            return st.lists(values(shape["member"]["shape"]), max_size=2)
        case "map":
            return st.dictionaries(st.text(max_size=8), values(shape["value"]["shape"]), max_size=2)
        case leaf:
            return LEAVES[leaf]


REQUESTS = {name: values(op["input"]["shape"]) for name, op in OPERATIONS.items()}
ANSWERS = {name: values(OPERATIONS[name]["output"]["shape"]) for name in WITH_OUTPUT}


def written_by_botocore(name: str, request: dict[str, Any]) -> Any:
    serializer = create_serializer("json", include_validation=False)
    sent = serializer.serialize_to_request(request, MODEL_OF_BOTOCORE.operation_model(name))
    return json.loads(sent["body"])


def read_by_botocore(name: str, body: dict[str, Any]) -> dict[str, Any]:
    shape = MODEL_OF_BOTOCORE.operation_model(name).output_shape
    answer = {"status_code": 200, "headers": {}, "body": json.dumps(body).encode()}
    parsed: dict[str, Any] = create_parser("json").parse(answer, shape)
    parsed.pop("ResponseMetadata")
    return parsed


@given(st.data())
def test_a_request_written_by_botocore_is_read_back(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(REQUESTS)))
    request = data.draw(REQUESTS[name])
    assert MODEL.operations[name].decode(written_by_botocore(name, request)) == request


@given(st.data())
def test_an_answer_is_read_back_by_botocore(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(ANSWERS)))
    answer = data.draw(ANSWERS[name])
    assert read_by_botocore(name, MODEL.operations[name].encode(answer)) == answer


@for_every("name", OPERATIONS)
def test_a_whole_request_and_a_whole_answer_survive_the_wire(name: str) -> None:
    operation = MODEL.operations[name]
    request = example(OPERATIONS[name]["input"]["shape"])
    assert operation.decode(written_by_botocore(name, request)) == request
    assert operation.check(operation.decode(written_by_botocore(name, request))) == request
    if name in WITH_OUTPUT:
        answer = example(OPERATIONS[name]["output"]["shape"])
        assert read_by_botocore(name, operation.encode(answer)) == answer
    else:
        assert operation.encode({}) == {}


def test_what_is_null_or_unknown_is_left_out() -> None:
    assert MODEL.operations["ListKeys"].decode({"Limit": None, "Colour": "red"}) == {}
    assert MODEL.operations["Encrypt"].encode({"KeyId": "x", "CiphertextBlob": None}) == {
        "KeyId": "x"
    }


def test_timestamps_are_seconds_with_milliseconds() -> None:
    def encoded(moment: datetime) -> Any:
        answer = {"KeyId": "x", "DeletionDate": moment}
        return MODEL.operations["ScheduleKeyDeletion"].encode(answer)["DeletionDate"]

    assert encoded(datetime(2026, 1, 5, tzinfo=UTC)) == 1767571200
    assert encoded(datetime(2026, 1, 5, 0, 0, 0, 250_999, tzinfo=UTC)) == 1767571200.25
    seoul = timezone(timedelta(hours=9))
    assert encoded(datetime(2026, 1, 5, 9, tzinfo=seoul)) == 1767571200
    assert json.dumps(encoded(datetime(2026, 1, 5, tzinfo=UTC))) == "1767571200"


@for_every(
    ("operation", "body"),
    [
        ("Encrypt", []),
        ("Encrypt", "KeyId"),
        ("Encrypt", None),
        ("Encrypt", {"KeyId": 5}),
        ("Encrypt", {"Plaintext": "no base64!"}),
        ("Encrypt", {"Plaintext": "YQ"}),
        ("Encrypt", {"Plaintext": "YQ==YQ=="}),
        ("Encrypt", {"Plaintext": "ＹＱ＝＝"}),
        ("Encrypt", {"Plaintext": "\ud800"}),
        ("Encrypt", {"KeyId": "\ud800"}),
        ("Encrypt", {"Plaintext": 5}),
        ("Encrypt", {"EncryptionContext": {"a": {}}}),
        ("ListKeys", {"Limit": 10**400}),
        ("ListKeys", {"Limit": "10"}),
        ("ImportKeyMaterial", {"ValidTo": float("nan")}),
        ("ImportKeyMaterial", {"ValidTo": float("inf")}),
        ("ImportKeyMaterial", {"ValidTo": 1e300}),
        ("ImportKeyMaterial", {"ValidTo": 10**400}),
        ("ImportKeyMaterial", {"ValidTo": "2026-01-05T00:00:00Z"}),
        ("ImportKeyMaterial", {"ValidTo": True}),
    ],
)
def test_a_body_of_wrong_types_is_a_serialization_exception(operation: str, body: Any) -> None:
    with pytest.raises(KMSError) as caught:
        MODEL.operations[operation].decode(body)
    assert caught.value.code == "SerializationException"


def test_an_answer_of_a_wrong_type_is_our_bug() -> None:
    with pytest.raises(TypeError):
        MODEL.operations["Encrypt"].encode({"KeyId": b"x"})
