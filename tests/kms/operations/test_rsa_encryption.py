"""RSA with Encrypt, Decrypt, ReEncrypt: anyone can encrypt outside; no ciphertext names its key."""

from typing import Any

import pytest
from Crypto.Cipher import oaep as pycryptodome_oaep
from Crypto.Hash import SHA1, SHA256
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, CiphertextBlob, SecretBytes
from kmslab.kms.contract.errors import KMSError
from tests.cases import for_every
from tests.kms.operations.keyring import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    MAC,
    SIGN,
    cmk,
    public,
    shared,
    slow,
)

kms = shared().kms

# RFC 8017 §7.1.1: k − 2h − 2 bytes.
LIMITS = {
    ("RSA_2048", "RSAES_OAEP_SHA_1"): 214,
    ("RSA_3072", "RSAES_OAEP_SHA_1"): 342,
    ("RSA_4096", "RSAES_OAEP_SHA_1"): 470,
    ("RSA_2048", "RSAES_OAEP_SHA_256"): 190,
    ("RSA_3072", "RSAES_OAEP_SHA_256"): 318,
    ("RSA_4096", "RSAES_OAEP_SHA_256"): 446,
}
MODULUS = {"RSA_2048": 256, "RSA_3072": 384, "RSA_4096": 512}
OTHER = {
    "RSAES_OAEP_SHA_1": "RSAES_OAEP_SHA_256",
    "RSAES_OAEP_SHA_256": "RSAES_OAEP_SHA_1",
}
every_way = for_every(("spec", "algorithm"), LIMITS, long=slow)
SHA_256 = "RSAES_OAEP_SHA_256"


def encrypt(key: CMK, algorithm: str, plaintext: bytes, **more: Any) -> bytes:
    request = {"Plaintext": plaintext, "EncryptionAlgorithm": algorithm, **more}
    blob: bytes = kms.encrypt(KeyId=key.arn, **request)["CiphertextBlob"]
    return blob


def decrypt(key: CMK, algorithm: str, blob: bytes, **more: Any) -> bytes:
    request = {"CiphertextBlob": blob, "EncryptionAlgorithm": algorithm, **more}
    plaintext: bytes = kms.decrypt(KeyId=key.arn, **request)["Plaintext"]
    return plaintext


@pytest.fixture(scope="module")
def symmetric() -> CMK:
    return cmk("SYMMETRIC_DEFAULT", ENCRYPT)


# ---------------------------------------------------------------------------- Encrypt and Decrypt


