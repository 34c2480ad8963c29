"""Signatures and MACs: proof that a message was signed with the key and has not changed since.

Verifying never answers false: a signature or MAC that does not verify is an error.
"""

from typing import Any

from kmslab.crypto.message_types import MESSAGE_TYPES, MessageType
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Key


def sign(call: Call, key: Key) -> dict[str, Any]:
    message, form = _message(call)
    algorithm = call.role.algorithm
    signature = call.backing(key).sign(call.role.material, algorithm, message, form)
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


def verify(call: Call, key: Key) -> dict[str, Any]:
    message, form = _message(call)
    algorithm = call.role.algorithm
    material, signature = call.role.material, call["Signature"]
    call.backing(key).verify(material, algorithm, message, form, signature)
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


def generate_mac(call: Call, key: Key) -> dict[str, Any]:
    algorithm = call.role.algorithm
    mac = call.backing(key).mac(call.role.material, algorithm, call["Message"])
    return {"KeyId": key.arn, "Mac": mac, "MacAlgorithm": algorithm}


def verify_mac(call: Call, key: Key) -> dict[str, Any]:
    algorithm = call.role.algorithm
    call.backing(key).verify_mac(call.role.material, algorithm, call["Message"], call["Mac"])
    return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": algorithm}


def _message(call: Call) -> tuple[bytes, MessageType]:
    """The message and its type. A digest must be as long as the algorithm's hash."""
    message: bytes = call["Message"]
    algorithm, form = call.role.algorithm, MessageType(call.get("MessageType", MessageType.RAW))
    forms = MESSAGE_TYPES[algorithm]
    if form not in forms:
        fail("ValidationException", f"Message type {form} is not valid for algorithm {algorithm}.")
    if forms[form] not in (None, len(message)):
        fail("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
    return message, form
