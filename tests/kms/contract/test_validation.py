"""Every invalid value of every member of every operation, against AWS's whole text."""

import re
from pathlib import Path
from typing import Any

import pytest

from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.validation import PRINTED_ORDER
from tests.cases import for_every
from tests.kms.contract.oracle import (
    OPERATIONS,
    SHAPES,
    Fault,
    faults,
    mismatches,
    put,
    request,
    sentences,
    serialization_text,
)

FAULTS = [fault for operation in OPERATIONS for fault in faults(operation)]
MISMATCHES = [mismatch for operation in OPERATIONS for mismatch in mismatches(operation)]
LISTED = Path(__file__).parents[2] / "guessed_texts.txt"

# Texts of AWS's own answers, from public reports of ValidationException.
PUBLISHED = (
    *(
        f"Value '<value>' at '<member>' failed to satisfy constraint: Member must {demand}"
        for demand in (
            "satisfy enum value set: [<values>]",
            "have length less than or equal to <number>",
            "have length greater than or equal to <number>",
            "have value less than or equal to <number>",
            "have value greater than or equal to <number>",
            "satisfy regular expression pattern: <pattern>",
        )
    ),
    *(
        f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
        for place in ("<name>", "<name>.<name>", "<name>.<number>.member.<name>")
    ),
)


def failure(operation: str, spoilt: dict[str, Any]) -> KMSError:
    with pytest.raises(KMSError) as caught:
        MODEL.operations[operation].check(spoilt)
    return caught.value


def expected(operation: str, spoilt: dict[str, Any]) -> str:
    found = sentences(OPERATIONS[operation]["input"]["shape"], spoilt)
    errors = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {errors} detected: {'; '.join(found)}"


@for_every("operation", OPERATIONS)
def test_a_valid_request_passes_unchanged(operation: str) -> None:
    whole = request(operation)
    checked = MODEL.operations[operation].check(whole)
    assert checked == whole
    assert checked is not whole


@for_every("operation", OPERATIONS)
def test_a_request_with_only_the_required_members_passes(operation: str) -> None:
    required = MODEL.operations[operation].input.required  # type: ignore[union-attr]
    least = {name: value for name, value in request(operation).items() if name in required}
    assert MODEL.operations[operation].check(least) == least


@for_every("fault", FAULTS, ids=str)
def test_a_forbidden_value_gets_the_whole_text_of_aws(fault: Fault) -> None:
    error = failure(fault.operation, fault.request)
    assert error.code == "ValidationException"
    assert error.message == expected(fault.operation, fault.request)


@for_every("mismatch", MISMATCHES, ids=str)
def test_a_value_of_a_wrong_type_is_a_serialization_exception(mismatch: Fault) -> None:
    error = failure(mismatch.operation, mismatch.request)
    assert (error.code, error.message) == ("SerializationException", serialization_text(mismatch))


@for_every("operation", OPERATIONS)
def test_two_violations_are_reported_together_in_the_order_of_the_model(operation: str) -> None:
    spoilt = request(operation)
    both = list({fault.path[0]: fault for fault in faults(operation)}.values())[-2:]
    for fault in reversed(both):
        spoilt = put(spoilt, fault.path, fault.value)
    error = failure(operation, dict(reversed(spoilt.items())))
    assert error.message == expected(operation, spoilt)
    assert int(error.message.split()[0]) >= len(both)


@for_every("operation", OPERATIONS)
def test_each_missing_member_is_named(operation: str) -> None:
    if sentences(OPERATIONS[operation]["input"]["shape"], {}):
        assert failure(operation, {}).message == expected(operation, {})
    else:
        assert MODEL.operations[operation].check({}) == {}


@for_every(
    ("operation", "spoilt", "text"),
    [
        (
            "Encrypt",
            {"KeyId": "x", "Plaintext": b"x" * 4097},
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
            "Member must have length less than or equal to 4096",
        ),
        (
            "DescribeKey",
            {"KeyId": ""},
            "1 validation error detected: Value '' at 'keyId' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "GenerateDataKey",
            {"KeySpec": "AES_512"},
            "2 validation errors detected: "
            "Value null at 'keyId' failed to satisfy constraint: Member must not be null; "
            "Value 'AES_512' at 'keySpec' failed to satisfy constraint: "
            "Member must satisfy enum value set: [AES_256, AES_128]",
        ),
        (
            "ListKeys",
            {"Limit": 1001},
            "1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000",
        ),
        (
            "TagResource",
            {"KeyId": "x", "Tags": [{"TagKey": "a", "TagValue": "b"}, {"TagKey": ""}]},
            "2 validation errors detected: "
            "Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1; "
            "Value null at 'tags.2.member.tagValue' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            "Encrypt",
            {"KeyId": "x", "Plaintext": b"x", "EncryptionContext": {"a": "b", "c": None}},
            "1 validation error detected: Value '{a=b, c=null}' at 'encryptionContext' failed to "
            "satisfy constraint: Map value must satisfy constraint: [Member must not be null]",
        ),
    ],
)
def test_texts_that_a_reader_can_compare(operation: str, spoilt: dict[str, Any], text: str) -> None:
    assert failure(operation, spoilt).message == text


