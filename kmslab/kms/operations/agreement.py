"""Public keys, and secrets that two sides share: agreed on by ECDH, or encapsulated by ML-KEM."""

from typing import Any

from kmslab.kms.call import Call
from kmslab.kms.contract.records import Key
from kmslab.kms.contract.specs import ALGORITHMS_MEMBER, KEY_SPECS


def get_public_key(call: Call, key: Key) -> dict[str, Any]:
    """SubjectPublicKeyInfo in DER (RFC 5280), which anyone can use without the KMS."""
    return {
        "KeyId": key.arn,
        "PublicKey": call.backing(key).public_key(call.role.material),
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        ALGORITHMS_MEMBER[key.usage]: list(KEY_SPECS[key.spec].algorithms[key.usage]),
    }


def derive_shared_secret(call: Call, key: Key) -> dict[str, Any]:
    """The raw x coordinate (SP 800-56A): both sides still have to derive a key from it."""
    secret = call.backing(key).agree(call.role.material, call.role.algorithm, call["PublicKey"])
    return {
        "KeyId": key.arn,
        "SharedSecret": secret,
        "KeyAgreementAlgorithm": call.role.algorithm,
        "KeyOrigin": key.origin,
    }


def encapsulate(call: Call, key: Key) -> dict[str, Any]:
    ciphertext, secret = call.backing(key).encapsulate(call.role.material, call.role.algorithm)
    return {
        "KeyId": key.arn,
        "SharedSecret": secret,
        "SharedSecretCiphertextBlob": ciphertext,
        "EncapsulationAlgorithm": call.role.algorithm,
    }


def decapsulate(call: Call, key: Key) -> dict[str, Any]:
    """A changed ciphertext of the right length is not an error: it gives a different secret."""
    ciphertext = call["SharedSecretCiphertextBlob"]
    secret = call.backing(key).decapsulate(call.role.material, call.role.algorithm, ciphertext)
    return {
        "KeyId": key.arn,
        "SharedSecret": secret,
        "EncapsulationAlgorithm": call.role.algorithm,
    }
