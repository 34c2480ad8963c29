"""Multi-Region keys: one id and one key material in several Regions, each an independent key."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmslab
from kmslab import CMK, Clock, Lab, allow
from kmslab.errors import (
    AccessDeniedException,
    AlreadyExistsException,
    ConflictException,
    DisabledException,
    InvalidCiphertextException,
    KMSInternalException,
    KMSInvalidStateException,
    LimitExceededException,
    NotFoundException,
    UnsupportedOperationException,
    ValidationException,
)
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import DomainKey, Key, Material
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.kms.operations.metadata import metadata
from kmslab.kms.operations.policies import default_policy
from tests.cases import for_every
from tests.kms.operations.keyring import NOW

HOME, ABROAD, THIRD = "us-east-1", "eu-west-1", "ap-northeast-2"
ACCOUNT = "111122223333"
CONTEXT = {"order": "17"}
DAY = timedelta(days=1)


@pytest.fixture
def primary(lab: Lab) -> CMK:
    return lab.create_cmk("orders", multi_region=True)


@pytest.fixture
def replica(primary: CMK) -> CMK:
    return synchronized(primary.replicate(ABROAD))


def synchronized(cmk: CMK) -> CMK:
    cmk.lab.clock.advance(seconds=2)
    assert cmk.state is KeyState.ENABLED
    return cmk


def arn(cmk: CMK, region: str) -> str:
    return cmk.arn.replace(cmk.region, region)


def events(lab: Lab, name: str) -> list[dict[str, Any]]:
    return [event for event in lab.trail if event["eventName"] == name]


# ------------------------------------------------------------------------------------ the primary


def test_multi_region_key_says_so_by_its_id_and_in_its_metadata(primary: CMK) -> None:
    assert primary.id.startswith("mrk-")
    assert len(primary.id) == len("mrk-") + 32
    metadata = primary.metadata
    assert metadata["MultiRegion"] is True
    assert metadata["KeyState"] == "Enabled"
    assert metadata["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "PRIMARY",
        "PrimaryKey": {"Arn": primary.arn, "Region": HOME},
        "ReplicaKeys": [],
    }


def test_single_region_key_has_no_configuration(lab: Lab) -> None:
    metadata = lab.create_cmk().metadata
    assert metadata["MultiRegion"] is False
    assert "MultiRegionConfiguration" not in metadata


def test_running_a_cell_twice_makes_one_key_and_one_replica(lab: Lab) -> None:
    made = [lab.create_cmk("twice", multi_region=True) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].replicate(ABROAD) == made[1].replicate(ABROAD)
    with pytest.raises(AlreadyExistsException):
        lab.create_cmk("twice")


def test_ids_that_a_lab_is_given_are_never_of_the_form_of_multi_region_keys() -> None:
    with Lab(ids=lambda: "mrk-" + "0" * 32) as lab, pytest.raises(KMSError) as caught:
        lab.create_cmk()
    assert "ids has to return UUIDs" in str(caught.value.__cause__)


# ------------------------------------------------------------------------------------ a replica


def test_replica_shares_what_aws_shares_and_nothing_else(lab: Lab, primary: CMK) -> None:
    primary.tag({"project": "orders"})
    primary.enable_rotation(90)
    answer = lab.kms.replicate_key(KeyId=primary.id, ReplicaRegion=ABROAD)
    shown, own = answer["ReplicaKeyMetadata"], primary.metadata
    shared = ("KeyId", "KeySpec", "KeyUsage", "Origin", "EncryptionAlgorithms", "KeyManager")
    assert {name: shown[name] for name in shared} == {name: own[name] for name in shared}
    assert shown["CurrentKeyMaterialId"] == own["CurrentKeyMaterialId"]
    assert shown["Arn"] == arn(primary, ABROAD)
    assert (shown["KeyState"], shown["Enabled"], shown["Description"]) == ("Creating", False, "")
    assert answer["ReplicaPolicy"] == default_policy(ACCOUNT)
    assert answer["ReplicaTags"] == []
    abroad = lab.region(ABROAD)
    status = abroad.kms.get_key_rotation_status(KeyId=primary.id)
    assert status == lab.kms.get_key_rotation_status(KeyId=primary.id)
    assert abroad.kms.list_aliases(KeyId=primary.id)["Aliases"] == []


def test_replica_gets_what_the_request_gives_it(lab: Lab, primary: CMK) -> None:
    policy = default_policy(ACCOUNT).replace("key-default-1", "own")
    tags = [{"TagKey": "ward", "TagValue": "3"}]
    answer = lab.kms.replicate_key(
        KeyId=primary.arn, ReplicaRegion=ABROAD, Description="abroad", Tags=tags, Policy=policy
    )
    assert answer["ReplicaPolicy"] == policy
    assert answer["ReplicaTags"] == tags
    replica = primary.replicas[0]
    assert replica.metadata["Description"] == "abroad"
    assert (replica.policy["Id"], replica.tags) == ("own", {"ward": "3"})


def test_each_related_key_names_all_of_them(primary: CMK, replica: CMK) -> None:
    third = primary.replicate(THIRD)
    listed = {
        "PrimaryKey": {"Arn": primary.arn, "Region": HOME},
        "ReplicaKeys": [
            {"Arn": third.arn, "Region": THIRD},
            {"Arn": replica.arn, "Region": ABROAD},
        ],
    }
    for cmk, kind in ((primary, "PRIMARY"), (replica, "REPLICA"), (third, "REPLICA")):
        shown = cmk.metadata["MultiRegionConfiguration"]
        assert shown == {"MultiRegionKeyType": kind, **listed}
        assert cmk.primary == primary
        assert cmk.replicas == [third, replica]


def test_metadata_of_a_multi_region_key_is_legible(replica: CMK) -> None:
    assert "REPLICA in us-east-1, eu-west-1, the primary's Region first" in repr(replica.metadata)


# ------------------------------------------------------------------------------ Creating, Updating


def test_replica_is_creating_for_two_seconds_of_the_labs_clock(lab: Lab, primary: CMK) -> None:
    replica = primary.replicate(ABROAD)
    lab.clock.advance(seconds=1.999)
    assert replica.state is KeyState.CREATING
    with pytest.raises(KMSInvalidStateException) as caught:
        replica.encrypt(b"early")
    assert caught.value.message == f"{replica.arn} is creating."
    lab.clock.advance(seconds=0.001)
    assert replica.state is KeyState.ENABLED
    [event] = events(lab, "SynchronizeMultiRegionKey")
    assert event["eventType"] == "AwsServiceEvent"
    assert event["awsRegion"] == ABROAD
    assert event["requestParameters"] is None
    assert [each["ARN"] for each in event["resources"]] == [replica.arn]


def test_what_a_key_may_do_while_it_is_creating(primary: CMK) -> None:
    """AWS's key-state table, for a key that is really Creating."""
    replica = primary.replicate(ABROAD)
    for early in (
        lambda: replica.generate_data_key(),
        lambda: replica.decrypt(primary.encrypt(b"x")),
        lambda: replica.grant(f"arn:aws:iam::{ACCOUNT}:root", "Decrypt"),
        lambda: replica.enable(),
        lambda: replica.disable(),
    ):
        with pytest.raises(KMSInvalidStateException, match=r"is creating\."):
            early()
    replica.tag({"a": "b"})
    replica.put_policy(replica.policy)
    replica.lab.kms.create_alias(AliasName="alias/abroad", TargetKeyId=replica.id)
    replica.lab.kms.update_key_description(KeyId=replica.id, Description="early")
    replica.schedule_deletion(7)
    assert replica.state is KeyState.PENDING_DELETION


