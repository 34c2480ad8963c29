"""Imported key material: its owner brings it, can take it away, and must be able to bring it again.

A symmetric key may have several materials. It works only while it has all those that it has ever
encrypted with. One more can wait, pending, until a rotation makes it current.
Source: AWS KMS developer guide, "Importing key material".
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kmslab.kms import twins
from kmslab.kms.arn import known_arn
from kmslab.kms.backing.importing import Importing
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.importing import LONGEST, VALID, ExpirationModel, ImportType, wraps
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind, Reach
from kmslab.kms.contract.states import KeyState

NEW, EXISTING = ImportType
EXPIRES, STAYS = ExpirationModel
SYMMETRIC_ONLY = ("ImportType", "KeyMaterialId", "KeyMaterialDescription")


def parameters(call: Call, key: Key) -> dict[str, Any]:
    """The answer is all that remembers it: nothing is stored."""
    algorithm, wrapping_key = call["WrappingAlgorithm"], call["WrappingKeySpec"]
    if not wraps(key.spec, algorithm, wrapping_key):
        fail(
            "UnsupportedOperationException",
            f"Wrapping algorithm {algorithm} with wrapping key spec {wrapping_key} is not "
            f"supported for key spec {key.spec}.",
        )
    valid_to = call.now + VALID
    public, token = _backing(call, key).import_parameters(key, algorithm, wrapping_key, valid_to)
    return {
        "KeyId": key.arn,
        "ImportToken": token,
        "PublicKey": public,
        "ParametersValidTo": valid_to,
    }


def import_material(call: Call, key: Key) -> dict[str, Any]:
    expires = _expiry(call)
    _check_members(call, key)
    backing = _backing(call, key)
    secret = backing.unwrap(key, call["ImportToken"], call["EncryptedKeyMaterial"], call.now)
    sealed, *domain = backing.take(call.records, key, call.now, secret)
    known = call.records.find(Material, key=key.arn)
    stored = next((each for each in known if each.id == sealed.id), None)
    stored = stored or _primarys(call, key, sealed)
    _check_type(call, key, known, sealed, is_known=stored is not None)
    if stored:
        material = replace(stored, sealed=sealed.sealed, domain=sealed.domain)
    else:
        number = max((each.number + 1 for each in known), default=0)
        material = replace(sealed, number=number)
        key = key if number else replace(key, material=material.id)
    described = call.get("KeyMaterialDescription", material.description)
    material = replace(material, expires=expires, description=described)
    others = [each for each in known if each.id != material.id]
    call.put(_awake(with_materials(key, [*others, material])), material, *domain)
    return {"KeyId": key.arn, "KeyMaterialId": material.id}


def _primarys(call: Call, key: Key, material: Material) -> Material | None:
    """The same material of the primary, which waits for its rotation until each replica has it."""
    if key.reach is not Reach.REPLICA:
        return None
    region = known_arn(key.primary_arn).region
    found = call.records.get(Material, f"{region}/{material.id}")
    return to_be_brought(key, found) if found and found.is_pending else None


def delete_material(call: Call, key: Key) -> dict[str, Any]:
    """Without an id it is the current material. A key that has none is left as it is."""
    chosen = call.get("KeyMaterialId", key.material)
    known = call.records.find(Material, key=key.arn)
    material = next((each for each in known if each.id == chosen), None)
    if material is None:
        if "KeyMaterialId" in call.request:
            fail("NotFoundException", f"Key material '{chosen}' does not exist")
        return {"KeyId": key.arn}
    _forget(call, key, known, material)
    return {"KeyId": key.arn, "KeyMaterialId": material.id}


def delete_expired(call: Call, key: Key) -> dict[str, Any]:
    """The service's own act: the material that expires first is deleted, others at their time."""
    known = call.records.find(Material, key=key.arn)
    present = [(each.expires, each) for each in known if each.sealed and each.expires]
    _, material = min(present, key=lambda pair: pair[0])
    _forget(call, key, known, material)
    call.details |= {"keyMaterialId": material.id}
    return {}


def with_materials(key: Key, materials: Iterable[Material]) -> Key:
    """The key with what its record says about its imported materials: what is missing, and when
    the first of them expires."""
    pending = [each for each in materials if each.is_pending]
    used = [each for each in materials if not each.is_pending]
    return replace(
        key,
        lacks_material=not used or not all(each.sealed for each in used),
        expires=_first_end(used),
        pending_expires=_first_end(pending),
    )


def to_be_brought(replica: Key, material: Material) -> Material:
    """A primary's material as its new replica knows it: by its id alone."""
    return replace(
        material,
        handle=f"{replica.region}/{material.id}",
        key=replica.arn,
        sealed=b"",
        expires=None,
        version=0,
    )


def pending_everywhere(call: Call, key: Key) -> list[tuple[Key, Material]]:
    """The key and its relatives, each with the material that waits for the next rotation.

    [] unless all of them have it.
    """
    keys = [key, *twins.related(call, key)]
    waiting = [(each, _pending(call, each)) for each in keys]
    ready = [(each, material) for each, material in waiting if material and material.sealed]
    return ready if len(ready) == len(keys) else []


