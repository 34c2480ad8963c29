"""Data keys: made and wrapped here, used elsewhere. The service keeps none of them."""

from typing import Any

from kmslab.call import Call
from kmslab.contract.errors import fail
from kmslab.contract.records import Key
from kmslab.contract.specs import DATA_KEY_SPECS, Origin


def generate(call: Call, key: Key) -> dict[str, Any]:
    backing = call.backing(key)
    plaintext = backing.random(_size(call))
    return {
        "CiphertextBlob": backing.encrypt(call.role.material, plaintext, call.role.context),
        "Plaintext": plaintext,
        "KeyId": key.arn,
        "KeyMaterialId": call.role.material.id,
    }


def generate_without_plaintext(call: Call, key: Key) -> dict[str, Any]:
    answer = generate(call, key)
    del answer["Plaintext"]
    return answer


def generate_random(call: Call) -> dict[str, Any]:
    """The model leaves NumberOfBytes optional; the service has always asked for it."""
    if "NumberOfBytes" not in call.request:
        fail("ValidationException", "Please specify either number of bytes or key spec.")
    return {"Plaintext": call.backings[Origin.AWS_KMS].random(call["NumberOfBytes"])}


def _size(call: Call) -> int:
    """In bytes; exactly one of the two members says it (API reference, GenerateDataKey)."""
    if ("KeySpec" in call.request) == ("NumberOfBytes" in call.request):
        fail("ValidationException", "Please specify either number of bytes or key spec.")
    size: int = call.get("NumberOfBytes") or DATA_KEY_SPECS[call["KeySpec"]]
    return size