def test_replica_scheduled_for_deletion_while_it_was_creating_stays_so(primary: CMK) -> None:
    replica = primary.replicate(ABROAD)
    replica.schedule_deletion(7)
    replica.lab.clock.advance(seconds=10)
    assert replica.state is KeyState.PENDING_DELETION
    replica.cancel_deletion()
    assert replica.state is KeyState.DISABLED
    replica.enable()
    assert replica.encrypt(b"late")


def test_a_lab_that_was_closed_while_a_replica_was_creating_finishes_it(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store, clock=Clock.frozen(NOW)) as lab:
        primary = lab.create_cmk("orders", multi_region=True)
        blob = primary.encrypt(b"card 4242")
        primary.replicate(ABROAD)
    with Lab(store, clock=Clock.frozen(NOW)) as lab:
        replica = lab.cmk("alias/orders").replicas[0]
        assert replica.state is KeyState.CREATING
        lab.clock.advance(seconds=2)
    with Lab(store, clock=Clock.frozen(NOW)) as lab:
        assert lab.region(ABROAD).decrypt(blob) == b"card 4242"


# ------------------------------------------------------------------------------------ cryptography


def test_any_related_key_opens_what_any_other_has_sealed(primary: CMK, replica: CMK) -> None:
    third = synchronized(primary.replicate(THIRD))
    for sealer in (primary, replica, third):
        blob = sealer.encrypt(b"card 4242", CONTEXT)
        data_key = sealer.generate_data_key(CONTEXT)
        for opener in (primary, replica, third):
            assert opener.decrypt(blob, CONTEXT) == b"card 4242"
            assert (
                opener.lab.kms.decrypt(
                    CiphertextBlob=data_key.encrypted, EncryptionContext=CONTEXT, KeyId=opener.id
                )["KeyId"]
                == opener.arn
            )
            with pytest.raises(InvalidCiphertextException):
                opener.decrypt(blob, {"order": "18"})


def test_re_encrypt_takes_a_related_keys_blob(lab: Lab, primary: CMK, replica: CMK) -> None:
    own = replica.lab.kms.create_key()["KeyMetadata"]["Arn"]
    for destination in (own, replica.id):
        answer = replica.lab.kms.re_encrypt(
            CiphertextBlob=primary.encrypt(b"x"), DestinationKeyId=destination
        )
        assert answer["SourceKeyId"] == replica.arn
        assert replica.lab.decrypt(answer["CiphertextBlob"]) == b"x"