@every_way
def test_answers_have_awss_members_and_no_key_material(spec: str, algorithm: str) -> None:
    key = cmk(spec, ENCRYPT)
    assert key.metadata["EncryptionAlgorithms"] == ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
    sealed = kms.encrypt(KeyId=key.id, Plaintext=b"card 4242", EncryptionAlgorithm=algorithm)
    blob = sealed.pop("CiphertextBlob")
    assert isinstance(blob, CiphertextBlob)
    assert sealed == {"KeyId": key.arn, "EncryptionAlgorithm": algorithm}
    opened = kms.decrypt(KeyId=key.id, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
    assert isinstance(opened["Plaintext"], SecretBytes)
    assert opened == {**sealed, "Plaintext": b"card 4242"}


@every_way
def test_plaintext_of_every_allowed_size_comes_back(spec: str, algorithm: str) -> None:
    key, limit = cmk(spec, ENCRYPT), LIMITS[spec, algorithm]
    for size in (1, 2, limit - 1, limit):
        plaintext = bytes(range(256)) * 2
        blob = encrypt(key, algorithm, plaintext[:size])
        assert len(blob) == MODULUS[spec]
        assert decrypt(key, algorithm, blob) == plaintext[:size]


@every_way
def test_one_byte_more_than_fits_is_refused(refused: Any, spec: str, algorithm: str) -> None:
    limit = LIMITS[spec, algorithm]
    text = (
        f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {limit} bytes."
    )
    for size in (limit + 1, 4096):
        with refused("ValidationException", text):
            encrypt(cmk(spec, ENCRYPT), algorithm, bytes(size))


@every_way
def test_wrong_hash_opens_nothing_and_says_nothing(refused: Any, spec: str, algorithm: str) -> None:
    key = cmk(spec, ENCRYPT)
    blob = encrypt(key, algorithm, b"x")
    with refused("InvalidCiphertextException", ""):
        decrypt(key, OTHER[algorithm], blob)


@every_way
def test_the_same_word_encrypts_to_another_ciphertext_each_time(spec: str, algorithm: str) -> None:
    assert len({bytes(encrypt(cmk(spec, ENCRYPT), algorithm, b"x")) for _ in range(10)}) == 10


@every_way
def test_what_cryptography_encrypts_outside_the_lab_decrypts(spec: str, algorithm: str) -> None:
    key, outside = cmk(spec, ENCRYPT), cmk(spec, ENCRYPT).public_key().load()
    hashed = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    blob = outside.encrypt(b"from outside", padding.OAEP(padding.MGF1(hashed), hashed, None))
    assert decrypt(key, algorithm, blob) == b"from outside"


@every_way
def test_what_pycryptodome_encrypts_outside_the_lab_decrypts(spec: str, algorithm: str) -> None:
    hashed = SHA1 if algorithm.endswith("SHA_1") else SHA256
    cipher = pycryptodome_oaep.new(RSA.import_key(public(spec, ENCRYPT)), hashmod=hashed)
    blob = cipher.encrypt(b"from outside")
    assert decrypt(cmk(spec, ENCRYPT), algorithm, blob) == b"from outside"


@every_way
@given(data=st.data())
def test_changed_ciphertext_opens_nothing_and_says_nothing(
    spec: str, algorithm: str, data: Any
) -> None:
    key = cmk(spec, ENCRYPT)
    limit = LIMITS[spec, algorithm]
    blob = bytes(encrypt(key, algorithm, data.draw(st.binary(min_size=1, max_size=limit))))
    bit = data.draw(st.integers(0, 8 * len(blob) - 1))
    flipped = (int.from_bytes(blob, "big") ^ (1 << bit)).to_bytes(len(blob), "big")
    size, more = data.draw(st.integers(1, len(blob) - 1)), data.draw(st.binary(min_size=1))
    foreign = data.draw(st.binary(min_size=1, max_size=1024))
    short = [blob[:size], blob[-size:], blob + more, more + blob, b"\0" + blob]
    for ciphertext in (flipped, bytes(len(blob)), b"\xff" * len(blob), foreign, *short):
        with pytest.raises(KMSError) as caught:
            decrypt(key, algorithm, ciphertext)
        assert (caught.value.code, caught.value.message) == ("InvalidCiphertextException", "")


def test_another_keys_ciphertext_opens_nothing_and_says_nothing(refused: Any) -> None:
    """It names no key, so the error cannot be IncorrectKeyException."""
    blob = encrypt(cmk("RSA_2048", ENCRYPT, 2), SHA_256, b"x")
    with refused("InvalidCiphertextException", ""):
        decrypt(cmk("RSA_2048", ENCRYPT), SHA_256, blob)


# ------------------------------------------------------------------------------- required members


def test_decrypt_needs_the_key(refused: Any) -> None:
    blob = encrypt(cmk("RSA_2048", ENCRYPT), SHA_256, b"x")
    text = (
        "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: "
        "Member must not be null"
    )
    with refused("ValidationException", text):
        kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm=SHA_256)


def test_rsa_ciphertext_does_not_name_its_key(refused: Any) -> None:
    blob = encrypt(cmk("RSA_2048", ENCRYPT), SHA_256, b"x")
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(CiphertextBlob=blob)


def test_algorithm_is_required(refused: Any) -> None:
    """The default is SYMMETRIC_DEFAULT, which does not suit an RSA key."""
    key = cmk("RSA_2048", ENCRYPT)
    text = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    with refused("InvalidKeyUsageException", text):
        kms.encrypt(KeyId=key.arn, Plaintext=b"x")
    with refused("InvalidKeyUsageException", text):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=encrypt(key, SHA_256, b"x"))


