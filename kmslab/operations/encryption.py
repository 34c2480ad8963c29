"""Encrypt, Decrypt, ReEncrypt: data goes to the key, because the key never leaves."""

from typing import Any

from kmslab.call import Call
from kmslab.contract.records import Key


def encrypt(call: Call, key: Key) -> dict[str, Any]:
    part = call.role
    blob = call.backing(key).encrypt(part.material, call["Plaintext"], part.context)
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": part.algorithm}


def decrypt(call: Call, key: Key) -> dict[str, Any]:
    """The blob has named the key and the piece of its material; the caller chooses neither."""
    part = call.role
    plaintext = call.backing(key).decrypt(part.material, call["CiphertextBlob"], part.context)
    return {
        "KeyId": key.arn,
        "Plaintext": plaintext,
        "EncryptionAlgorithm": part.algorithm,
        "KeyMaterialId": part.material.id,
    }


def re_encrypt(call: Call, old: Key, new: Key) -> dict[str, Any]:
    """The plaintext passes from one key to the other and is never in the answer."""
    source, destination = call.parts
    plaintext = call.backing(old).decrypt(source.material, call["CiphertextBlob"], source.context)
    blob = call.backing(new).encrypt(destination.material, plaintext, destination.context)
    return {
        "CiphertextBlob": blob,
        "SourceKeyId": old.arn,
        "KeyId": new.arn,
        "SourceEncryptionAlgorithm": source.algorithm,
        "DestinationEncryptionAlgorithm": destination.algorithm,
        "SourceKeyMaterialId": source.material.id,
        "DestinationKeyMaterialId": destination.material.id,
    }
