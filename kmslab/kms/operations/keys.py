"""KMS keys: their creation, and their states until deletion."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kmslab.kms import twins
from kmslab.kms.access import check_key_policy
from kmslab.kms.arn import known_arn
from kmslab.kms.audit import event_id
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.events import TRACKING_BEGAN
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import Alias, Grant, Key, Material
from kmslab.kms.contract.specs import (
    KEY_SPECS,
    SYMMETRIC_DEFAULT,
    KeyKind,
    KeyManager,
    KeyUsage,
    Origin,
    Reach,
)
from kmslab.kms.contract.states import KeyState
from kmslab.kms.operations.key_stores import placed
from kmslab.kms.operations.metadata import metadata
from kmslab.kms.operations.pages import stored_page
from kmslab.kms.operations.policies import check_control, default_policy
from kmslab.kms.operations.tags import merged_tags

MULTI_REGION = "mrk-"  # begins the id of each multi-Region key, and of no other key

TWO_SPECS = (
    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
    "CustomerMasterKeySpec is deprecated."
)
NO_USAGE = (
    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
)
# An older text, seen for one misfit alone.
NO_SIGNING = (
    "The operation failed because the KeyUsage value of the CMK is SIGN_VERIFY. To perform this "
    "operation, the KeyUsage value must be ENCRYPT_DECRYPT."
)


def create(call: Call, store: KeyStore | None = None) -> dict[str, Any]:
    spec, usage = _spec_and_usage(call)
    arn = f"{call.caller.here}key/{_new_id(call)}"
    key = placed(call, new_key(call, arn, spec, usage), store)
    check_control(call, key)
    if not key.lacks_material:
        material, *domain = call.backing(key).create(call.records, key, call.now)
        key = replace(key, material=material.id)
        call.put(material, *domain)
    call.put(key)
    return {"KeyMetadata": metadata(call.records, key, call.state_of(key))}


def seed(call: Call) -> dict[str, Any]:
    """The lab's own operation: creates a key with values that no request can choose.

    It creates the keys of a seed file, once for each id, and an AWS service's key in an account,
    whose id is random, once for its first alias.
    """
    spec, usage = _spec_and_usage(call)
    arn = _named_already(call) or f"{call.caller.here}key/{call.get('KeyId') or _new_id(call)}"
    if call.records.get(Key, arn) is None:
        _put_seeded(call, new_key(call, arn, spec, usage))
    for name in call.get("Aliases", ()):
        if call.records.get(Alias, call.caller.here + name) is None:
            call.put(
                Alias(arn=call.caller.here + name, target=arn, created=call.now, updated=call.now)
            )
    return {"KeyId": arn}


def _put_seeded(call: Call, key: Key) -> None:
    """With several materials, oldest first, the key looks as if it had been rotated."""
    number, material_id, backing = 0, "", call.backing(key)
    if "Materials" not in call.request and not key.lacks_material:
        material, *domain = backing.create(call.records, key, call.now)
        call.put(material, *domain)
        material_id = material.id
    for number, known in enumerate(call.get("Materials", ())):
        material, *domain = backing.take(call.records, key, call.now, known)
        call.put(replace(material, number=number, rotation="ON_DEMAND" if number else ""), *domain)
        material_id = material.id
    days = call.get("RotationPeriodInDays", 0)
    first = call.get("NextRotation", call.now + timedelta(days=days))
    call.put(
        replace(
            key,
            material=material_id,
            manager=call.get("KeyManager", KeyManager.CUSTOMER),
            state=call.get("State", KeyState.ENABLED) if material_id else KeyState.PENDING_IMPORT,
            lacks_material=not material_id,
            rotation_days=days,
            next_rotation=max(first, call.now) if days else None,  # missed rotations happen once
            rotations_on_demand=number,
        )
    )


def _named_already(call: Call) -> str | None:
    if "KeyId" in call.request:
        return None
    names = [call.caller.here + name for name in call.get("Aliases", ())[:1]]
    aliases = [call.records.get(Alias, name) for name in names]
    return next((alias.target for alias in aliases if alias), None)


def describe(call: Call, key: Key) -> dict[str, Any]:
    return {"KeyMetadata": metadata(call.records, key, call.state_of(key))}


def list_(call: Call) -> dict[str, Any]:
    keys, paging = stored_page(call, Key, f"{call.caller.here}key/", default=100, maximum=1000)
    return {"Keys": [{"KeyId": key.id, "KeyArn": key.arn} for key in keys], **paging}


def update_description(call: Call, key: Key) -> dict[str, Any]:
    call.put(replace(key, description=call["Description"]))
    return {}


def enable(call: Call, key: Key) -> dict[str, Any]:
    """A rotation that became due while the key was disabled is due now."""
    late = key.next_rotation and max(key.next_rotation, call.now)
    asked = key.rotate_at and call.now
    enabled = replace(key, state=KeyState.ENABLED)
    if key.reach is Reach.REPLICA:
        call.put(enabled)  # only its primary rotates
    else:
        twins.put_shared(call, enabled, next_rotation=late, rotate_at=asked)
    return {}


def disable(call: Call, key: Key) -> dict[str, Any]:
    call.put(replace(key, state=KeyState.DISABLED))
    return {}


def schedule_deletion(call: Call, key: Key) -> dict[str, Any]:
    """The model allows 1 to 365 days; the service accepts 7 to 30 (API reference).

    A primary's waiting period begins when its last replica has been deleted.
    """
    days = call.get("PendingWindowInDays", 30)
    if not 7 <= days <= 30:
        fail("ValidationException", "PendingWindowInDays must be between 7 and 30")
    answer = {"KeyId": key.arn, "PendingWindowInDays": days}
    if key.reach is Reach.PRIMARY and twins.related(call, key):
        key = replace(key, state=KeyState.PENDING_REPLICA_DELETION, deletion_days=days)
    else:
        key = pending(key, call.now + timedelta(days=days))
        answer["DeletionDate"] = key.deletion_date
    call.put(key)
    return {**answer, "KeyState": key.state}


def pending(key: Key, until: datetime) -> Key:
    return replace(key, state=KeyState.PENDING_DELETION, deletion_date=until, deletion_days=0)


def cancel_deletion(call: Call, key: Key) -> dict[str, Any]:
    """The key becomes Disabled, so that it is not used by accident."""
    state = KeyState.PENDING_IMPORT if key.lacks_material else KeyState.DISABLED
    call.put(replace(key, state=state, deletion_date=None, deletion_days=0))
    return {"KeyId": key.arn}


def delete(call: Call, key: Key) -> dict[str, Any]:
    """The service deletes the key after the waiting period. Its ciphertexts never open again.

    A related key still opens them. A primary that waited for its last replica starts to count.
    """
    related = twins.related(call, key)
    for primary in related if len(related) == 1 else ():
        if primary.state is KeyState.PENDING_REPLICA_DELETION:
            call.put(pending(primary, call.now + timedelta(days=primary.deletion_days)))
    call.remove(*call.records.find(Alias, target=key.arn))
    call.remove(*call.records.find(Grant, key=key.arn))
    call.remove(*call.records.find(Material, key=key.arn), key)
    return {}


def last_usage(call: Call, key: Key) -> dict[str, Any]:
    """Counts successful cryptographic operations. KeyId is the request's, as in AWS's example."""
    use = call.records.last_use(key.arn)
    shown = (
        {
            "Operation": use.operation,
            "Timestamp": use.time,
            "CloudTrailEventId": event_id(use.request_id),
            "KmsRequestId": use.request_id,
        }
        if use
        else {}
    )
    return {
        "KeyId": call["KeyId"],
        "KeyLastUsage": shown,
        "TrackingStartDate": max(key.created, TRACKING_BEGAN),
        "KeyCreationDate": key.created,
    }


def _new_id(call: Call) -> str:
    name = call.new_id()
    return f"{MULTI_REGION}{name.replace('-', '')}" if call.get("MultiRegion") else name


def new_key(call: Call, arn: str, spec: str, usage: KeyUsage) -> Key:
    """The key that the request describes, without its material."""
    policy = call.get("Policy")
    external = call.get("Origin") == Origin.EXTERNAL
    return Key(
        arn=arn,
        spec=spec,
        usage=usage,
        origin=Origin.EXTERNAL if external else Origin.AWS_KMS,
        state=KeyState.PENDING_IMPORT if external else KeyState.ENABLED,
        lacks_material=external,
        created=call.now,
        description=call.get("Description", ""),
        policy=check_key_policy(policy, call.records, call.caller.partition)
        if policy
        else default_policy(call.caller.account, call.caller.partition),
        material="",
        primary_arn=arn if known_arn(arn).name.startswith(MULTI_REGION) else "",
        tags=merged_tags({}, call.get("Tags", [])),
    )


def _spec_and_usage(call: Call) -> tuple[str, KeyUsage]:
    """CustomerMasterKeySpec is KeySpec's name from before 2021; a request may use either."""
    if "KeySpec" in call.request and "CustomerMasterKeySpec" in call.request:
        fail("ValidationException", TWO_SPECS)
    spec = call.get("KeySpec") or call.get("CustomerMasterKeySpec", SYMMETRIC_DEFAULT)
    if spec not in KEY_SPECS:
        fail("UnsupportedOperationException", f"{spec} is offered in the China Regions only.")
    if "KeyUsage" not in call.request and KEY_SPECS[spec].kind is not KeyKind.SYMMETRIC:
        fail("ValidationException", NO_USAGE)
    usage = KeyUsage(call.get("KeyUsage", KeyUsage.ENCRYPT_DECRYPT))
    allowed = KEY_SPECS[spec].algorithms
    if usage not in allowed:
        text = f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        is_old = (spec, usage) == (SYMMETRIC_DEFAULT, KeyUsage.SIGN_VERIFY)
        fail("ValidationException", NO_SIGNING if is_old else text)
    return spec, usage
