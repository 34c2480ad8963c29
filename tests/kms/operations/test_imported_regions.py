"""Multi-Region keys with imported material: AWS copies nothing, so it is brought to each Region."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, Lab
from kmslab.errors import (
    AccessDeniedException,
    AlreadyExistsException,
    ConflictException,
    DisabledException,
    IncorrectKeyMaterialException,
    InvalidCiphertextException,
    KMSInvalidStateException,
    LimitExceededException,
    NotFoundException,
    UnsupportedOperationException,
    ValidationException,
)
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.contract.states import KeyState
from tests.cases import for_every
from tests.kms.operations.brought import material, new_lab

ABROAD, THIRD = "eu-west-1", "ap-northeast-2"
REGIONS = ("us-east-1", ABROAD, THIRD)
FIRST, SECOND = (material("SYMMETRIC_DEFAULT", number) for number in (0, 1))
WAITS, READY = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION", "PENDING_ROTATION"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with new_lab() as lab:
        yield lab


@pytest.fixture
def primary(lab: Lab) -> CMK:
    key = lab.create_cmk("orders", origin="EXTERNAL", multi_region=True)
    key.import_material(FIRST)
    return key


@pytest.fixture
def replica(primary: CMK) -> CMK:
    return brought(primary.replicate(ABROAD))


def brought(replica: CMK, known: bytes = FIRST) -> CMK:
    replica.lab.clock.advance(seconds=2)
    replica.import_material(known)
    assert replica.state is KeyState.ENABLED
    return replica


def states(key: CMK) -> list[tuple[str, str]]:
    listed = key.lab.kms.list_key_rotations(KeyId=key.id, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    return [(each["KeyMaterialState"], each["ImportState"]) for each in listed["Rotations"]]


# ------------------------------------------------------------------------------- the first material


def test_replica_waits_for_the_same_material(lab: Lab, primary: CMK) -> None:
    blob = primary.encrypt(b"x")
    replica = primary.replicate(ABROAD)
    assert replica.state is KeyState.CREATING
    lab.clock.advance(seconds=2)
    assert replica.state is KeyState.PENDING_IMPORT
    assert "CurrentKeyMaterialId" not in replica.metadata
    assert states(replica) == [("CURRENT", "PENDING_IMPORT")]
    with pytest.raises(KMSInvalidStateException, match="is pending import"):
        replica.decrypt(blob)
    with pytest.raises(IncorrectKeyMaterialException):
        replica.import_material(SECOND)
    assert replica.import_material(FIRST) == primary.metadata["CurrentKeyMaterialId"]
    assert replica.decrypt(blob) == b"x"


def test_expiry_and_deletion_are_each_keys_own(lab: Lab, primary: CMK) -> None:
    replica = primary.replicate(ABROAD)
    lab.clock.advance(seconds=2)
    replica.import_material(FIRST, expires=lab.clock.now() + timedelta(days=1))
    assert "ValidTo" not in primary.metadata
    lab.clock.advance(days=1)
    assert [primary.state, replica.state] == [KeyState.ENABLED, KeyState.PENDING_IMPORT]
    replica.import_material(FIRST)
    primary.delete_material()
    assert [primary.state, replica.state] == [KeyState.PENDING_IMPORT, KeyState.ENABLED]


def test_primary_without_its_material_cannot_be_replicated_or_replaced(
    primary: CMK, replica: CMK
) -> None:
    primary.delete_material()
    with pytest.raises(KMSInvalidStateException, match="is pending import"):
        primary.replicate(THIRD)
    with pytest.raises(KMSInvalidStateException, match="is pending import"):
        replica.make_primary()


@for_every(
    ("spec", "usage"),
    [
        ("HMAC_256", KeyUsage.GENERATE_VERIFY_MAC),
        ("ECC_NIST_P256", KeyUsage.SIGN_VERIFY),
        ("RSA_2048", KeyUsage.SIGN_VERIFY),
    ],
)
def test_other_materials_are_brought_to_each_region_too(spec: str, usage: KeyUsage) -> None:
    with new_lab() as lab:
        key = lab.create_cmk(spec=spec, usage=usage, origin="EXTERNAL", multi_region=True)
        key.import_material(material(spec))
        replica = key.replicate(ABROAD)
        lab.clock.advance(seconds=2)
        assert replica.state is KeyState.PENDING_IMPORT
        with pytest.raises(IncorrectKeyMaterialException):
            replica.import_material(material(spec, 1))
        replica.import_material(material(spec))
        if usage is KeyUsage.SIGN_VERIFY:
            assert key.verify(b"m", replica.sign(b"m"))
        else:
            assert key.mac(b"m") == replica.mac(b"m")


def test_a_token_is_for_the_key_of_one_region(primary: CMK, replica: CMK) -> None:
    parameters = primary.import_parameters()
    wrapped = parameters.wrap(FIRST)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # by name, below
        replica.import_wrapped(wrapped, parameters.token)
    assert type(caught.value).__name__ == "InvalidImportTokenException"


# ------------------------------------------------------------------------------------- rotation


def test_new_material_waits_until_every_region_has_it(lab: Lab, primary: CMK, replica: CMK) -> None:
    third = brought(primary.replicate(THIRD))
    primary.import_material(SECOND, new=True)
    assert states(primary) == [("CURRENT", "IMPORTED"), (WAITS, "IMPORTED")]
    replica.import_material(SECOND)
    assert states(primary)[1] == states(replica)[1] == (WAITS, "IMPORTED")
    text = f"No available key material pending rotation for the key: {primary.arn}."
    with pytest.raises(KMSInvalidStateException) as caught:
        primary.rotate()
    assert caught.value.message == text
    third.import_material(SECOND)
    for cmk in (primary, replica, third):
        assert states(cmk)[1] == (READY, "IMPORTED")
    old = third.encrypt(b"old")
    primary.rotate()
    assert len({cmk.metadata["CurrentKeyMaterialId"] for cmk in (primary, replica, third)}) == 1
    for cmk in (primary, replica, third):
        assert states(cmk) == [("NON_CURRENT", "IMPORTED"), ("CURRENT", "IMPORTED")]
        assert primary.decrypt(cmk.encrypt(b"new")) == b"new"
        assert cmk.decrypt(old) == b"old"


def test_new_material_begins_at_the_primary(primary: CMK, replica: CMK) -> None:
    with pytest.raises(UnsupportedOperationException, match="not a multi-region primary key"):
        replica.import_material(SECOND, new=True)
    with pytest.raises(IncorrectKeyMaterialException):
        replica.import_material(SECOND)


def test_waiting_material_is_deleted_everywhere_from_the_primary(
    primary: CMK, replica: CMK
) -> None:
    waiting = primary.import_material(SECOND, new=True)
    replica.import_material(SECOND)
    replica.delete_material(waiting)
    assert states(primary)[1] == (WAITS, "IMPORTED")
    assert len(states(replica)) == 1
    replica.import_material(SECOND)
    primary.delete_material(waiting)
    for cmk in (primary, replica):
        assert states(cmk) == [("CURRENT", "IMPORTED")]
        assert cmk.state is KeyState.ENABLED
    with pytest.raises(IncorrectKeyMaterialException):
        replica.import_material(SECOND)


def test_new_replica_needs_all_materials_of_a_rotated_key(lab: Lab, primary: CMK) -> None:
    old = primary.encrypt(b"old")
    primary.import_material(SECOND, new=True)
    primary.rotate()
    replica = primary.replicate(ABROAD)
    lab.clock.advance(seconds=2)
    assert states(replica) == [("NON_CURRENT", "PENDING_IMPORT"), ("CURRENT", "PENDING_IMPORT")]
    replica.import_material(SECOND)
    assert replica.state is KeyState.PENDING_IMPORT
    replica.import_material(FIRST)
    assert replica.decrypt(old) == b"old"
    assert primary.decrypt(replica.encrypt(b"new")) == b"new"


def test_a_replica_made_while_material_waits_has_to_get_it_too(lab: Lab, primary: CMK) -> None:
    primary.import_material(SECOND, new=True)
    assert states(primary)[1] == (READY, "IMPORTED")
    replica = brought(primary.replicate(ABROAD))
    assert states(primary)[1] == (WAITS, "IMPORTED")
    replica.import_material(SECOND)
    primary.rotate()
    assert primary.decrypt(replica.encrypt(b"x")) == b"x"


def test_material_that_waits_waits_on_the_new_primary(lab: Lab, primary: CMK, replica: CMK) -> None:
    """Its owner brings the same bytes there, or deletes it from there everywhere."""
    primary.import_material(SECOND, new=True)
    replica.make_primary()
    lab.clock.advance(seconds=2)
    assert states(replica)[1] == (WAITS, "PENDING_IMPORT")
    with pytest.raises(KMSInvalidStateException, match="is pending rotation"):
        replica.import_material(material("SYMMETRIC_DEFAULT", 2), new=True)
    replica.import_material(SECOND)
    replica.rotate()
    assert primary.decrypt(replica.encrypt(b"x")) == b"x"


@for_every("waits_at", ("primary", "replica", "new primary"))
def test_blob_that_names_waiting_material_was_forged(waits_at: str) -> None:
    """No key has encrypted with it yet, and a new primary does not even have its bytes."""
    with new_lab() as lab:
        own = lab.create_cmk(origin="EXTERNAL", multi_region=True)
        own.import_material(FIRST)
        abroad = brought(own.replicate(ABROAD))
        waiting = own.import_material(SECOND, new=True)
        if waits_at == "replica":
            abroad.import_material(SECOND)
        if waits_at == "new primary":
            abroad.make_primary()
        key = own if waits_at == "primary" else abroad
        genuine = key.encrypt(b"x")
        used = key.metadata["CurrentKeyMaterialId"]
        forged = bytes(genuine).replace(bytes.fromhex(used), bytes.fromhex(waiting))
        assert forged != genuine
        for named in ({}, {"KeyId": key.arn}):
            with pytest.raises(InvalidCiphertextException):
                key.lab.kms.decrypt(CiphertextBlob=forged, **named)


# --------------------------------------------------------------------------------- any history

BROUGHT = [material("SYMMETRIC_DEFAULT", number) for number in range(3)]
DEEDS: dict[str, Callable[[CMK, str, bytes], object]] = {
    "replicate": lambda cmk, region, _: cmk.lab.kms.replicate_key(
        KeyId=cmk.id, ReplicaRegion=region
    ),
    "make primary": lambda cmk, region, _: cmk.lab.kms.update_primary_region(
        KeyId=cmk.id, PrimaryRegion=region
    ),
    "bring": lambda cmk, _, known: cmk.import_material(known),
    "bring for a day": lambda cmk, _, known: cmk.import_material(
        known, expires=cmk.lab.clock.now() + timedelta(days=1)
    ),
    "bring new": lambda cmk, _, known: cmk.import_material(known, new=True),
    "delete material": lambda cmk, _, known: cmk.delete_material(),
    "delete waiting": lambda cmk, _, known: cmk.delete_material(waiting_id(cmk)),
    "rotate": lambda cmk, _, __: cmk.rotate(),
    "delete": lambda cmk, _, __: cmk.schedule_deletion(7),
    "cancel": lambda cmk, _, __: (cmk.cancel_deletion(), cmk.enable()),
    "wait": lambda cmk, _, __: cmk.lab.clock.advance(seconds=2),
    "wait long": lambda cmk, _, __: cmk.lab.clock.advance(days=1),
    "wait very long": lambda cmk, _, __: cmk.lab.clock.advance(days=7),
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(DEEDS)),
        st.sampled_from(REGIONS),
        st.sampled_from(REGIONS),
        st.sampled_from(BROUGHT),
    ),
    max_size=30,
)
EXPECTED = (
    AccessDeniedException,
    AlreadyExistsException,
    ConflictException,
    DisabledException,
    IncorrectKeyMaterialException,
    KMSInvalidStateException,
    LimitExceededException,
    NotFoundException,
    UnsupportedOperationException,
    ValidationException,
)


def waiting_id(cmk: CMK) -> Any:
    listed = cmk.lab.kms.list_key_rotations(KeyId=cmk.id, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    return listed["Rotations"][-1]["KeyMaterialId"]


@given(STEPS)
def test_related_keys_agree_on_their_materials_after_any_history(
    steps: list[tuple[str, str, str, bytes]],
) -> None:
    with new_lab() as lab:
        key = lab.create_cmk(origin="EXTERNAL", multi_region=True)
        key.import_material(FIRST)
        shown = key.metadata
        handles = {
            name: CMK(lab.region(name), {**shown, "Arn": key.arn.replace("us-east-1", name)})
            for name in REGIONS
        }
        blobs: set[bytes] = set()
        for deed, here, there, known in steps:
            with suppress(*EXPECTED):
                DEEDS[deed](handles[here], there, known)
                blobs.add(handles[here].encrypt(b"x"))
            agree(lab, handles, blobs)


def agree(lab: Lab, handles: dict[str, CMK], blobs: set[bytes]) -> None:
    lab.kms.list_keys()  # a call carries out what is due
    assert not lab._store.due(lab.clock.now())
    keys = lab._store.all(Key)
    assert len({(key.primary_arn, key.material, key.rotations_on_demand) for key in keys}) <= 1
    for key in keys:
        materials = lab._store.find(Material, key=key.arn)
        used = {each.id for each in materials if not each.is_pending}
        assert sum(each.is_pending for each in materials) <= 1
        assert sorted(each.number for each in materials) == list(range(len(materials)))
        assert not used or key.material in used
        present = all(each.sealed for each in materials if not each.is_pending)
        assert key.lacks_material is not (bool(used) and present)
        if key.state in (KeyState.ENABLED, KeyState.UPDATING):
            assert not key.lacks_material
            assert {handles[key.region].decrypt(blob) for blob in blobs} <= {b"x"}
    assert len({frozenset(permanent(lab, key)) for key in keys}) <= 1


def permanent(lab: Lab, key: Key) -> set[tuple[str, int]]:
    found = lab._store.find(Material, key=key.arn)
    return {(each.id, each.number) for each in found if not each.is_pending}
