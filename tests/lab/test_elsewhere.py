"""A handle on a key works alike through a lab's client, boto3's, and an endpoint."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

import kmslab
from kmslab import CMK, CiphertextBlob, Lab, SecretBytes, envelope, errors
from kmslab.endpoint.server import running
from kmslab.testing import aws_environment

ALIAS, CONTEXT = "alias/records", {"record": "R-017"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        lab.create_cmk("records")
        lab.create_cmk("reports", spec="ECC_NIST_P256", usage="SIGN_VERIFY")
        yield lab


@pytest.fixture(
    scope="module", params=["lab.kms", "lab.boto3()", "boto3 at an endpoint", "address"]
)
def kms(request: Any, lab: Lab) -> Iterator[Any]:
    with ExitStack() as stack:
        if request.param == "lab.kms":
            yield lab.kms
        elif request.param == "lab.boto3()":
            yield lab.boto3()
        else:
            served = stack.enter_context(running(lab))
            stack.enter_context(aws_environment(served.environment))
            yield served.url if request.param == "address" else boto3.client("kms")


@pytest.fixture
def records(kms: Any) -> CMK:
    return kmslab.key(kms, ALIAS)


def test_the_handle_is_of_the_key_that_was_named(lab: Lab, kms: Any, records: CMK) -> None:
    assert records == lab.cmk(ALIAS)
    assert (records.name, records.spec, records.usage) == (
        "records",
        "SYMMETRIC_DEFAULT",
        "ENCRYPT_DECRYPT",
    )
    assert kmslab.key(kms, records.arn) == kmslab.key(kms, records.id) == records


def test_it_encrypts_and_decrypts_with_and_without_a_context(lab: Lab, records: CMK) -> None:
    for context in (None, CONTEXT):
        blob = records.encrypt(b"record", context)
        assert isinstance(blob, CiphertextBlob)
        assert records.decrypt(blob, context) == records.lab.decrypt(blob, context) == b"record"
        assert lab.decrypt(blob, context) == b"record"


def test_its_secrets_are_not_shown(records: CMK) -> None:
    key = records.generate_data_key(CONTEXT)
    assert isinstance(key.plaintext, SecretBytes)
    assert isinstance(key.encrypted, CiphertextBlob)
    assert records.decrypt(key.encrypted, CONTEXT) == key.plaintext


def test_it_signs_and_its_public_key_is_the_labs(lab: Lab, kms: Any) -> None:
    reports = kmslab.key(kms, "alias/reports")
    signature = reports.sign(b"report")
    assert reports.verify(b"report", signature)
    assert reports.public_key() == lab.cmk("alias/reports").public_key()
    with pytest.raises(errors.KMSInvalidSignatureException):
        reports.verify(b"another", signature)


def test_its_life_is_managed_like_any_other_keys(lab: Lab, kms: Any) -> None:
    made = lab.create_cmk()
    key = kmslab.key(kms, made.arn)
    key.disable()
    with pytest.raises(errors.DisabledException, match="is disabled"):
        key.encrypt(b"record")
    key.enable()
    key.tag({"owner": "Sora"})
    assert (made.state, made.tags, key.tags) == ("Enabled", {"owner": "Sora"}, {"owner": "Sora"})
    assert key.policy == made.policy
    assert (str(key.rotations), str(key.grants)) == (str(made.rotations), str(made.grants))


def test_an_envelope_is_sealed_and_opened_by_it(records: CMK) -> None:
    message = envelope.encrypt(b"a long file", records, context=CONTEXT)
    assert envelope.decrypt(message, records).plaintext == b"a long file"


def test_an_unknown_key_raises_the_error_of_kmslab(kms: Any) -> None:
    with pytest.raises(errors.NotFoundException, match="alias/nothing is not found"):
        kmslab.key(kms, "alias/nothing")


def test_an_error_keeps_its_cause_and_request_id(lab: Lab) -> None:
    with pytest.raises(errors.NotFoundException) as caught:
        kmslab.key(lab.boto3(), "alias/nothing")
    assert type(caught.value.__cause__).__name__ == "NotFoundException"
    assert caught.value.request_id


def test_a_context_must_be_strings(records: CMK) -> None:
    with pytest.raises(TypeError, match="encryption context"):
        records.encrypt(b"record", {"record": 17})


def test_outside_a_lab_there_is_no_trail(lab: Lab) -> None:
    with pytest.raises(AttributeError, match="not a lab, and has no 'trail'"):
        _ = kmslab.key(lab.boto3(), ALIAS).lab.trail


@pytest.mark.parametrize("wrong", [None, 17, b"http://127.0.0.1", object()])
def test_what_is_not_a_client_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"such as boto3\.client\('kms'\) or lab\.kms"):
        kmslab.key(wrong, ALIAS)


def test_a_lost_connection_raises_boto3s_own_error(lab: Lab) -> None:
    with running(lab) as served, aws_environment(served.environment):
        key = kmslab.key(
            boto3.client("kms", config=Config(retries={"total_max_attempts": 1})), ALIAS
        )
    with pytest.raises(EndpointConnectionError):
        key.encrypt(b"record")
