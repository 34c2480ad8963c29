from typing import Any

import pytest

from kmslab import CiphertextBlob, Lab, SecretBytes

EITHER = "Please specify either number of bytes or key spec."


@pytest.mark.parametrize(
    ("members", "size"),
    [
        ({"KeySpec": "AES_128"}, 16),
        ({"KeySpec": "AES_256"}, 32),
        ({"NumberOfBytes": 1}, 1),
        ({"NumberOfBytes": 64}, 64),
        ({"NumberOfBytes": 1024}, 1024),
    ],
    ids=str,
)
def test_data_key_has_the_size_that_was_asked_for(
    lab: Lab, key: str, members: dict[str, Any], size: int
) -> None:
    answer = lab.kms.generate_data_key(KeyId=key, EncryptionContext={"a": "1"}, **members)
    material = lab.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    plaintext, blob = answer.pop("Plaintext"), answer.pop("CiphertextBlob")
    assert answer == {"KeyId": key, "KeyMaterialId": material}
    assert (type(plaintext), type(blob)) == (SecretBytes, CiphertextBlob)
    assert len(plaintext) == size
    opened = lab.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"})
    assert opened["Plaintext"] == plaintext


def test_data_key_without_plaintext_has_none_until_it_is_decrypted(lab: Lab, key: str) -> None:
    answer = lab.kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
    assert answer.keys() == {"CiphertextBlob", "KeyId", "KeyMaterialId"}
    assert len(lab.kms.decrypt(CiphertextBlob=answer["CiphertextBlob"])["Plaintext"]) == 32


OPERATIONS = ["generate_data_key", "generate_data_key_without_plaintext"]


@pytest.mark.parametrize("members", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}], ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_size_is_given_in_one_way(
    lab: Lab, key: str, refused: Any, operation: str, members: dict[str, Any]
) -> None:
    with refused("ValidationException", EITHER):
        getattr(lab.kms, operation)(KeyId=key, **members)


@pytest.mark.parametrize(
    ("size", "bound"), [(0, "greater than or equal to 1"), (1025, "less than or equal to 1024")]
)
@pytest.mark.parametrize("operation", [*OPERATIONS, "generate_random"])
def test_size_has_bounds(
    lab: Lab, key: str, refused: Any, operation: str, size: int, bound: str
) -> None:
    named = {} if operation == "generate_random" else {"KeyId": key}
    text = (
        f"1 validation error detected: Value '{size}' at 'numberOfBytes' failed to satisfy "
        f"constraint: Member must have value {bound}"
    )
    with refused("ValidationException", text):
        getattr(lab.kms, operation)(NumberOfBytes=size, **named)


def test_unknown_data_key_spec_is_refused(lab: Lab, key: str, refused: Any) -> None:
    text = (
        "1 validation error detected: Value 'AES_192' at 'keySpec' failed to satisfy constraint: "
        "Member must satisfy enum value set: [AES_256, AES_128]"
    )
    with refused("ValidationException", text):
        lab.kms.generate_data_key(KeyId=key, KeySpec="AES_192")


def test_no_data_key_is_made_twice(lab: Lab, key: str) -> None:
    answers = [lab.kms.generate_data_key(KeyId=key, KeySpec="AES_256") for _ in range(50)]
    assert len({bytes(answer["Plaintext"]) for answer in answers}) == 50
    assert len({bytes(answer["CiphertextBlob"]) for answer in answers}) == 50


def test_random_bytes_need_no_key_and_a_number(lab: Lab, refused: Any) -> None:
    draws = {bytes(lab.kms.generate_random(NumberOfBytes=32)["Plaintext"]) for _ in range(50)}
    assert len(draws) == 50
    assert {len(draw) for draw in draws} == {32}
    with refused("ValidationException", "NumberOfBytes is required."):
        lab.kms.generate_random()
