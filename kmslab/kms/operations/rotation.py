"""Rotation: new key material for new ciphertexts. Old ones name the old material and still open.

A rotation on demand is due at once. The service then runs it like a scheduled one.
Source: AWS KMS developer guide, "Rotate AWS KMS keys".
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.states import PENDING
from kmslab.kms.operations.pages import page_of

MAX_ON_DEMAND = 25  # in a key's life; "Resource quotas", not adjustable
MIN_DISTANCE = timedelta(minutes=20)  # to the next automatic rotation


def enable(call: Call, key: Key) -> dict[str, Any]:
    """Enabling it again changes the period and starts it from now."""
    days = call.get("RotationPeriodInDays", 365)
    call.put_shared(key, rotation_days=days, next_rotation=call.now + timedelta(days=days))
    return {}


def disable(call: Call, key: Key) -> dict[str, Any]:
    call.put_shared(key, rotation_days=0, next_rotation=None)
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
    call.put_shared(key, rotate_at=call.now, rotations_on_demand=key.rotations_on_demand + 1)
    return {"KeyId": key.arn}


def rotate(call: Call, key: Key) -> dict[str, Any]:
    """The service's own act: the rotation that is due, on demand or scheduled.

    A primary's replicas get the same material in the same commit, so none lacks it.
    """
    on_demand = key.rotate_at is not None and key.rotate_at <= call.now
    kind = "ON_DEMAND" if on_demand else "AUTOMATIC"
    number = len(call.records.find(Material, key=key.arn))
    material, *domain = call.backing(key).create(call.records, key, call.now)
    material = replace(material, number=number, rotation=kind)
    call.put(material, *domain)
    for replica in call.related(key):
        call.put(*call.backing(key).copy(call.records, replica, [material], call.now))
    if on_demand:
        call.put_shared(key, material=material.id, rotate_at=None)
    else:
        after = call.now + timedelta(days=key.rotation_days)
        call.put_shared(key, material=material.id, next_rotation=after)
    call.details |= {
        "rotationType": kind,
        "keyOrigin": key.origin,
        "previousKeyMaterialId": key.material,
        "currentKeyMaterialId": material.id,
        "keyId": key.id,
    }
    return {}


def list_(call: Call, key: Key) -> dict[str, Any]:
    """The first material came with the key, not by rotation; it is shown only on request."""
    first = 0 if call.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL" else 1
    prefix = f"rotation of {key.arn} "
    materials = {
        f"{prefix}{each.number:09}": each
        for each in call.records.find(Material, key=key.arn)
        if each.number >= first
    }
    shown, paging = page_of(call, materials, prefix, default=100, maximum=1000)
    return {"Rotations": [_entry(key, material) for material in shown], **paging}


def _entry(key: Key, material: Material) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "KeyId": key.id,
        "KeyMaterialId": material.id,
        "KeyMaterialState": "CURRENT" if material.id == key.material else "NON_CURRENT",
    }
    if material.rotation:
        entry |= {"RotationDate": material.created, "RotationType": material.rotation}
    return entry
