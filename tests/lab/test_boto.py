"""boto3, unchanged: its checks, texts, exceptions and paginators, without settings or network."""

import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.session import Session

from kmslab import Lab
from kmslab.kms.access import allow
from kmslab.lab import boto
from tests.lab.boto_walk import every_operation

TWO = {"PageSize": 2}
MISSING = "1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


def refused(call: Callable[..., Any], **request: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value


def test_every_built_operation_answers_boto3(lab: Lab) -> None:
    every_operation(lab.boto3(), lab)


# ----------------------------------------------------------------------------------------- errors


def test_an_error_reads_as_boto3_writes_it(lab: Lab) -> None:
    error = refused(lab.boto3().describe_key, KeyId=MISSING)
    assert str(error) == (
        "An error occurred (NotFoundException) when calling the DescribeKey operation: "
        f"Key 'arn:aws:kms:us-east-1:111122223333:key/{MISSING}' does not exist"
    )


def test_an_error_without_text_leaves_boto3s_colon(lab: Lab) -> None:
    blob = lab.create_cmk().encrypt(b"card", context={"order": "17"})
    error = refused(lab.boto3().decrypt, CiphertextBlob=bytes(blob), EncryptionContext={})
    assert str(error) == (
        "An error occurred (InvalidCiphertextException) when calling the Decrypt operation: "
    )


def test_a_validation_error_reads_as_boto3_writes_it(lab: Lab) -> None:
    error = refused(lab.boto3().encrypt, KeyId="x", Plaintext=b"x" * 4097)
    assert str(error) == (
        "An error occurred (ValidationException) when calling the Encrypt operation: "
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
        "Member must have length less than or equal to 4096"
    )


def test_errors_are_the_clients_exception_classes(lab: Lab) -> None:
    kms = lab.boto3()
    key = lab.create_cmk("orders")
    key.disable()
    with pytest.raises(kms.exceptions.DisabledException) as disabled:
        kms.encrypt(KeyId=key.id, Plaintext=b"x")
    assert disabled.value.response["Error"]["Message"] == f"{key.arn} is disabled."
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId="alias/missing")
    with pytest.raises(kms.exceptions.AlreadyExistsException):
        kms.create_alias(AliasName="alias/orders", TargetKeyId=key.id)
    signer = lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    with pytest.raises(kms.exceptions.KMSInvalidSignatureException) as invalid:
        kms.verify(KeyId=signer.id, Message=b"x", Signature=b"y", SigningAlgorithm="ECDSA_SHA_256")
    assert str(invalid.value).endswith("when calling the Verify operation: ")
    with pytest.raises(kms.exceptions.UnsupportedOperationException):
        kms.enable_key_rotation(KeyId=signer.id)


def test_boto3_still_checks_what_it_sends(lab: Lab) -> None:
    with pytest.raises(ParamValidationError, match="KeyId"):
        lab.boto3().encrypt(Plaintext=b"x")


def test_only_a_failure_of_the_service_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", types.SimpleNamespace(sleep=waits.append))

    def broken() -> str:
        raise ZeroDivisionError

    with Lab(ids=broken) as lab:
        kms = lab.boto3()
        refused(kms.describe_key, KeyId=MISSING)
        assert waits == []
        error = refused(kms.create_key)
        assert "KMSInternalException" in str(error)
        assert "(reached max retries: 2)" in str(error)
        assert [event["eventName"] for event in lab.trail] == ["DescribeKey", *["CreateKey"] * 3]


# ------------------------------------------------------------------------------------- in and out


def test_paginators_walk_to_the_end(lab: Lab) -> None:
    kms = lab.boto3()
    keys = [lab.create_cmk(f"order-{number}").arn for number in range(7)]
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Keys"]) for page in pages] == [3, 3, 1]
    assert {entry["KeyArn"] for page in pages for entry in page["Keys"]} == set(keys)
    aliases = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2})
    names = {alias["AliasName"] for page in aliases for alias in page["Aliases"]}
    assert {f"alias/order-{number}" for number in range(7)} <= names
    policies = kms.get_paginator("list_key_policies").paginate(KeyId=keys[0])
    assert policies.build_full_result() == {"PolicyNames": ["default"]}
    kms.tag_resource(KeyId=keys[0], Tags=[{"TagKey": n, "TagValue": ""} for n in "edcba"])
    pages = kms.get_paginator("list_resource_tags").paginate(KeyId=keys[0], PaginationConfig=TWO)
    assert [tag["TagKey"] for page in pages for tag in page["Tags"]] == [*"abcde"]
    for _ in range(3):
        kms.rotate_key_on_demand(KeyId=keys[0])
    pages = list(
        kms.get_paginator("list_key_rotations").paginate(KeyId=keys[0], PaginationConfig=TWO)
    )
    assert [len(page["Rotations"]) for page in pages] == [2, 1]