@for_every("spec", MODULUS, long=slow)
@for_every("algorithm", ["SYMMETRIC_DEFAULT", "SM2PKE"])
def test_algorithm_must_suit_the_key(refused: Any, spec: str, algorithm: str) -> None:
    key = cmk(spec, ENCRYPT)
    text = f"Algorithm {algorithm} is incompatible with key spec {spec}."
    with refused("InvalidKeyUsageException", text):
        encrypt(key, algorithm, b"x")
    with refused("InvalidKeyUsageException", text):
        decrypt(key, algorithm, b"x")


def test_key_may_be_named_by_its_alias() -> None:
    key = cmk("RSA_2048", ENCRYPT)
    kms.create_alias(AliasName="alias/letters", TargetKeyId=key.arn)
    blob = encrypt(key, SHA_256, b"x")
    opened = kms.decrypt(KeyId="alias/letters", CiphertextBlob=blob, EncryptionAlgorithm=SHA_256)
    assert opened["KeyId"] == key.arn


def test_key_of_symmetric_kind_does_not_open_an_rsa_ciphertext(
    refused: Any, symmetric: CMK
) -> None:
    blob = encrypt(cmk("RSA_2048", ENCRYPT), SHA_256, b"x")
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(KeyId=symmetric.arn, CiphertextBlob=blob)


def test_rsa_key_does_not_open_a_symmetric_blob(refused: Any, symmetric: CMK) -> None:
    with refused("InvalidCiphertextException", ""):
        decrypt(cmk("RSA_2048", ENCRYPT), SHA_256, symmetric.encrypt(b"x"))


@for_every("spec", MODULUS, long=slow)
def test_encryption_context_is_refused(refused: Any, spec: str) -> None:
    """RSA cannot authenticate it, and to ignore it silently would deceive the caller."""
    key = cmk(spec, ENCRYPT)
    text = f"Key spec {spec} does not support an encryption context."
    with refused("ValidationException", text):
        encrypt(key, SHA_256, b"x", EncryptionContext={"order": "17"})
    blob = encrypt(key, SHA_256, b"x")
    with refused("ValidationException", text):
        decrypt(key, SHA_256, blob, EncryptionContext={"order": "17"})


def test_empty_encryption_context_is_allowed() -> None:
    key = cmk("RSA_2048", ENCRYPT)
    blob = encrypt(key, SHA_256, b"x", EncryptionContext={})
    assert decrypt(key, SHA_256, blob, EncryptionContext={}) == b"x"


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("RSA_2048", SIGN),
        ("ECC_NIST_P256", SIGN),
        ("ECC_NIST_P256", AGREE),
        ("ML_KEM_768", ENCAPSULATE),
        ("HMAC_256", MAC),
    ],
)
def test_key_for_another_use_encrypts_nothing(
    refused: Any, symmetric: CMK, spec: str, usage: Any
) -> None:
    key, text = cmk(spec, usage), f"key usage is {usage} which is not valid for "
    with refused("InvalidKeyUsageException", f"{key.arn} {text}Encrypt."):
        encrypt(key, SHA_256, b"x")
    with refused("InvalidKeyUsageException", f"{key.arn} {text}ReEncrypt."):
        kms.re_encrypt(CiphertextBlob=symmetric.encrypt(b"x"), DestinationKeyId=key.arn)
    if usage is not MAC:
        with refused("InvalidKeyUsageException", f"{key.arn} {text}Decrypt."):
            decrypt(key, SHA_256, b"x")


@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_without_plaintext"])
def test_rsa_key_wraps_no_data_key(refused: Any, operation: str) -> None:
    text = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    with refused("InvalidKeyUsageException", text):
        getattr(kms, operation)(KeyId=cmk("RSA_2048", ENCRYPT).arn, KeySpec="AES_256")


# -------------------------------------------------------------------------------------- ReEncrypt


def material(key: CMK) -> str:
    found: str = key.metadata["CurrentKeyMaterialId"]
    return found


def test_blob_moves_from_a_symmetric_key_to_rsa(symmetric: CMK) -> None:
    rsa = cmk("RSA_2048", ENCRYPT)
    answer = kms.re_encrypt(
        CiphertextBlob=symmetric.encrypt(b"x", {"order": "17"}),
        SourceEncryptionContext={"order": "17"},
        DestinationKeyId=rsa.arn,
        DestinationEncryptionAlgorithm=SHA_256,
    )
    assert decrypt(rsa, SHA_256, answer.pop("CiphertextBlob")) == b"x"
    assert answer == {
        "SourceKeyId": symmetric.arn,
        "KeyId": rsa.arn,
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": SHA_256,
        "SourceKeyMaterialId": material(symmetric),
    }


