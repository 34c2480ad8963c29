"""No secret in any member of any operation reaches an event or an error's text."""

import json
from base64 import b64encode
from datetime import datetime
from typing import Any

import pytest

from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from tests.cases import for_every
from tests.kms.contract.oracle import OPERATIONS, SHAPES, example, faults, is_secret, put, shape_at

MARKER = b"Marker5ecret"
FORMS = (MARKER.decode(), b64encode(MARKER).decode(), MARKER.hex())
ENDS = [
    (name, end) for name in OPERATIONS for end in ("input", "output") if end in OPERATIONS[name]
]


def hidden(text: str) -> bool:
    return not any(form in text for form in FORMS)


def redacted(name: str, end: str, value: dict[str, Any]) -> dict[str, Any]:
    operation = MODEL.operations[name]
    return operation.redact(value) if end == "input" else operation.redact_answer(value)


@for_every(("name", "end"), ENDS)
def test_an_event_keeps_everything_but_the_secrets(name: str, end: str) -> None:
    shape = OPERATIONS[name][end]["shape"]
    kept = redacted(name, end, example(shape, secret=MARKER))
    assert hidden(json.dumps(kept))
    assert kept == (without_secrets(shape, example(shape)) or {})


def without_secrets(name: str, value: Any) -> Any:
    """CloudTrail's form of a value, worked out from botocore's model."""
    shape = SHAPES[name]
    if shape["type"] == "list":
        element = shape["member"]["shape"]
        return None if is_secret(element) else [without_secrets(element, item) for item in value]
    if shape["type"] != "structure":
        return "Jan 5, 2026, 8:30:15 AM" if shape["type"] == "timestamp" else value
    kept = {}
    for member, target in shape["members"].items():
        inside = without_secrets(target["shape"], value[member])
        if is_secret(target["shape"]) or inside is None:
            continue
        camel = member if member == "AWSAccountId" else member[0].lower() + member[1:]
        kept[camel] = inside
    return kept or None if shape["members"] else kept


@for_every("name", OPERATIONS)
def test_an_error_never_repeats_a_secret(name: str) -> None:
    whole = example(OPERATIONS[name]["input"]["shape"])
    for fault in faults(name):
        if not is_secret(shape_at(fault)) or fault.value is None:
            continue
        spoilt = MARKER * 30_000 if isinstance(fault.value, bytes) else MARKER.decode() * 800
        for wrong in (spoilt, [spoilt], {spoilt: spoilt}):
            with pytest.raises(KMSError) as caught:
                MODEL.operations[name].check(put(whole, fault.path, wrong))
            assert hidden(repr(caught.value) + "".join(caught.value._render_traceback_()))


def test_a_request_that_cannot_be_read_leaves_nothing_in_the_event() -> None:
    redact = MODEL.operations["Encrypt"].redact
    assert redact({"KeyId": MARKER, "Plaintext": MARKER}) == {}
    assert redact({"keyid": MARKER.decode(), "plaintext": MARKER}) == {}


def test_the_encryption_context_is_logged_in_clear() -> None:
    request = {"KeyId": "alias/orders", "EncryptionContext": {"PatientId": "17"}}
    assert MODEL.operations["GenerateDataKey"].redact(request) == {
        "keyId": "alias/orders",
        "encryptionContext": {"PatientId": "17"},
    }


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2022-08-10T22:38:27+00:00", "Aug 10, 2022, 10:38:27 PM"),
        ("2026-01-01T00:00:05+00:00", "Jan 1, 2026, 12:00:05 AM"),
        ("2026-01-01T12:00:00+00:00", "Jan 1, 2026, 12:00:00 PM"),
        ("2026-01-01T21:00:00+09:00", "Jan 1, 2026, 12:00:00 PM"),
    ],
)
def test_dates_in_an_event_have_cloudtrails_form(moment: str, shown: str) -> None:
    request = {"KeyId": "x", "ValidTo": datetime.fromisoformat(moment)}
    assert MODEL.operations["ImportKeyMaterial"].redact(request)["validTo"] == shown