def take_turn(call: Call, key: Key) -> list[Key]:
    """The key and its replicas with their pending material as the current one, which is staged."""
    turned = []
    for each, waiting in pending_everywhere(call, key):
        known = call.records.find(Material, key=each.arn)
        others = [other for other in known if other.id != waiting.id]
        current = replace(waiting, rotation="ON_DEMAND", created=call.now)
        call.put(current)
        turned.append(with_materials(replace(each, material=current.id), [*others, current]))
    return turned or [key, *twins.related(call, key)]  # another process has deleted it meanwhile


def _pending(call: Call, key: Key) -> Material | None:
    materials = call.records.find(Material, key=key.arn)
    return next((each for each in materials if each.is_pending), None)


def _forget(call: Call, key: Key, known: Sequence[Material], material: Material) -> None:
    """The record of material that was used stays: only the same bytes may take its place."""
    others = [each for each in known if each is not material]
    if material.is_pending:
        call.remove(material)
        call.put(with_materials(key, others))
        _forget_at_replicas(call, key)
        return
    gone = replace(material, sealed=b"", expires=None)
    key = with_materials(key, [*others, gone])
    works = key.state in (KeyState.ENABLED, KeyState.DISABLED, KeyState.UPDATING)
    call.put(replace(key, state=KeyState.PENDING_IMPORT) if works else key, gone)


def _forget_at_replicas(call: Call, key: Key) -> None:
    """What waits at a primary waits at its replicas; what a replica deletes stays elsewhere."""
    for replica in twins.related(call, key) if key.reach is Reach.PRIMARY else ():
        known = call.records.find(Material, key=replica.arn)
        call.remove(*(each for each in known if each.is_pending))
        call.put(with_materials(replica, [each for each in known if not each.is_pending]))


def _awake(key: Key) -> Key:
    """A key that has all its material again is enabled."""
    waits = key.state is KeyState.PENDING_IMPORT and not key.lacks_material
    return replace(key, state=KeyState.ENABLED) if waits else key


def _first_end(materials: Iterable[Material]) -> datetime | None:
    return min((each.expires for each in materials if each.sealed and each.expires), default=None)


def _expiry(call: Call) -> datetime | None:
    """When the material is to expire, as the request says; None: never."""
    model, valid_to = call.get("ExpirationModel", EXPIRES), call.get("ValidTo")
    if model == STAYS:
        if valid_to is not None:
            text = f"A validTo date must not be set if the ExpirationModel is {STAYS}"
            fail("ValidationException", text)
        return None
    if valid_to is None:
        fail(
            "ValidationException",
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        )
    if not call.now < valid_to <= call.now + LONGEST:
        text = f"The validTo date must be in the future, at most {LONGEST.days} days from now."
        fail("ValidationException", text)
    found: datetime = valid_to
    return found


def _check_members(call: Call, key: Key) -> None:
    """Raise for members that only a key takes that can have several materials."""
    given = [member for member in SYMMETRIC_ONLY if member in call.request]
    if given and KEY_SPECS[key.spec].kind is not KeyKind.SYMMETRIC:
        fail("ValidationException", f"{given[0]} is not valid for a key of spec {key.spec}.")
    if call.get("ImportType") == NEW and key.reach is Reach.REPLICA:
        fail("UnsupportedOperationException", f"{key.arn} is not a multi-region primary key.")
    if call.get("ImportType") == NEW and "KeyMaterialId" in call.request:
        text = "KeyMaterialId cannot be specified if the ImportType is NEW_KEY_MATERIAL"
        fail("ValidationException", text)


def _check_type(
    call: Call, key: Key, known: Sequence[Material], material: Material, *, is_known: bool
) -> None:
    """Raise unless it is new where new material is expected, and else the same as before."""
    expected = call.get("ImportType", EXISTING if known else NEW)
    named = call.get("KeyMaterialId", material.id)
    if expected == NEW and is_known:
        text = f"Key material (id: {material.id}) has been imported into KMS key {key.arn} already."
        fail("IncorrectKeyMaterialException", text)
    if (expected == EXISTING and not is_known) or named != material.id:
        text = f"This is not the key material that was imported into KMS key {key.arn} before."
        fail("IncorrectKeyMaterialException", text)
    pending = next((each for each in known if each.is_pending), None)
    if expected == NEW and pending:
        fail(
            "KMSInvalidStateException",
            f"New key material (id: {material.id}) cannot be imported into KMS key {key.arn}, "
            f"because another key material (id: {pending.id}) is pending rotation.",
        )


def _backing(call: Call, key: Key) -> Importing:
    backing = call.backing(key)
    if not isinstance(backing, Importing):
        raise RuntimeError(f"nothing can be imported into keys of origin {key.origin}")
    return backing