def test_a_pattern_means_ascii_and_the_whole_value() -> None:
    check = MODEL.operations["ReplicateKey"].check
    for region in ("eu-west-1\n", "eu-west-１", "see eu-west-1"):
        with pytest.raises(KMSError, match="regular expression pattern"):
            check({"KeyId": "x", "ReplicaRegion": region})


# ----------------------------------------------------------------------------- what is accepted


def test_blobs_may_be_anything_that_holds_bytes() -> None:
    for blob in (b"card", bytearray(b"card"), memoryview(b"card"), "card"):
        checked = MODEL.operations["Encrypt"].check({"KeyId": "x", "Plaintext": blob})
        assert checked["Plaintext"] == b"card"
        assert isinstance(checked["Plaintext"], bytes)


def test_none_and_unknown_members_are_dropped() -> None:
    checked = MODEL.operations["ListKeys"].check({"Limit": None, "Colour": "red", "Marker": "m"})
    assert checked == {"Marker": "m"}


def test_half_a_surrogate_pair_is_not_a_string() -> None:
    assert failure("DescribeKey", {"KeyId": "\ud800"}).code == "SerializationException"
    assert failure("Encrypt", {"KeyId": "x", "Plaintext": "\ud800"}).code == (
        "SerializationException"
    )


def test_a_note_names_the_member_of_a_wrong_type() -> None:
    recipient = {"AttestationDocument": 5}
    error = failure("Decrypt", {"CiphertextBlob": b"x", "Recipient": recipient})
    assert error.__notes__ == ["The member is Recipient.AttestationDocument."]


@pytest.mark.parametrize("name", PRINTED_ORDER)
def test_order_in_which_aws_prints_an_enum_has_every_value_of_the_model(name: str) -> None:
    assert sorted(PRINTED_ORDER[name]) == sorted(SHAPES[name]["enum"])


def test_mac_algorithms_are_listed_in_the_order_of_aws() -> None:
    error = failure("GenerateMac", {"KeyId": "x", "Message": b"x", "MacAlgorithm": "HMAC_SHA_1"})
    assert str(error).endswith(
        "Member must satisfy enum value set: "
        "[HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]"
    )


# ------------------------------------------------------------------------- published or guessed


def listed() -> list[str]:
    """The contract's forms in the list of guessed texts."""
    lines = [line for line in LISTED.read_text("utf-8").splitlines() if line[:1] not in ("", "#")]
    rows = [line.split(" | ") for line in lines]
    assert all(len(row) == 3 for row in rows), "a line is: where | form | why"
    return [form for where, form, _ in rows if where == "contract"]


def pattern(form: str) -> re.Pattern[str]:
    """A form as a regular expression; a name or a number matches one step of a path."""
    kinds = {"<name>": r"\w+", "<number>": r"\d+", "<member>": r"[\w.]+"}
    pieces = re.split(r"(<\w+>)", form)
    return re.compile("".join(kinds.get(p, ".*") if p[:1] == "<" else re.escape(p) for p in pieces))


def test_every_text_is_published_by_aws_or_listed_as_guessed() -> None:
    published = [pattern(form) for form in PUBLISHED]
    guessed = {form: pattern(form) for form in listed()}
    used = set()
    shapes = {name: operation["input"]["shape"] for name, operation in OPERATIONS.items()}
    texts = {text for f in FAULTS for text in sentences(shapes[f.operation], f.request)}
    for text in sorted(texts | {serialization_text(mismatch) for mismatch in MISMATCHES}):
        if any(form.fullmatch(text) for form in published):
            continue
        matching = {name for name, form in guessed.items() if form.fullmatch(text)}
        assert matching, f"neither published nor listed in {LISTED.name}: {text[:300]}"
        used |= matching
    assert used == set(guessed), "the list names a form that nothing says any more"