def test_the_state_and_policy_of_the_key_in_this_region_decide(
    lab: Lab, primary: CMK, replica: CMK
) -> None:
    blob = primary.encrypt(b"x")
    replica.disable()
    assert primary.state is KeyState.ENABLED
    with pytest.raises(KMSError) as caught:
        replica.lab.decrypt(blob)
    assert caught.value.message == f"{replica.arn} is disabled."
    assert primary.decrypt(blob) == b"x"
    replica.enable()
    alice = lab.user("alice", allow("kms:Decrypt", resource=primary.arn))
    assert alice.decrypt(blob) == b"x"
    with pytest.raises(AccessDeniedException):
        alice.region(ABROAD).decrypt(blob)


def test_the_arn_of_another_region_names_no_key_here(replica: CMK, refused: Any) -> None:
    with refused("NotFoundException", f"Invalid arn {HOME}"):
        replica.lab.kms.describe_key(KeyId=arn(replica, HOME))


def test_another_account_uses_the_replica_as_the_primary(lab: Lab, primary: CMK) -> None:
    other = lab.account("444455556666")
    policy = default_policy(ACCOUNT).replace(f"iam::{ACCOUNT}", "iam::444455556666")
    lab.kms.replicate_key(
        KeyId=primary.id, ReplicaRegion=ABROAD, Policy=policy, BypassPolicyLockoutSafetyCheck=True
    )
    lab.clock.advance(seconds=2)
    blob = primary.encrypt(b"x")
    assert other.region(ABROAD).decrypt(blob) == b"x"
    with pytest.raises(AccessDeniedException):
        other.decrypt(blob)
    for operation, region in (("replicate_key", "Replica"), ("update_primary_region", "Primary")):
        with pytest.raises(AccessDeniedException):
            getattr(other.kms, operation)(KeyId=primary.arn, **{f"{region}Region": THIRD})


def test_signing_and_mac_keys_are_replicated_too(lab: Lab) -> None:
    signer = lab.create_cmk(spec="ECC_NIST_P256", usage=KeyUsage.SIGN_VERIFY, multi_region=True)
    macs = lab.create_cmk(spec="HMAC_256", usage=KeyUsage.GENERATE_VERIFY_MAC, multi_region=True)
    signer_abroad, macs_abroad = signer.replicate(ABROAD), synchronized(macs.replicate(ABROAD))
    assert signer_abroad.public_key().der == signer.public_key().der
    assert signer.verify(b"m", signer_abroad.sign(b"m"))
    assert macs.mac(b"m") == macs_abroad.mac(b"m")
    assert "CurrentKeyMaterialId" not in signer_abroad.metadata


def test_the_replicas_material_is_sealed_in_its_own_region(
    lab: Lab, primary: CMK, replica: CMK
) -> None:
    store = lab._store
    [here], [there] = (store.find(Material, key=cmk.arn) for cmk in (primary, replica))
    assert here.id == there.id
    assert here.sealed != there.sealed
    assert store.get(DomainKey, there.domain).region == ABROAD
    store.commit(put=[replace(there, sealed=here.sealed)])
    with pytest.raises(KMSInternalException) as caught:
        replica.encrypt(b"x")
    assert "does not open" in str(caught.value.__cause__)


# ------------------------------------------------------------------------------------ refusals


def test_a_second_replica_in_a_region_exists_already(
    lab: Lab, primary: CMK, replica: CMK, refused: Any
) -> None:
    with refused("AlreadyExistsException", f"Key {replica.arn} already exists"):
        lab.kms.replicate_key(KeyId=primary.id, ReplicaRegion=ABROAD)


@for_every("region", [HOME, "cn-north-1", "us-gov-west-1", "a-b-1", "mars-is-far-1"])
def test_replica_region_is_another_one_of_the_partition(
    shared_lab: Lab, refused: Any, region: str
) -> None:
    cmk = shared_lab.create_cmk(multi_region=True)
    text = (
        f"{region} is not a valid replica Region for {cmk.arn}: it must be another Region of the "
        "same partition."
    )
    with refused("ValidationException", text):
        shared_lab.kms.replicate_key(KeyId=cmk.id, ReplicaRegion=region)


def test_a_region_of_china_replicates_within_china(lab: Lab) -> None:
    beijing = lab.region("cn-north-1").create_cmk(multi_region=True)
    replica = synchronized(beijing.replicate("cn-northwest-1"))
    assert replica.arn.startswith(f"arn:aws-cn:kms:cn-northwest-1:{ACCOUNT}:key/mrk-")
    assert replica.decrypt(beijing.encrypt(b"x")) == b"x"
    replica.make_primary()
    assert beijing.primary == replica


