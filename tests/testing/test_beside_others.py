"""kmslab beside what else a test suite uses: moto, asyncio, several processes, type checkers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from kmslab import Lab
from kmslab.endpoint.server import running
from kmslab.testing import aws_environment, patched_boto3

ROOT = Path(__file__).parents[2]
# What docs/testing.md names: moto leaves KMS alone, and the credentials that it finds.
BESIDE_AN_ENDPOINT: Any = {
    "core": {"passthrough": {"services": ["kms"]}, "mock_credentials": False}
}


def bucket() -> list[str]:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="scans")
    return [each["Name"] for each in s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize("first", ["moto", "kmslab"])
def test_moto_has_the_other_services_and_the_lab_has_kms(first: str):
    outer, inner = (mock_aws, patched_boto3) if first == "moto" else (patched_boto3, mock_aws)
    with outer() as one, inner() as two:
        lab = two if first == "moto" else one
        key = boto3.client("kms", region_name="us-east-1").create_key()["KeyMetadata"]
        assert lab.cmk(key["Arn"]).id == key["KeyId"]
        assert bucket() == ["scans"]


def test_moto_that_leaves_kms_alone_goes_with_an_endpoint():
    with Lab() as lab, running(lab) as endpoint, aws_environment(endpoint.environment):
        with mock_aws(config=BESIDE_AN_ENDPOINT):
            key = boto3.client("kms").create_key()["KeyMetadata"]
            assert bucket() == ["scans"]
        assert lab.cmk(key["Arn"]).id == key["KeyId"]


def test_documentation_names_the_settings_that_were_tried():
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    assert "mock_aws(config=" + str(BESIDE_AN_ENDPOINT).replace("'", '"') + ")" in page


def test_region_may_be_another_than_the_first():
    with patched_boto3(region="eu-central-1") as lab:
        lab.create_cmk("orders")
        kms = boto3.client("kms", region_name="eu-central-1")
        blob = kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["CiphertextBlob"]
        assert boto3.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        assert lab.trail[-1]["awsRegion"] == "eu-central-1"


def test_region_of_a_lab_of_ones_own_is_a_view():
    with Lab() as lab, patched_boto3(lab, region="eu-central-1") as there:
        boto3.client("kms").create_key()
        assert len(there.kms.list_keys()["Keys"]) == 1
        assert lab.kms.list_keys()["Keys"] == []


def test_a_client_of_a_lab_stays_with_that_lab():
    with Lab() as lab, patched_boto3() as other:
        lab.boto3().create_key()
        assert len(lab.kms.list_keys()["Keys"]) == 1
        assert other.kms.list_keys()["Keys"] == []


APPLICATION = """
from typing import assert_type

from kmslab import Lab
from kmslab.endpoint.server import Endpoint
from kmslab.lab.view import View
from kmslab.testing import patched_boto3


def save(lab: Lab, record: bytes) -> bytes:
    orders = lab.create_cmk("orders")
    return orders.encrypt(record, context={"order": "17"})


def test_saving(kms_lab: Lab, kms_endpoint: Endpoint) -> None:
    assert_type(kms_endpoint.url, str)
    assert kms_lab.decrypt(save(kms_lab, b"x"), context={"order": "17"}) == b"x"


def test_patched() -> None:
    with patched_boto3() as lab:
        assert_type(lab, Lab)
        with patched_boto3(lab.user("alice")) as alice:
            assert_type(alice, View)
        with patched_boto3(lab, region="eu-west-1") as there:
            assert_type(there, View)
"""


@pytest.mark.long
def test_an_application_that_uses_the_fixtures_passes_mypy_strictly(tmp_path: Path):
    program = tmp_path / "test_application.py"
    program.write_text(APPLICATION, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", str(program)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout.splitlines()[-1:]) == (
        0,
        ["Success: no issues found in 1 source file"],
    ), run.stdout
