"""Rotation: new key material for new ciphertexts. Old ones name the old material and still open.

A rotation on demand is due at once. The service then runs it like a scheduled one.
Source: AWS KMS developer guide, "Rotate AWS KMS keys".
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from kmslab.kms import twins
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.importing import ExpirationModel, ImportState, MaterialState
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.specs import Origin
from kmslab.kms.contract.states import PENDING
from kmslab.kms.operations.importing import pending_everywhere, take_turn
from kmslab.kms.operations.pages import page_of

MAX_ON_DEMAND = 25  # in a key's life; "Resource quotas", not adjustable
MIN_DISTANCE = timedelta(minutes=20)  # to the next automatic rotation


def enable(call: Call, key: Key) -> dict[str, Any]:
    """Enabling it again changes the period and starts it from now."""
    days = call.get("RotationPeriodInDays", 365)
    twins.put_shared(call, key, rotation_days=days, next_rotation=call.now + timedelta(days=days))
    return {}


def disable(call: Call, key: Key) -> dict[str, Any]:
    twins.put_shared(call, key, rotation_days=0, next_rotation=None)
    return {}


def status(call: Call, key: Key) -> dict[str, Any]:
    """Off, and no error, for a key of a kind that cannot be rotated. Shown as off while a key is
    pending deletion; cancelling the deletion restores it."""
    answer = {"KeyId": key.id, "KeyRotationEnabled": False}
    if key.rotate_at:
        answer["OnDemandRotationStartDate"] = key.rotate_at
    if key.rotation_days and key.state not in PENDING:
        answer |= {
            "KeyRotationEnabled": True,
            "RotationPeriodInDays": key.rotation_days,
            "NextRotationDate": key.next_rotation,
        }
    return answer


def rotate_on_demand(call: Call, key: Key) -> dict[str, Any]:
    """Does not change the automatic schedule, but must not be close to its next rotation."""
    if key.rotations_on_demand >= MAX_ON_DEMAND:
        fail(
            "LimitExceededException",
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
            f"rotations can be performed for this key: {key.arn}",
        )
    if key.rotate_at or (key.next_rotation and key.next_rotation - call.now <= MIN_DISTANCE):
        fail("ConflictException", f"A rotation of {key.arn} is in progress or due within minutes.")
    if key.origin is Origin.EXTERNAL and not pending_everywhere(call, key):
        fail(
            "KMSInvalidStateException",
            f"No available key material pending rotation for the key: {key.arn}.",
        )
    twins.put_shared(call, key, rotate_at=call.now, rotations_on_demand=key.rotations_on_demand + 1)
    return {"KeyId": key.arn}


def rotate(call: Call, key: Key) -> dict[str, Any]:
    """The service's own act: the rotation that is due, on demand or scheduled.

    A primary's replicas get the same material in the same commit, so none lacks it.
    """
    on_demand = key.rotate_at is not None and key.rotate_at <= call.now
    kind = "ON_DEMAND" if on_demand else "AUTOMATIC"
    keys = take_turn(call, key) if key.origin is Origin.EXTERNAL else _renew(call, key, kind)
    if on_demand:
        call.put(*(replace(each, rotate_at=None) for each in keys))
    else:
        after = call.now + timedelta(days=key.rotation_days)
        call.put(*(replace(each, next_rotation=after) for each in keys))
    call.details |= {
        "rotationType": kind,
        "keyOrigin": key.origin,
        "previousKeyMaterialId": key.material,
        "currentKeyMaterialId": keys[0].material,
        "keyId": key.id,
    }
    return {}


def _renew(call: Call, key: Key, kind: str) -> list[Key]:
    """The key and its replicas with new material, which is staged."""
    number = len(call.records.find(Material, key=key.arn))
    material, *domain = call.backing(key).create(call.records, key, call.now)
    material = replace(material, number=number, rotation=kind)
    call.put(material, *domain)
    replicas = twins.related(call, key)
    for replica in replicas:
        call.put(*call.backing(key).copy(call.records, replica, [material], call.now))
    return [replace(each, material=material.id) for each in (key, *replicas)]


def list_(call: Call, key: Key) -> dict[str, Any]:
    """Material that no rotation made current, the first or a pending one, is shown on request."""
    every = call.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    prefix = f"rotation of {key.arn} "
    materials = {
        f"{prefix}{each.number:09}": each
        for each in call.records.find(Material, key=key.arn)
        if every or each.rotation
    }
    shown, paging = page_of(call, materials, prefix, default=100, maximum=1000)
    return {"Rotations": [_entry(call, key, material) for material in shown], **paging}


def _entry(call: Call, key: Key, material: Material) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "KeyId": key.id,
        "KeyMaterialId": material.id,
        "KeyMaterialState": _state(call, key, material),
    }
    if material.rotation:
        entry |= {"RotationDate": material.created, "RotationType": material.rotation}
    return entry | _import(material)


def _state(call: Call, key: Key, material: Material) -> MaterialState:
    if material.is_pending:
        ready = pending_everywhere(call, key)
        return MaterialState.PENDING_ROTATION if ready else MaterialState.PENDING_MULTI_REGION
    is_current = material.id == key.material
    return MaterialState.CURRENT if is_current else MaterialState.NON_CURRENT


def _import(material: Material) -> dict[str, Any]:
    """What an entry says about imported material. When it is deleted, its expiry is forgotten."""
    if not material.imported:
        return {}
    described = {"KeyMaterialDescription": material.description} if material.description else {}
    if not material.sealed:
        return {"ImportState": ImportState.PENDING_IMPORT, **described}
    return {
        "ImportState": ImportState.IMPORTED,
        "ExpirationModel": ExpirationModel.of(material.expires),
        **({"ValidTo": material.expires} if material.expires else {}),
        **described,
    }