def test_what_is_no_region_is_refused(shared_lab: Lab) -> None:
    cmk = shared_lab.create_cmk(multi_region=True)
    for operation, member in (("replicate_key", "Replica"), ("update_primary_region", "Primary")):
        for region in ("mars", "", "EU-WEST-1"):
            with pytest.raises(KMSError) as caught:
                getattr(shared_lab.kms, operation)(KeyId=cmk.id, **{f"{member}Region": region})
            assert caught.value.code == "ValidationException"


def test_only_a_primary_can_be_replicated_moved_or_rotated(
    lab: Lab, primary: CMK, replica: CMK, refused: Any
) -> None:
    single = lab.create_cmk()
    abroad = replica.lab.kms
    for kms, cmk in ((lab.kms, single), (abroad, replica)):
        text = f"{cmk.arn} is not a multi-region primary key."
        with refused("UnsupportedOperationException", text):
            kms.replicate_key(KeyId=cmk.id, ReplicaRegion=THIRD)
        with refused("UnsupportedOperationException", text):
            kms.update_primary_region(KeyId=cmk.id, PrimaryRegion=THIRD)
    text = f"{replica.arn} is not a multi-region primary key."
    for rotation in (
        abroad.enable_key_rotation,
        abroad.disable_key_rotation,
        abroad.rotate_key_on_demand,
    ):
        with refused("UnsupportedOperationException", text):
            rotation(KeyId=replica.id)
    assert abroad.list_key_rotations(KeyId=replica.id)["Rotations"] == []


def test_primary_moves_only_to_a_region_with_a_replica(
    lab: Lab, primary: CMK, replica: CMK, refused: Any
) -> None:
    with refused("NotFoundException", f"Key '{arn(primary, THIRD)}' does not exist"):
        lab.kms.update_primary_region(KeyId=primary.arn, PrimaryRegion=THIRD)
    text = f"{HOME} is already the primary Region of {primary.arn}."
    with refused("ValidationException", text):
        lab.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=HOME)
    assert [primary.state, replica.state] == [KeyState.ENABLED, KeyState.ENABLED]


def test_both_keys_must_be_enabled_to_change_roles(
    lab: Lab, primary: CMK, replica: CMK, refused: Any
) -> None:
    for cmk in (primary, replica):
        cmk.disable()
        with refused("DisabledException", f"{cmk.arn} is disabled."):
            lab.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=ABROAD)
        cmk.enable()
    third = primary.replicate(THIRD)
    with refused("KMSInvalidStateException", f"{third.arn} is creating."):
        lab.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=THIRD)
    replica.schedule_deletion(7)
    with refused("KMSInvalidStateException", f"{replica.arn} is pending deletion."):
        lab.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=ABROAD)


def test_replicas_policy_must_leave_its_author_in_control(
    lab: Lab, primary: CMK, refused: Any
) -> None:
    stranger = default_policy(ACCOUNT).replace(f"iam::{ACCOUNT}", "iam::444455556666")
    text = "The new key policy will not allow you to update the key policy in the future."
    with refused("MalformedPolicyDocumentException", text):
        lab.kms.replicate_key(KeyId=primary.id, ReplicaRegion=ABROAD, Policy=stranger)
    assert primary.replicas == []


# ---------------------------------------------------------------------------------- who may do it


def test_replicating_needs_permission_on_the_key_and_in_the_replicas_region(
    lab: Lab, primary: CMK
) -> None:
    def tries(*statements: Any) -> None:
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        alice = lab.user("alice", policy)
        alice.kms.replicate_key(KeyId=primary.id, ReplicaRegion=ABROAD, Tags=tags)

    tags: list[dict[str, str]] | None = None
    replicating = {"Effect": "Allow", "Action": "kms:ReplicateKey", "Resource": primary.arn}
    creating = {
        "Effect": "Allow",
        "Action": ["kms:CreateKey", "kms:TagResource"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:RequestedRegion": ABROAD, "kms:MultiRegionKeyType": "REPLICA"}
        },
    }
    with pytest.raises(AccessDeniedException, match="kms:ReplicateKey on resource: arn"):
        tries(creating)
    with pytest.raises(AccessDeniedException, match=r"kms:CreateKey on resource: \*"):
        tries(replicating)
    elsewhere = {**creating, "Condition": {"StringEquals": {"aws:RequestedRegion": HOME}}}
    with pytest.raises(AccessDeniedException, match=r"kms:CreateKey on resource: \*"):
        tries(replicating, elsewhere)
    only_here = {"StringEquals": {"kms:ReplicaRegion": THIRD}}
    with pytest.raises(AccessDeniedException, match="kms:ReplicateKey on resource: arn"):
        tries({**replicating, "Condition": only_here}, creating)
    tags = [{"TagKey": "a", "TagValue": "b"}]
    with pytest.raises(AccessDeniedException, match="kms:TagResource"):
        tries(replicating, {**creating, "Action": "kms:CreateKey"})
    tags = None
    tries(replicating, creating)
    assert len(primary.replicas) == 1


