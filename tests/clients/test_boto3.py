"""boto3 over a socket, as programs use it: every operation, every paginator, threads, retries."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from kmslab import CMK, Lab
from kmslab.endpoint.server import Endpoint, running
from tests.lab.boto_walk import every_operation

pytestmark = pytest.mark.long

ALICE = "arn:aws:iam::111122223333:user/alice"


def client_of(endpoint: Endpoint, **options: Any) -> Any:
    """Only the service in its environment is of a lab: no file, no other place."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("HOME", os.devnull)
        for name, text in endpoint.environment.items():
            patch.setenv(name, text)
        return boto3.session.Session().client("kms", config=Config(**options))


@pytest.fixture(scope="module")
def kms(endpoint: Endpoint) -> Any:
    return client_of(endpoint)


def test_every_operation_that_is_built_answers(tmp_path) -> None:
    with Lab(store=f"sqlite:///{tmp_path}/lab.db") as lab, running(lab) as endpoint:
        every_operation(client_of(endpoint), lab)


def test_one_endpoint_holds_a_multi_region_key_of_two_regions(kms, endpoint, lab) -> None:
    """The Region stands in the signature of a request, so each client calls in its own."""
    abroad = client_of(endpoint, region_name="eu-west-1")
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    replica = kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1", Description="abroad")
    arn = replica["ReplicaKeyMetadata"]["Arn"]
    assert abroad.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == arn
    blob = kms.encrypt(KeyId=key, Plaintext=b"card")["CiphertextBlob"]
    with pytest.raises(ClientError) as refused:
        abroad.decrypt(CiphertextBlob=blob)
    assert refused.value.response["Error"] == {
        "Code": "KMSInvalidStateException",
        "Message": f"{arn} is creating.",
    }
    lab.clock.advance(seconds=2)
    opened = abroad.decrypt(CiphertextBlob=blob, KeyId=key)
    assert (opened["KeyId"], opened["Plaintext"]) == (arn, b"card")
    with pytest.raises(ClientError, match="already exists"):
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert kms.update_primary_region(KeyId=key, PrimaryRegion="eu-west-1")["ResponseMetadata"]
    lab.clock.advance(seconds=2)
    with pytest.raises(ClientError, match="is not a multi-region primary key"):
        kms.rotate_key_on_demand(KeyId=key)
    assert abroad.rotate_key_on_demand(KeyId=key)["KeyId"] == arn
    assert kms.schedule_key_deletion(KeyId=key)["KeyState"] == "PendingDeletion"
    answer = abroad.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], "DeletionDate" in answer) == ("PendingReplicaDeletion", False)


@pytest.fixture(scope="module")
def paged(kms: Any, lab: Lab) -> CMK:
    """A key with five of everything that comes in pages."""
    key = lab.create_cmk("paged")
    for number in range(5):
        lab.create_cmk(f"paged-{number}")
        lab.create_key_store(f"paged-{number}")
        key.tag({f"tag-{number}": ""})
        key.rotate()
        kms.create_grant(
            KeyId=key.id,
            GranteePrincipal=ALICE,
            RetiringPrincipal=ALICE,
            Operations=["Decrypt"],
            Name=f"grant-{number}",
        )
    return key


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_each_paginator_ends_and_tells_everything_once(kms, paged, size) -> None:
    of_key = {"KeyId": paged.id}
    asked = {
        "list_keys": ("Keys", "KeyId", {}),
        "list_aliases": ("Aliases", "AliasName", {}),
        "list_grants": ("Grants", "GrantId", of_key),
        "list_retirable_grants": ("Grants", "GrantId", {"RetiringPrincipal": ALICE}),
        "list_key_policies": ("PolicyNames", None, of_key),
        "list_resource_tags": ("Tags", "TagKey", of_key),
        "list_key_rotations": ("Rotations", "RotationDate", of_key),
        "describe_custom_key_stores": ("CustomKeyStores", "CustomKeyStoreId", {}),
    }
    built = {name for name in kms.meta.method_to_api_mapping if kms.can_paginate(name)}
    assert {*asked} == built
    for operation, (member, name, request) in asked.items():
        limit = min(size, 50)  # ListResourceTags takes no more
        pages = kms.get_paginator(operation).paginate(
            **request, PaginationConfig={"PageSize": limit}
        )
        entries = [[each[name] if name else each for each in page[member]] for page in pages]
        assert all(len(page) == limit for page in entries[:-1]), operation
        seen = Counter(each for page in entries for each in page)
        assert set(seen.values()) == {1}, operation
        whole = getattr(kms, operation)(**request)
        assert whole["Truncated"] is False
        assert len(whole[member]) == seen.total(), operation


