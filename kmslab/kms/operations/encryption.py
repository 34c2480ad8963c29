"""Encrypt, Decrypt, ReEncrypt: the data goes to the key, because the key never leaves."""

from typing import Any

from kmslab.kms.call import Call, FilledRole
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Key
from kmslab.kms.contract.specs import RSA_PLAINTEXT


def encrypt(call: Call, key: Key) -> dict[str, Any]:
    blob = _seal(call, key, call.role, call["Plaintext"])
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": call.role.algorithm}


def decrypt(call: Call, key: Key) -> dict[str, Any]:
    """A ciphertext blob names its key and key material; the caller chooses neither."""
    return {
        "KeyId": key.arn,
        "Plaintext": _open(call, key, call.role),
        "EncryptionAlgorithm": call.role.algorithm,
        **_material_id(call.role),
    }


def re_encrypt(call: Call, old: Key, new: Key) -> dict[str, Any]:
    """The plaintext goes from one key to the other and is never in the answer."""
    source, destination = call.roles
    return {
        "CiphertextBlob": _seal(call, new, destination, _open(call, old, source)),
        "SourceKeyId": old.arn,
        "KeyId": new.arn,
        "SourceEncryptionAlgorithm": source.algorithm,
        "DestinationEncryptionAlgorithm": destination.algorithm,
        **_material_id(source),
        **_material_id(destination),
    }


def _seal(call: Call, key: Key, role: FilledRole, plaintext: bytes) -> bytes:
    limit = RSA_PLAINTEXT.get((key.spec, role.algorithm), len(plaintext))
    if len(plaintext) > limit:
        fail(
            "ValidationException",
            f"Algorithm {role.algorithm} and key spec {key.spec} cannot encrypt data larger than "
            f"{limit} bytes.",
        )
    return call.backing(key).encrypt(role.material, role.algorithm, plaintext, role.context)


def _open(call: Call, key: Key, role: FilledRole) -> bytes:
    blob = call["CiphertextBlob"]
    return call.backing(key).decrypt(role.material, role.algorithm, blob, role.context)


def _material_id(role: FilledRole) -> dict[str, str]:
    """Only for symmetric keys: others have one piece of key material for life."""
    return {} if role.material.public else {f"{role.prefix}KeyMaterialId": role.material.id}