def test_changing_the_primary_needs_permission_on_both_keys(
    lab: Lab, primary: CMK, replica: CMK
) -> None:
    for cmk, other in ((primary, replica), (replica, primary)):
        alice = lab.user("alice", allow("kms:UpdatePrimaryRegion", resource=cmk.arn))
        with pytest.raises(AccessDeniedException) as caught:
            alice.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=ABROAD)
        assert f"kms:UpdatePrimaryRegion on resource: {other.arn}" in caught.value.message
    anywhere = lab.user("alice", allow("kms:UpdatePrimaryRegion"))
    anywhere.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=ABROAD)
    assert replica.primary == replica


def test_explain_knows_multi_region_keys(lab: Lab, primary: CMK) -> None:
    condition = {"StringEquals": {"kms:MultiRegionKeyType": "PRIMARY"}}
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition}
    alice = lab.user("alice", {"Version": "2012-10-17", "Statement": [statement]})
    assert alice.explain("kms:ReplicateKey", primary).verdict.allowed
    assert not alice.explain("kms:ReplicateKey", lab.create_cmk()).verdict.allowed
    statement["Condition"] = {"StringEquals": {"kms:ReplicaRegion": ABROAD}}
    alice = lab.user("alice", {"Version": "2012-10-17", "Statement": [statement]})
    for region in (ABROAD, THIRD):
        said = alice.explain("kms:ReplicateKey", primary, ReplicaRegion=region)
        assert said.verdict.allowed is (region == ABROAD)
    with pytest.raises(TypeError, match="'ReplicaRegoin' is not a member of any request"):
        alice.explain("kms:ReplicateKey", primary, ReplicaRegoin=ABROAD)


def test_refusal_of_the_replicas_half_explains_itself(lab: Lab, primary: CMK) -> None:
    alice = lab.user("alice", allow("kms:ReplicateKey"))
    with pytest.raises(AccessDeniedException) as caught:
        alice.kms.replicate_key(KeyId=primary.id, ReplicaRegion=ABROAD)
    assert "may not call kms:CreateKey on the account as a whole" in repr(caught.value.explain())


def test_handle_that_reaches_no_lab_replicates_nothing(lab: Lab, primary: CMK) -> None:
    with pytest.raises(AttributeError, match="is not a lab, and has no 'region'"):
        kmslab.key(lab.boto3(), primary.arn).replicate(ABROAD)
    assert primary.replicas == []


# ------------------------------------------------------------------------------- changing roles


def test_primary_and_replica_change_roles(lab: Lab, primary: CMK, replica: CMK) -> None:
    third = synchronized(primary.replicate(THIRD))
    primary.enable_rotation(90)
    blob = primary.encrypt(b"x")
    replica.make_primary()
    for cmk in (primary, replica, third):
        assert cmk.primary == replica
        assert set(cmk.replicas) == {primary, third}
        assert cmk.decrypt(blob) == b"x"
    assert [primary.state, replica.state] == [KeyState.UPDATING, KeyState.UPDATING]
    assert third.state is KeyState.ENABLED
    for cmk in (primary, replica):
        with pytest.raises(KMSInvalidStateException, match=r"is updating\."):
            cmk.disable()
        with pytest.raises(KMSInvalidStateException, match=r"is updating\."):
            cmk.schedule_deletion(7)
    with pytest.raises(KMSInvalidStateException, match=r"is updating\."):
        replica.replicate("us-west-2")
    lab.clock.advance(seconds=2)
    assert [primary.state, replica.state] == [KeyState.ENABLED, KeyState.ENABLED]
    replica.rotate()
    assert len({cmk.metadata["CurrentKeyMaterialId"] for cmk in (primary, replica, third)}) == 1
    with pytest.raises(KMSError, match="is not a multi-region primary key"):
        primary.rotate()


def test_the_primary_may_move_back_while_it_is_updating(primary: CMK, replica: CMK) -> None:
    replica.make_primary()
    primary.make_primary()
    assert primary.primary == primary
    synchronized(primary)


def test_both_regions_have_an_event_of_the_change(lab: Lab, primary: CMK, replica: CMK) -> None:
    lab.kms.update_primary_region(KeyId=primary.id, PrimaryRegion=ABROAD)
    found = events(lab, "UpdatePrimaryRegion")
    assert [event["awsRegion"] for event in found] == [HOME, ABROAD]
    assert [event["resources"][0]["ARN"] for event in found] == [primary.arn, replica.arn]
    assert [event["responseElements"]["keyId"] for event in found] == [primary.arn, replica.arn]
    asked = {"keyId": primary.id, "primaryRegion": ABROAD}
    assert [event["requestParameters"] for event in found] == [asked, asked]
    assert found[0]["eventID"] != found[1]["eventID"]


