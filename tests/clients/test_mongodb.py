"""MongoDB's client-side field level encryption: libmongocrypt asks the KMS by itself, over TLS."""

from pathlib import Path
from typing import Any

import pytest

from kmslab.endpoint.server import running
from tests.clients.outside import Outside

pytestmark = pytest.mark.long

PROGRAM = Path(__file__).parent / "programs" / "field_encryption.py"


@pytest.fixture(scope="module")
def key(lab):
    return lab.create_cmk("records")


@pytest.fixture(scope="module")
def told(lab, key, programs, tmp_path_factory) -> Any:
    with running(lab, self_signed=True) as endpoint:
        machine = Outside(tmp_path_factory.mktemp("home"), endpoint.environment)
        return machine.told(programs / "python", PROGRAM, key.arn)


def test_fields_are_encrypted_and_decrypted_by_a_program_that_has_not_the_data_key_yet(told):
    assert told["opened"] == ["card 4242", "환자"]
    assert b"card 4242" not in bytes.fromhex(told["sealed"][0])
    assert told["provider"] == "aws"


def test_the_data_key_is_wrapped_and_unwrapped_by_the_kms(told, lab, key):
    used = [e for e in lab.trail if e["eventName"] in ("Encrypt", "Decrypt")]
    done = [e["eventName"] for e in used if "errorCode" not in e]
    assert done == ["Encrypt", *["Decrypt"] * (len(done) - 1)]
    assert used[-1]["resources"][0]["ARN"] == key.arn


def test_a_refusal_is_read_as_one_of_aws(told, key):
    assert "HTTP status=400" in told["refused"]
    unknown = key.arn[:-36] + "00000000-0000-4000-8000-000000000000"
    assert f"Key '{unknown}' does not exist" in told["refused"]