def test_blob_moves_from_rsa_to_a_symmetric_key(symmetric: CMK) -> None:
    rsa = cmk("RSA_2048", ENCRYPT)
    answer = kms.re_encrypt(
        CiphertextBlob=encrypt(rsa, SHA_256, b"x"),
        SourceKeyId=rsa.arn,
        SourceEncryptionAlgorithm=SHA_256,
        DestinationKeyId=symmetric.arn,
        DestinationEncryptionContext={"order": "17"},
    )
    assert symmetric.decrypt(answer.pop("CiphertextBlob"), {"order": "17"}) == b"x"
    assert answer == {
        "SourceKeyId": rsa.arn,
        "KeyId": symmetric.arn,
        "SourceEncryptionAlgorithm": SHA_256,
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationKeyMaterialId": material(symmetric),
    }


def test_blob_moves_from_one_hash_to_the_other_on_the_same_key() -> None:
    rsa = cmk("RSA_2048", ENCRYPT)
    moved = kms.re_encrypt(
        CiphertextBlob=encrypt(rsa, "RSAES_OAEP_SHA_1", b"x"),
        SourceKeyId=rsa.arn,
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_1",
        DestinationKeyId=rsa.arn,
        DestinationEncryptionAlgorithm=SHA_256,
    )["CiphertextBlob"]
    assert decrypt(rsa, SHA_256, moved) == b"x"


def test_plaintext_that_does_not_fit_the_destination_is_refused(
    refused: Any, symmetric: CMK
) -> None:
    text = (
        "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 "
        "bytes."
    )
    with refused("ValidationException", text):
        kms.re_encrypt(
            CiphertextBlob=symmetric.encrypt(bytes(191)),
            DestinationKeyId=cmk("RSA_2048", ENCRYPT).arn,
            DestinationEncryptionAlgorithm=SHA_256,
        )


def test_source_of_rsa_must_be_named(refused: Any, symmetric: CMK) -> None:
    text = (
        "1 validation error detected: Value null at 'sourceKeyId' failed to satisfy constraint: "
        "Member must not be null"
    )
    with refused("ValidationException", text):
        kms.re_encrypt(
            CiphertextBlob=encrypt(cmk("RSA_2048", ENCRYPT), SHA_256, b"x"),
            SourceEncryptionAlgorithm=SHA_256,
            DestinationKeyId=symmetric.arn,
        )


@pytest.mark.parametrize("side", ["Source", "Destination"])
def test_context_is_refused_only_for_the_rsa_key(refused: Any, symmetric: CMK, side: str) -> None:
    rsa = cmk("RSA_2048", ENCRYPT)
    requests: dict[str, dict[str, Any]] = {
        "Source": {
            "CiphertextBlob": encrypt(rsa, SHA_256, b"x"),
            "SourceKeyId": rsa.arn,
            "SourceEncryptionAlgorithm": SHA_256,
            "DestinationKeyId": symmetric.arn,
        },
        "Destination": {
            "CiphertextBlob": symmetric.encrypt(b"x"),
            "DestinationKeyId": rsa.arn,
            "DestinationEncryptionAlgorithm": SHA_256,
        },
    }
    context = {f"{side}EncryptionContext": {"order": "17"}}
    text = "Key spec RSA_2048 does not support an encryption context."
    with refused("ValidationException", text):
        kms.re_encrypt(**requests[side], **context)
    kms.re_encrypt(**requests[side])


def test_source_with_the_wrong_hash_moves_nothing(refused: Any, symmetric: CMK) -> None:
    rsa = cmk("RSA_2048", ENCRYPT)
    with refused("InvalidCiphertextException", ""):
        kms.re_encrypt(
            CiphertextBlob=encrypt(rsa, SHA_256, b"x"),
            SourceKeyId=rsa.arn,
            SourceEncryptionAlgorithm="RSAES_OAEP_SHA_1",
            DestinationKeyId=symmetric.arn,
        )