def test_replication_is_an_event_here_and_a_new_key_there(lab: Lab, primary: CMK) -> None:
    replica = primary.replicate(ABROAD)
    [event], created = events(lab, "ReplicateKey"), events(lab, "CreateKey")[-1]
    assert event["awsRegion"] == HOME
    assert [each["ARN"] for each in event["resources"]] == [primary.arn]
    assert event["responseElements"]["replicaKeyMetadata"]["keyState"] == "Creating"
    assert created["awsRegion"] == ABROAD
    assert [each["ARN"] for each in created["resources"]] == [replica.arn]
    assert created["userIdentity"] == event["userIdentity"]
    assert created["requestParameters"]["multiRegion"] is True
    metadata = created["responseElements"]["keyMetadata"]
    assert (metadata["arn"], metadata["keyState"]) == (replica.arn, "Creating")


# ------------------------------------------------------------------------------------ rotation


def test_rotation_of_the_primary_gives_all_the_same_material(primary: CMK, replica: CMK) -> None:
    old = replica.encrypt(b"old")
    primary.rotate()
    assert primary.metadata["CurrentKeyMaterialId"] == replica.metadata["CurrentKeyMaterialId"]
    new = replica.encrypt(b"new")
    for cmk in (primary, replica):
        assert (cmk.decrypt(old), cmk.decrypt(new)) == (b"old", b"new")
    assert repr(primary.rotations) == repr(replica.rotations)
    assert len(events(primary.lab, "RotateKey")) == 1


def test_new_replica_of_a_rotated_primary_opens_everything(primary: CMK) -> None:
    blobs = []
    for _ in range(3):
        blobs.append(primary.encrypt(b"x"))
        primary.rotate()
    replica = synchronized(primary.replicate(ABROAD))
    assert {replica.decrypt(blob) for blob in blobs} == {b"x"}
    assert repr(replica.rotations) == repr(primary.rotations)


def test_automatic_rotation_is_the_primarys(lab: Lab, primary: CMK, replica: CMK) -> None:
    primary.enable_rotation(90)
    replica.disable()
    lab.clock.advance(days=90)
    assert len(primary.replicas) == 1  # a call carries out what is due
    status = [
        cmk.lab.kms.get_key_rotation_status(KeyId=cmk.id)["NextRotationDate"]
        for cmk in (primary, replica)
    ]
    assert status[0] == status[1] == lab.clock.now() + 90 * DAY
    assert len(events(lab, "RotateKey")) == 1
    replica.enable()
    assert primary.decrypt(replica.encrypt(b"x")) == b"x"
    primary.disable_rotation()
    shown = replica.lab.kms.get_key_rotation_status(KeyId=replica.id)
    assert shown == {"KeyId": replica.id, "KeyRotationEnabled": False}


def test_primary_that_was_disabled_rotates_everywhere_when_it_is_enabled(
    lab: Lab, primary: CMK, replica: CMK
) -> None:
    primary.enable_rotation(90)
    primary.disable()
    lab.clock.advance(days=100)
    before = replica.metadata["CurrentKeyMaterialId"]
    primary.enable()
    after = primary.metadata["CurrentKeyMaterialId"]
    assert before != after == replica.metadata["CurrentKeyMaterialId"]


# ------------------------------------------------------------------------------------ deletion


def test_replica_is_deleted_alone(lab: Lab, primary: CMK, replica: CMK) -> None:
    blob = replica.encrypt(b"x")
    replica.schedule_deletion(7)
    assert replica.metadata["DeletionDate"] == lab.clock.now() + 7 * DAY
    lab.clock.advance(days=7)
    assert primary.replicas == []
    assert primary.decrypt(blob) == b"x"
    with pytest.raises(AccessDeniedException):
        lab.region(ABROAD).decrypt(blob)
    assert synchronized(primary.replicate(ABROAD)).decrypt(blob) == b"x"


def test_primarys_waiting_period_begins_when_the_last_replica_is_gone(
    lab: Lab, primary: CMK, replica: CMK, refused: Any
) -> None:
    third = synchronized(primary.replicate(THIRD))
    answer = lab.kms.schedule_key_deletion(KeyId=primary.id, PendingWindowInDays=10)
    assert answer == {
        "KeyId": primary.arn,
        "KeyState": "PendingReplicaDeletion",
        "PendingWindowInDays": 10,
    }
    shown = primary.metadata
    assert (shown["KeyState"], shown["PendingDeletionWindowInDays"]) == (
        "PendingReplicaDeletion",
        10,
    )
    assert "DeletionDate" not in shown
    text = f"{primary.arn} is pending deletion (or pending replica deletion)."
    with refused("KMSInvalidStateException", text):
        primary.encrypt(b"x")
    lab.clock.advance(days=100)
    assert primary.state is KeyState.PENDING_REPLICA_DELETION
    replica.schedule_deletion(7)
    third.schedule_deletion(9)
    lab.clock.advance(days=8)
    assert primary.state is KeyState.PENDING_REPLICA_DELETION
    gone = lab.clock.now() + DAY
    lab.clock.advance(days=3)
    shown = primary.metadata
    assert (shown["KeyState"], shown["DeletionDate"]) == ("PendingDeletion", gone + 10 * DAY)
    assert "PendingDeletionWindowInDays" not in shown
    lab.clock.advance(days=8)
    with refused("NotFoundException", f"Key '{primary.arn}' does not exist"):
        lab.kms.describe_key(KeyId=primary.id)
    assert [event["awsRegion"] for event in events(lab, "DeleteKey")] == [ABROAD, THIRD, HOME]


