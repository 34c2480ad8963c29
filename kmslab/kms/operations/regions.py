"""Multi-Region keys: related keys of one id and one key material, each an independent key.

Rule: what related keys share is changed on the primary, and one commit changes all of them. Here
one process and one store hold every Region, so replication is simulated: AWS sends the material
from one Region's HSMs to another's. What remains visible is the time it takes, by the lab's clock.
Source: AWS KMS developer guide, "Multi-Region keys in AWS KMS".
"""

from dataclasses import replace
from typing import Any

from kmslab.kms import twins
from kmslab.kms.arn import is_region_of, known_arn
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.events import Elsewhere
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.specs import Origin
from kmslab.kms.contract.states import PENDING, KeyState
from kmslab.kms.lifecycle import SYNCHRONIZING
from kmslab.kms.operations import keys
from kmslab.kms.operations.importing import to_be_brought, with_materials
from kmslab.kms.operations.metadata import metadata
from kmslab.kms.operations.policies import check_control

TRANSIENT = (KeyState.CREATING, KeyState.UPDATING)


def replicate(call: Call, primary: Key) -> dict[str, Any]:
    """The replica does not inherit the policy, description or tags; without a policy it gets the
    default one."""
    replica = _replica(call, primary)
    check_control(call, replica)
    call.put(replica, primary)  # unchanged: who looked for its replicas before comes too late
    materials = call.records.find(Material, key=primary.arn)
    if primary.origin is Origin.EXTERNAL:  # AWS does not copy it: the owner brings it there too
        call.put(*(to_be_brought(replica, each) for each in materials if not each.is_pending))
    else:
        call.put(*call.backing(primary).copy(call.records, replica, materials, call.now))
    shown = metadata(call.records, replica, call.state_of(replica))
    tags = [{"TagKey": name, "TagValue": value} for name, value in replica.tags.items()]
    created = {
        "Policy": replica.policy,
        "Description": replica.description,
        "KeySpec": replica.spec,
        "KeyUsage": replica.usage,
        "Origin": replica.origin,
        "MultiRegion": True,
        "Tags": tags,
    }
    call.elsewhere[replica.arn] = Elsewhere("CreateKey", created, {"KeyMetadata": shown})
    return {"ReplicaKeyMetadata": shown, "ReplicaPolicy": replica.policy, "ReplicaTags": tags}


def _replica(call: Call, primary: Key) -> Key:
    region = call["ReplicaRegion"]
    if region == primary.region or not is_region_of(call.caller.partition, region):
        fail(
            "ValidationException",
            f"{region} is not a valid replica Region for {primary.arn}: it must be another Region "
            "of the same partition.",
        )
    arn = replace(call.caller, region=region).here + f"key/{primary.id}"
    if call.records.get(Key, arn):
        fail("AlreadyExistsException", f"Key {arn} already exists")
    return replace(
        keys.new_key(call, arn, primary.spec, primary.usage),
        origin=primary.origin,
        state=KeyState.CREATING,
        primary_arn=primary.arn,
        ready=call.now + SYNCHRONIZING,
        material=primary.material,
        lacks_material=primary.origin is Origin.EXTERNAL,
        rotation_days=primary.rotation_days,
        next_rotation=primary.next_rotation,
        rotate_at=primary.rotate_at,
        rotations_on_demand=primary.rotations_on_demand,
    )


def update_primary(call: Call, primary: Key, replica: Key | None = None) -> dict[str, Any]:
    """The two keys change roles at once. While they show Updating, cryptography goes on."""
    region = call["PrimaryRegion"]
    if replica is None:
        arn = replace(call.caller, region=region).here + f"key/{primary.id}"
        fail("NotFoundException", f"Key '{arn}' does not exist")
    if replica.arn == primary.arn:
        fail("ValidationException", f"{region} is already the primary Region of {primary.arn}.")
    changing = {primary.arn, replica.arn}
    for each in (primary, *twins.related(call, primary)):
        moved = replace(each, primary_arn=replica.arn)
        if each.arn in changing:
            moved = replace(moved, state=KeyState.UPDATING, ready=call.now + SYNCHRONIZING)
        call.put(moved)
    _pass_on_what_waits(call, primary, replica)
    call.elsewhere[replica.arn] = Elsewhere(call.name, call.request, {})
    return {}


def _pass_on_what_waits(call: Call, old: Key, new: Key) -> None:
    """Imported material that waits for a rotation waits on the new primary, to be brought there."""
    known = {each.id for each in call.records.find(Material, key=new.arn)}
    waiting = [each for each in call.records.find(Material, key=old.arn) if each.is_pending]
    call.put(*(to_be_brought(new, each) for each in waiting if each.id not in known))


def seed(call: Call) -> dict[str, Any]:
    """The lab's own operation: makes a key, and those of its replicas that are not there yet."""
    answer = keys.seed(call)
    key = call.records.get(Key, answer["KeyId"])
    if key is None or key.state in PENDING:
        return answer
    there = {each.region for each in (key, *twins.related(call, key))}
    for region in sorted({*call.get("ReplicaRegions", ())} - there):
        replica = _seeded_replica(call, key, str(known_arn(key.arn)._replace(region=region)))
        shown = {"KeyMetadata": metadata(call.records, replica, replica.state)}
        call.elsewhere[replica.arn] = Elsewhere("CreateKey", {}, shown)
    return answer


def _seeded_replica(call: Call, key: Key, arn: str) -> Key:
    """It comes with the materials that its primary has; a lost one has to be brought there too."""
    replica = replace(key, arn=arn, ready=None, created=call.now, version=0)
    used = [each for each in call.records.find(Material, key=key.arn) if not each.is_pending]
    here = [each for each in used if not each.is_gone]
    lost = [to_be_brought(replica, each) for each in used if each.is_gone]
    copies = call.backing(key).copy(call.records, replica, here, call.now)
    replica = with_materials(
        replica, [*lost, *(each for each in copies if isinstance(each, Material))]
    )
    brought = call.get("State", KeyState.ENABLED)
    replica = replace(replica, state=KeyState.PENDING_IMPORT if replica.lacks_material else brought)
    call.put(replica, *lost, *copies)
    return replica


def synchronize(call: Call, key: Key) -> dict[str, Any]:
    """The service's own act: the key is no longer Creating or Updating."""
    state = KeyState.PENDING_IMPORT if key.lacks_material else KeyState.ENABLED
    call.put(replace(key, state=state if key.state in TRANSIENT else key.state, ready=None))
    return {}
