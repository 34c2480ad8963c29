"""Data keys: generated and wrapped here, used elsewhere. The service keeps none of them."""

from typing import Any

from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import Key
from kmslab.kms.contract.specs import DATA_KEY_SPECS, KEY_SPECS, Origin


def generate(call: Call, key: Key) -> dict[str, Any]:
    role, backing, material = call.role, call.backing(key), call.role.material
    plaintext = backing.random(_size(call))
    wrapped = backing.encrypt(material, role.algorithm, plaintext, role.context)
    return {
        "CiphertextBlob": wrapped,
        "Plaintext": plaintext,
        "KeyId": key.arn,
        "KeyMaterialId": material.id,
    }


def generate_without_plaintext(call: Call, key: Key) -> dict[str, Any]:
    answer = generate(call, key)
    del answer["Plaintext"]
    return answer


def generate_pair(call: Call, key: Key) -> dict[str, Any]:
    """The private key is in PKCS#8, the public key a SubjectPublicKeyInfo, both in DER."""
    spec = call["KeyPairSpec"]
    if spec not in KEY_SPECS:
        fail("UnsupportedOperationException", f"{spec} is offered in the China Regions only.")
    role, backing, material = call.role, call.backing(key), call.role.material
    private, public = backing.key_pair(spec)
    wrapped = backing.encrypt(material, role.algorithm, private, role.context)
    return {
        "PrivateKeyCiphertextBlob": wrapped,
        "PrivateKeyPlaintext": private,
        "PublicKey": public,
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": material.id,
    }


def generate_pair_without_plaintext(call: Call, key: Key) -> dict[str, Any]:
    answer = generate_pair(call, key)
    del answer["PrivateKeyPlaintext"]
    return answer


def generate_random(call: Call, store: KeyStore | None = None) -> dict[str, Any]:
    """NumberOfBytes is optional in the model and required by the service."""
    if "NumberOfBytes" not in call.request:
        fail("ValidationException", "NumberOfBytes is required.")
    size, kms = call["NumberOfBytes"], call.backings[Origin.AWS_KMS]
    drawn = call.key_stores[store.type].draw(store, size) if store else kms.random(size)
    return {"Plaintext": drawn}


def _size(call: Call) -> int:
    """In bytes. A request has exactly one of the two members (API reference, GenerateDataKey)."""
    if ("KeySpec" in call.request) == ("NumberOfBytes" in call.request):
        fail("ValidationException", "Please specify either number of bytes or key spec.")
    size: int = call.get("NumberOfBytes") or DATA_KEY_SPECS[call["KeySpec"]]
    return size
