"""Each Region belongs to a partition, which all ARNs there name."""

from pathlib import Path

import pytest
from botocore.session import get_session

from kmslab import Lab
from kmslab.kms.access import allow
from kmslab.kms.arn import PARTITIONS, partition_of
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.iam import region_name
from tests.cases import for_every

HERE = "111122223333"
REGIONS = {
    "us-east-1": "aws",
    "cn-northwest-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
    "eusc-de-east-1": "aws-eusc",
    "us-iso-east-1": "aws-iso",
    "us-isob-west-1": "aws-iso-b",
    "eu-isoe-west-1": "aws-iso-e",
    "us-isof-south-1": "aws-iso-f",
}
UNKNOWN = {  # to botocore, but of a known form
    "eusc-fr-west-1": "aws-eusc",
    "cn-south-2": "aws-cn",
    "us-gov-north-7": "aws-us-gov",
    "xx-nowhere-1": "aws",
    "eu-far-west-1": "aws",
    "us-mars-west-1": "aws",
}


@for_every(("region", "partition"), list((REGIONS | UNKNOWN).items()))
def test_region_has_its_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition


def test_every_region_of_botocore_has_the_partition_that_it_has_there() -> None:
    known = get_session()
    partitions = known.get_available_partitions()
    for partition in partitions:
        for region in known.get_available_regions("kms", partition):
            assert partition_of(region) == partition
            assert region_name(region) == region
    assert set(REGIONS.values()) == PARTITIONS.keys() == set(partitions)


@pytest.mark.parametrize(("region", "partition"), REGIONS.items())
def test_everything_in_a_region_is_of_its_partition(region: str, partition: str) -> None:
    with Lab(region=region) as lab:
        root = f"arn:{partition}:iam::{HERE}:root"
        assert lab.caller.principal == root
        key = lab.create_cmk("orders")
        assert key.arn.startswith(f"arn:{partition}:kms:{region}:{HERE}:key/")
        assert key.policy["Statement"][0]["Principal"] == {"AWS": root}
        alice = lab.user("alice", allow("kms:Encrypt", resource=key.arn))
        assert alice.caller.principal == f"arn:{partition}:iam::{HERE}:user/alice"
        blob = alice.kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["CiphertextBlob"]
        session = lab.role("staff/clerk")
        key.grant(f"arn:{partition}:iam::{HERE}:role/staff/clerk", "Decrypt")
        assert session.decrypt(blob) == b"x"
        [grant] = lab.kms.list_grants(KeyId=key.arn)["Grants"]
        assert grant["IssuingAccount"] == root
        assert lab.trail[0]["userIdentity"]["arn"] == root
        assert lab.bucket("ledger").put("may", b"x") is None
        assert all(
            each["ARN"].startswith(f"arn:{partition}:")
            for event in lab.trail
            for each in event["resources"]
        )


@pytest.mark.parametrize(
    "principal", [HERE, f"arn:aws-cn:iam::{HERE}:root", f"arn:aws-cn:iam::{HERE}:user/alice"]
)
def test_policy_names_principals_of_the_keys_partition(principal: str) -> None:
    with Lab(region="cn-north-1") as lab:
        alice = lab.user("alice", allow("kms:*"))
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "kms:*",
            "Resource": "*",
        }
        key = lab.create_cmk()
        key.put_policy(
            {"Version": "2012-10-17", "Statement": [key.policy["Statement"][0], statement]}
        )
        assert alice.kms.encrypt(KeyId=key.arn, Plaintext=b"x")["KeyId"] == key.arn


def test_principal_of_another_partition_is_not_valid(lab: Lab) -> None:
    there = lab.region("cn-north-1")
    lab.user("alice")
    for view, wrong in ((lab, "aws-cn"), (there, "aws"), (lab, "aws-mars")):
        arn, key = f"arn:{wrong}:iam::{HERE}:user/alice", view.create_cmk()
        with pytest.raises(KMSError, match="does not refer to a valid principal"):
            key.grant(arn, "Encrypt")
        policy = key.policy
        policy["Statement"].append({**policy["Statement"][0], "Principal": {"AWS": arn}})
        with pytest.raises(KMSError, match="one or more invalid principals"):
            key.put_policy(policy)


def test_account_has_the_same_users_in_every_partition(lab: Lab) -> None:
    alice = lab.user("alice", allow("kms:Encrypt")).region("us-gov-east-1")
    assert alice.caller.principal == f"arn:aws-us-gov:iam::{HERE}:user/alice"
    key = lab.region("us-gov-east-1").create_cmk()
    assert alice.kms.encrypt(KeyId=key.arn, Plaintext=b"x")["KeyId"] == key.arn


def test_key_is_found_only_by_the_arn_of_its_partition() -> None:
    with Lab(region="cn-north-1") as lab:
        key = lab.create_cmk()
        with pytest.raises(KMSError, match="does not exist"):
            lab.kms.describe_key(KeyId=key.arn.replace("arn:aws-cn:", "arn:aws:"))


def test_seed_in_another_partition(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("region: us-gov-west-1\nusers: {alice: {}}\nkeys: [{alias: orders}]\n")
    with Lab.from_seed(file) as lab:
        assert lab.cmk("alias/orders").arn.startswith("arn:aws-us-gov:kms:us-gov-west-1:")