def test_threads_share_a_client_for_work_of_every_kind(kms, lab) -> None:
    key = lab.create_cmk("threads")
    signer = lab.create_cmk("signer", spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    how = {"KeyId": signer.id, "SigningAlgorithm": "ECDSA_SHA_256"}

    def opens(number: int) -> bool:
        context = {"number": str(number)}
        made = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256", EncryptionContext=context)
        opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        return bool(opened["Plaintext"] == made["Plaintext"])

    def verifies(number: int) -> bool:
        message = str(number).encode()
        signature = kms.sign(Message=message, **how)["Signature"]
        return bool(kms.verify(Message=message, Signature=signature, **how)["SignatureValid"])

    def names(number: int) -> bool:
        kms.create_alias(AliasName=f"alias/thread-{number}", TargetKeyId=key.id)
        kms.delete_alias(AliasName=f"alias/thread-{number}")
        return True

    def pairs(number: int) -> bool:
        kms.generate_data_key_pair(KeyId=key.id, KeyPairSpec="ECC_NIST_P384")
        return True

    with ThreadPoolExecutor(8) as pool:
        work = [
            pool.submit((opens, verifies, names, pairs)[number % 4], number) for number in range(96)
        ]
        assert all(each.result() for each in work)


def test_an_empty_answer_and_a_full_one_carry_what_boto3_shows(kms, lab) -> None:
    key = lab.create_cmk("shown")
    for answer in kms.enable_key(KeyId=key.id), kms.describe_key(KeyId=key.id):
        told = answer["ResponseMetadata"]
        assert (told["HTTPStatusCode"], told["RetryAttempts"]) == (200, 0)
        assert told["RequestId"] == told["HTTPHeaders"]["x-amzn-requestid"]
    assert kms.enable_key(KeyId=key.id).keys() == {"ResponseMetadata"}
    assert answer["KeyMetadata"]["CreationDate"].tzinfo is not None
    assert answer["KeyMetadata"]["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT"


def test_a_throttled_program_gets_through_by_its_retries() -> None:
    """Twelve keys at once where five a second are allowed."""
    with Lab(throttle=True) as lab, running(lab) as endpoint:
        impatient = client_of(endpoint, retries={"mode": "standard", "total_max_attempts": 1})
        with pytest.raises(ClientError, match=r"ThrottlingException.*You have exceeded the rate"):
            [impatient.create_key() for _ in range(12)]
        patient = client_of(endpoint, retries={"mode": "standard", "total_max_attempts": 8})
        answers = [patient.create_key() for _ in range(6)]
        assert sum(each["ResponseMetadata"]["RetryAttempts"] for each in answers) > 0
        refused = [event for event in lab.trail if event.get("errorCode") == "ThrottlingException"]
        assert len(refused) > 1


def test_a_clients_exceptions_are_aws_own(kms, lab) -> None:
    key = lab.create_cmk("fenced")
    with pytest.raises(kms.exceptions.AlreadyExistsException):
        kms.create_alias(AliasName="alias/fenced", TargetKeyId=key.id)
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=b"\1\2\3", KeyId=key.id)
    with pytest.raises(kms.exceptions.InvalidMarkerException):
        kms.list_keys(Marker="nothing")
    with pytest.raises(kms.exceptions.DryRunOperationException):
        kms.encrypt(KeyId=key.id, Plaintext=b"x", DryRun=True)
    with pytest.raises(kms.exceptions.LimitExceededException):
        [kms.rotate_key_on_demand(KeyId=key.id) for _ in range(26)]
    key.disable()
    with pytest.raises(kms.exceptions.DisabledException):
        kms.encrypt(KeyId=key.id, Plaintext=b"x")
    key.schedule_deletion(7)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.encrypt(KeyId=key.id, Plaintext=b"x")
