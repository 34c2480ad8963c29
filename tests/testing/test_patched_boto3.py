"""`patched_boto3()`: all KMS clients of the process call the lab, and everything is restored."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.exceptions
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from kmslab import Lab
from kmslab.kms.access import allow
from kmslab.testing import UNSET, patched_boto3

KEYS = {"aws_access_key_id": "AKIAFOREIGN", "aws_secret_access_key": "x" * 40}


@pytest.fixture(autouse=True)
def bare(monkeypatch: Any, tmp_path: Any) -> None:
    """A machine without any AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_client_needs_no_settings_of_the_machine():
    with patched_boto3() as lab:
        kms = boto3.client("kms")
        key = kms.create_key()["KeyMetadata"]
        assert lab.cmk(key["KeyId"]).arn == key["Arn"]
        blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        assert boto3.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_clients_of_other_sessions_and_those_that_exist_already_ask_the_lab_too():
    old = boto3.Session(region_name="eu-west-1", **KEYS).client("kms")
    raw = botocore.session.get_session()
    raw.set_credentials("AKIAFOREIGN", "x" * 40)
    with patched_boto3() as lab:
        clients = [old, raw.create_client("kms", "eu-west-1"), boto3.Session().client("kms")]
        arns = [client.create_key()["KeyMetadata"]["Arn"] for client in clients]
        assert [arn.split(":")[3] for arn in arns] == ["eu-west-1", "eu-west-1", "us-east-1"]
        assert len(lab.region("eu-west-1").kms.list_keys()["Keys"]) == 2


def test_threads_that_run_meanwhile_ask_the_lab_too():
    with patched_boto3() as lab, ThreadPoolExecutor(4) as pool:
        kms = boto3.client("kms")
        list(pool.map(lambda _: kms.create_key(), range(8)))
        assert len(lab.kms.list_keys()["Keys"]) == 8


def test_errors_and_paginators_are_botocores():
    with patched_boto3() as lab:
        for name in ("a", "b", "c"):
            lab.create_cmk(name)
        kms = boto3.client("kms")
        pages = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 1})
        listed = [each["AliasName"] for page in pages for each in page["Aliases"]]
        assert [name for name in listed if not name.startswith("alias/aws/")] == [
            "alias/a",
            "alias/b",
            "alias/c",
        ]
        with pytest.raises(kms.exceptions.NotFoundException):
            kms.describe_key(KeyId="alias/none")


def test_caller_is_the_signing_keys_owner_or_the_labs_own():
    with Lab() as lab:
        alice = lab.user("alice", allow("kms:CreateKey"))
        pair = alice.access_key()
        with patched_boto3(lab):
            keys = {"aws_access_key_id": pair.id, "aws_secret_access_key": pair.secret.decode()}
            boto3.client("kms", **keys).create_key()
            boto3.client("kms", **KEYS).list_keys()
            boto3.client("kms", config=Config(signature_version=UNSIGNED)).list_keys()
        who = [event["userIdentity"]["arn"].rpartition(":")[2] for event in lab.trail]
        assert who == ["user/alice", "root", "root"]


def test_view_of_a_lab_is_the_caller():
    with Lab() as lab, patched_boto3(lab.role("reader").region("eu-west-1")):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            boto3.client("kms").list_keys()
        assert "assumed-role/reader/lab is not authorized" in str(caught.value)


def test_other_services_are_left_alone():
    with patched_boto3():
        nowhere = boto3.client("sts", endpoint_url="http://127.0.0.1:9", config=_once())
        with pytest.raises(botocore.exceptions.EndpointConnectionError):
            nowhere.get_caller_identity()


def test_afterwards_everything_is_as_it_was():
    environment, client = dict(os.environ), boto3.client("kms", "us-east-1", **KEYS)
    session = boto3.DEFAULT_SESSION
    os.environ["AWS_PROFILE"] = environment["AWS_PROFILE"] = "mine"
    with patched_boto3():
        assert not set(UNSET) & set(os.environ)
        assert boto3.DEFAULT_SESSION is None
        boto3.client("kms")
    assert dict(os.environ) == environment
    assert boto3.DEFAULT_SESSION is session
    del os.environ["AWS_PROFILE"]
    lost = boto3.client(
        "kms", "us-east-1", endpoint_url="http://127.0.0.1:9", config=_once(), **KEYS
    )
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        lost.list_keys()
    assert client.meta.region_name == "us-east-1"


def test_inner_lab_counts_until_it_ends():
    with patched_boto3() as outer:
        with patched_boto3() as inner:
            boto3.client("kms").create_key()
        boto3.client("kms").create_key()
        boto3.client("kms").create_key()
        assert len(outer.kms.list_keys()["Keys"]) == 2
    with pytest.raises(Exception, match="closed"):
        inner.kms.list_keys()


def _once() -> Config:
    return Config(retries={"total_max_attempts": 1}, proxies={})