def test_deletion_of_a_primary_that_waits_can_be_cancelled(primary: CMK, replica: CMK) -> None:
    primary.schedule_deletion(7)
    primary.cancel_deletion()
    assert primary.state is KeyState.DISABLED
    assert "PendingDeletionWindowInDays" not in primary.metadata
    replica.schedule_deletion(7)
    primary.lab.clock.advance(days=7)
    assert primary.state is KeyState.DISABLED
    primary.enable()


def test_primary_whose_replicas_are_gone_is_deleted_as_any_key(
    lab: Lab, primary: CMK, replica: CMK
) -> None:
    """Months later, everything happens in the right order at the first call."""
    replica.schedule_deletion(30)
    primary.schedule_deletion(7)
    lab.clock.advance(days=365)
    assert lab.kms.list_keys()["Keys"] == []
    assert lab._store.all(Key) == []
    assert lab._store.all(Material) == []


# --------------------------------------------------------------------------------- at the same time


def test_of_two_last_replicas_deleted_at_once_the_second_wakes_the_primary(
    lab: Lab, primary: CMK, replica: CMK, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process sees the other's replica. Its commit must fail if that one is gone."""
    third = synchronized(primary.replicate(THIRD))
    primary.schedule_deletion(7)
    for cmk in (replica, third):
        cmk.schedule_deletion(7)
    store = lab._store
    keys = {cmk.arn: store.get(Key, cmk.arn) for cmk in (replica, third)}
    lab.clock.advance(days=7)
    commit, acts = store.commit, lab.service.own_acts
    met: list[str] = []

    def interrupted(**changes: Any) -> None:
        if not met:
            met.append(third.arn)
            acts._run_due(keys[third.arn])
        commit(**changes)

    monkeypatch.setattr(store, "commit", interrupted)
    assert primary.state is KeyState.PENDING_DELETION
    assert primary.replicas == []


def test_of_two_who_replicate_at_once_one_succeeds(lab: Lab, primary: CMK) -> None:
    def replicate(_: int) -> str:
        try:
            lab.kms.replicate_key(KeyId=primary.id, ReplicaRegion=ABROAD)
        except AlreadyExistsException as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(replicate, range(4)))
    assert outcomes == ["AlreadyExistsException"] * 3 + ["done"]
    assert len(primary.replicas) == 1