def test_a_client_calls_as_its_caller_from_its_region(lab: Lab) -> None:
    alice = lab.user("alice", allow("kms:CreateKey")).region("eu-west-1")
    kms = alice.boto3()
    assert kms.meta.region_name == "eu-west-1"
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    assert arn.startswith("arn:aws:kms:eu-west-1:111122223333:key/")
    event = lab.trail[-1]
    assert event["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/alice"
    assert event["awsRegion"] == "eu-west-1"
    assert lab.boto3().list_keys()["Keys"] == []


def test_two_labs_in_one_process_stay_apart() -> None:
    with Lab() as one, Lab() as two:
        first, second = one.boto3(), two.boto3()
        first.create_key()
        assert len(first.list_keys()["Keys"]) == 1
        assert second.list_keys()["Keys"] == []


def test_one_client_serves_many_threads(lab: Lab) -> None:
    kms = lab.boto3()
    key = lab.create_cmk().id

    def round_trip(number: int) -> bytes:
        blob = kms.encrypt(KeyId=key, Plaintext=str(number).encode())["CiphertextBlob"]
        return bytes(kms.decrypt(CiphertextBlob=blob)["Plaintext"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(round_trip, range(64))) == [str(n).encode() for n in range(64)]


def test_without_boto3_the_error_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ModuleNotFoundError, match="pip install boto3"):
        boto.client(lab.service, lab.caller)


# -------------------------------------------------------------------------- a hostile environment

ALONE = textwrap.dedent("""
    import os, pathlib, sys

    TRAPS = pathlib.Path(os.environ["TRAPS"])
    # urllib3 makes a socket when it is imported, to see whether the machine knows IPv6.
    HARMLESS = ("socket.__new__", "socket.bind")
    touched = []

    def watch(event, arguments):
        if event.split(".")[0] in ("socket", "subprocess") and event not in HARMLESS:
            touched.append(event)
        if event == "open" and str(arguments[0]).startswith(str(TRAPS)):
            touched.append(arguments[0])

    from kmslab import Lab

    sys.addaudithook(watch)
    with Lab() as lab:
        kms = lab.boto3()
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        blob = kms.encrypt(KeyId=key, Plaintext=b"card")["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"card"
        assert kms.meta.region_name == "us-east-1"
        try:
            kms.describe_key(KeyId="alias/missing")
        except kms.exceptions.NotFoundException as error:
            print(error)
    assert not touched, touched
    """)


def traps(folder: Path) -> dict[str, str]:
    """An environment in which every variable that boto3 reads is wrong and every file is broken."""
    broken = folder / ".aws"
    model = broken / "models" / "kms" / "2014-11-01" / "service-2.json"
    model.parent.mkdir(parents=True)
    for path in (broken / "config", broken / "credentials", model, folder / ".boto"):
        path.write_text("[[[ broken", "utf-8")
    named = [names for _, names, _, _ in Session.SESSION_VARIABLES.values() if names]
    variables = [name for names in named for name in ([names] if isinstance(names, str) else names)]
    assert "AWS_PROFILE" in variables
    proxies = [f"{scheme}_proxy" for scheme in ("http", "https", "all")]
    return {
        **dict.fromkeys(variables, "stale"),
        **dict.fromkeys([*proxies, *map(str.upper, proxies)], "http://127.0.0.1:9"),
        **dict.fromkeys(["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS"], "http://127.0.0.1:9"),
        **dict.fromkeys(["HOME", "USERPROFILE", "TRAPS"], str(folder)),
        "AWS_CONFIG_FILE": str(broken / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken / "credentials"),
        "BOTO_CONFIG": str(folder / ".boto"),
        "AWS_DATA_PATH": str(broken / "models"),
        "AWS_CA_BUNDLE": str(folder / "missing.pem"),
        "REQUESTS_CA_BUNDLE": str(folder / "missing.pem"),
        "AWS_ACCESS_KEY_ID": "half a pair",
        "AWS_SESSION_TOKEN": "stale",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": "mars-north-1",
    }


def test_a_hostile_environment_changes_nothing_and_nothing_outside_is_touched(
    tmp_path: Path,
) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment = kept | traps(tmp_path) | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == (
        "An error occurred (NotFoundException) when calling the DescribeKey operation: "
        "Alias arn:aws:kms:us-east-1:111122223333:alias/missing is not found.\n"
    )