def test_rotation_that_meets_a_replication_leaves_no_replica_behind(
    lab: Lab, primary: CMK, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another call rotates the primary between the reading and the commit of ReplicateKey."""
    hsm = lab.service.backings[primary_origin(lab, primary)]
    copy: Callable[..., Any] = hsm.copy
    met = []

    def interrupted(*args: Any) -> Any:
        copied = copy(*args)
        if not met:
            met.append(1)
            primary.rotate()
            assert primary.state is KeyState.ENABLED  # any call carries the rotation out
        return copied

    monkeypatch.setattr(hsm, "copy", interrupted)
    replica = synchronized(primary.replicate(ABROAD))
    assert replica.metadata["CurrentKeyMaterialId"] == primary.metadata["CurrentKeyMaterialId"]
    assert replica.decrypt(primary.encrypt(b"x")) == b"x"


def rotated_by_the_service(primary: CMK, replica: CMK) -> None:
    primary.rotate()
    assert primary.state is KeyState.ENABLED  # any call carries the rotation out


MEET: dict[str, Callable[[CMK, CMK], object]] = {
    "a deletion": lambda primary, replica: primary.schedule_deletion(7),
    "a rotation": rotated_by_the_service,
    "a new schedule": lambda primary, replica: primary.enable_rotation(90),
    "a new primary": lambda primary, replica: replica.make_primary(),
}


@for_every("deed", MEET)
def test_replication_that_meets_another_change_is_not_overlooked(deed: str) -> None:
    """ReplicateKey commits between the reading of the replicas and the commit of the change."""
    with Lab(clock=Clock.frozen(NOW)) as lab, pytest.MonkeyPatch.context() as patch:
        primary = lab.create_cmk(multi_region=True)
        replica = synchronized(primary.replicate(ABROAD))
        commit, acts, met = lab._store.commit, lab.service.own_acts, []

        def interrupted(**changes: Any) -> None:
            rotates = any(isinstance(record, Material) for record in changes["put"])
            if not met and (rotates or deed != "a rotation"):
                met.append(deed)
                with pytest.MonkeyPatch.context() as other:  # its process has done what was due
                    other.setattr(acts, "settle", lambda now: None)
                    lab.kms.replicate_key(KeyId=primary.id, ReplicaRegion=THIRD)
            commit(**changes)

        patch.setattr(lab._store, "commit", interrupted)
        MEET[deed](primary, replica)
        lab.clock.advance(seconds=2)
        lab.kms.list_keys()
        found = [key for key in lab._store.all(Key) if key.id == primary.id]
        shared = {(key.primary_arn, key.material, key.rotation_days) for key in found}
        assert (met, len(found), len(shared)) == ([deed], 3, 1)
        assert KeyState.PENDING_DELETION not in {key.state for key in found}


def test_description_of_a_key_whose_primary_has_just_moved_names_a_primary(
    lab: Lab, primary: CMK, replica: CMK
) -> None:
    """The key was read before another call moved the primary, and its relatives after that."""
    old = lab._store.get(Key, replica.arn)
    assert old is not None
    replica.make_primary()
    shown = metadata(lab._store, old, old.state)["MultiRegionConfiguration"]
    assert shown["PrimaryKey"] == {"Arn": primary.arn, "Region": HOME}
    assert shown["ReplicaKeys"] == [{"Arn": replica.arn, "Region": ABROAD}]


def primary_origin(lab: Lab, cmk: CMK) -> Any:
    key = lab._store.get(Key, cmk.arn)
    assert key is not None
    return key.origin


def test_the_documents_example_runs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "multi-region.md").read_text("utf-8")
    names: dict[str, Any] = {}
    for block in text.split("```python\n")[1:]:
        exec(block.partition("```")[0], names)
    assert names["ireland"].primary == names["ireland"]
    assert names["seoul"].decrypt(names["own"].encrypt(b"x")) == b"x"
    names["lab"].close()


# --------------------------------------------------------------------------------- what it costs


def test_primary_and_replica_are_charged_each(lab: Lab, primary: CMK, replica: CMK) -> None:
    lab.clock.advance(days=26)
    charged = {line.subject for line in lab.bill("2026-01").lines if line.what == "key"}
    assert charged == {f"key alias/orders, {HOME}", f"key {replica.id}, {ABROAD}"}


# --------------------------------------------------------------------------------- any history

REGIONS = (HOME, ABROAD, THIRD)
DEEDS: dict[str, Callable[[CMK, str], object]] = {
    "replicate": lambda cmk, region: cmk.lab.kms.replicate_key(KeyId=cmk.id, ReplicaRegion=region),
    "make primary": lambda cmk, region: cmk.lab.kms.update_primary_region(
        KeyId=cmk.id, PrimaryRegion=region
    ),
    "rotate": lambda cmk, _: cmk.rotate(),
    "rotate by the clock": lambda cmk, _: cmk.enable_rotation(90),
    "disable": lambda cmk, _: cmk.disable(),
    "enable": lambda cmk, _: cmk.enable(),
    "delete": lambda cmk, _: cmk.schedule_deletion(7),
    "cancel": lambda cmk, _: cmk.cancel_deletion(),
    "wait": lambda cmk, _: cmk.lab.clock.advance(seconds=2),
    "wait long": lambda cmk, _: cmk.lab.clock.advance(days=8),
    "wait very long": lambda cmk, _: cmk.lab.clock.advance(days=91),
}
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(REGIONS), st.sampled_from(REGIONS)),
    max_size=30,
)
EXPECTED = (
    AlreadyExistsException,
    ConflictException,
    DisabledException,
    KMSInvalidStateException,
    LimitExceededException,
    NotFoundException,
    UnsupportedOperationException,
    ValidationException,
)


@given(STEPS)
def test_related_keys_agree_after_any_history(steps: list[tuple[str, str, str]]) -> None:
    with Lab(clock=Clock.frozen(NOW)) as lab:
        key = lab.create_cmk(multi_region=True)
        views = {name: lab.region(name) for name in REGIONS}
        handles = {
            name: CMK(views[name], {**key.metadata, "Arn": arn(key, name)}) for name in views
        }
        blobs: set[bytes] = set()
        for deed, here, there in steps:
            with suppress(*EXPECTED):
                DEEDS[deed](handles[here], there)
                blobs.add(handles[here].encrypt(b"x"))
            agree(lab, handles, blobs)


def agree(lab: Lab, handles: dict[str, CMK], blobs: set[bytes]) -> None:
    lab.kms.list_keys()  # a call carries out what is due
    assert not lab._store.due(lab.clock.now())
    keys = lab._store.all(Key)
    if not keys:
        return
    assert len({key.primary_arn for key in keys}) == 1
    assert [key.arn for key in keys if key.arn == key.primary_arn]
    shared = {(key.material, key.rotation_days, key.next_rotation, key.rotate_at) for key in keys}
    assert len(shared) == 1
    for key in keys:
        waits = key.state is KeyState.PENDING_REPLICA_DELETION
        assert not waits or (key.arn == key.primary_arn and len(keys) > 1)
        if key.state in (KeyState.ENABLED, KeyState.UPDATING):
            assert {handles[key.region].decrypt(blob) for blob in blobs} <= {b"x"}
