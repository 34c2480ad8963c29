"""Encrypt, Decrypt, ReEncrypt: only the same key and context give the plaintext back."""

from typing import Any

import pytest

from kmslab import CiphertextBlob, Lab, SecretBytes
from kmslab.kms.backing.blob import OVERHEAD, fields
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.view import View

WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
UNREACHABLE = (
    "User: arn:aws:iam::111122223333:root is not authorized to perform: kms:Decrypt on the "
    "resource associated with this ciphertext because the resource does not exist in this "
    "Region, no resource-based policies allow access, or a resource-based policy explicitly "
    "denies access"
)


@pytest.fixture
def keys(lab: Lab) -> list[str]:
    return [lab.create_cmk().arn for _ in range(2)]


def too_long(member: str, most: int) -> str:
    return (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member "
        f"must have length less than or equal to {most}"
    )


def too_short(member: str) -> str:
    return (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member "
        "must have length greater than or equal to 1"
    )


# ---------------------------------------------------------------------------- Encrypt and Decrypt


def test_answers_have_awss_members(lab: Lab, key: str) -> None:
    sealed = lab.kms.encrypt(KeyId=key, Plaintext=b"card 4242")
    blob = sealed.pop("CiphertextBlob")
    assert sealed == {"KeyId": key, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    assert isinstance(blob, CiphertextBlob)
    opened = lab.kms.decrypt(CiphertextBlob=blob)
    material = lab.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert isinstance(opened["Plaintext"], SecretBytes)
    assert opened == {
        "KeyId": key,
        "Plaintext": b"card 4242",
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": material,
    }


@pytest.mark.parametrize("size", [1, 15, 16, 17, 4095, 4096])
def test_plaintext_of_every_allowed_size_comes_back(lab: Lab, key: str, size: int) -> None:
    plaintext = bytes(range(256)) * 16
    blob = lab.kms.encrypt(KeyId=key, Plaintext=plaintext[:size])["CiphertextBlob"]
    assert len(blob) == size + OVERHEAD
    assert lab.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext[:size]


def test_plaintext_has_at_most_4096_bytes(lab: Lab, key: str, refused: Any) -> None:
    with refused("ValidationException", too_long("plaintext", 4096)):
        lab.kms.encrypt(KeyId=key, Plaintext=b"x" * 4097)
    with refused("ValidationException", too_short("plaintext")):
        lab.kms.encrypt(KeyId=key, Plaintext=b"")


def test_ciphertext_has_1_to_6144_bytes(lab: Lab, refused: Any) -> None:
    with refused("ValidationException", too_long("ciphertextBlob", 6144)):
        lab.kms.decrypt(CiphertextBlob=b"x" * 6145)
    with refused("ValidationException", too_short("ciphertextBlob")):
        lab.kms.decrypt(CiphertextBlob=b"")
    with refused("InvalidCiphertextException", ""):
        lab.kms.decrypt(CiphertextBlob=b"x" * 6144)


def test_decrypt_without_ciphertext_is_refused(lab: Lab, key: str, refused: Any) -> None:
    text = (
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy "
        "constraint: Member must not be null"
    )
    with refused("ValidationException", text):
        lab.kms.decrypt(KeyId=key)


def test_the_same_word_encrypts_to_another_blob_each_time(lab: Lab, key: str) -> None:
    blobs = [lab.kms.encrypt(KeyId=key, Plaintext=b"x" * 32)["CiphertextBlob"] for _ in range(50)]
    parts = [{name: value for name, _, value in fields(blob)} for blob in blobs]
    for fresh in ("derivation nonce", "IV", "ciphertext", "tag"):
        assert len({part[fresh] for part in parts}) == 50, fresh
    for same in ("magic", "version", "material id", "key id"):
        assert len({part[same] for part in parts}) == 1, same


def test_decrypt_finds_the_key_in_the_blob(lab: Lab, keys: list[str]) -> None:
    for key in keys:
        blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        assert lab.kms.decrypt(CiphertextBlob=blob)["KeyId"] == key
        assert {n: v for n, _, v in fields(blob)}["key id"].decode() == key[-36:]


def test_named_key_must_be_the_blobs_key(lab: Lab, keys: list[str], refused: Any) -> None:
    own, other = keys
    blob = lab.kms.encrypt(KeyId=own, Plaintext=b"x")["CiphertextBlob"]
    lab.kms.create_alias(AliasName="alias/own", TargetKeyId=own)
    lab.kms.create_alias(AliasName="alias/other", TargetKeyId=other)
    for name in (own, own[-36:], "alias/own"):
        assert lab.kms.decrypt(CiphertextBlob=blob, KeyId=name)["Plaintext"] == b"x"
    for name in (other, other[-36:], "alias/other"):
        with refused("IncorrectKeyException", WRONG_KEY):
            lab.kms.decrypt(CiphertextBlob=blob, KeyId=name)
    with refused("IncorrectKeyException", WRONG_KEY):
        lab.kms.re_encrypt(CiphertextBlob=blob, SourceKeyId=other, DestinationKeyId=own)


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"])
def test_algorithm_must_fit_the_key(lab: Lab, key: str, refused: Any, algorithm: str) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="SYMMETRIC_DEFAULT")
    text = f"Algorithm {algorithm} is incompatible with key spec SYMMETRIC_DEFAULT."
    with refused("InvalidKeyUsageException", text):
        lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm=algorithm)
    with refused("InvalidKeyUsageException", text):
        lab.kms.decrypt(
            CiphertextBlob=blob["CiphertextBlob"], EncryptionAlgorithm=algorithm, KeyId=key
        )


def test_state_is_checked_before_the_algorithm(lab: Lab, key: str, refused: Any) -> None:
    lab.kms.disable_key(KeyId=key)
    with refused("DisabledException", f"{key} is disabled."):
        lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_1")


# ----------------------------------------------------------------------------- encryption context


def test_order_of_the_context_is_free(lab: Lab, key: str) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})
    answer = lab.kms.decrypt(
        CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"}
    )
    assert answer["Plaintext"] == b"x"


@pytest.mark.parametrize(
    "other",
    [
        None,
        {},
        {"order": "18"},
        {"Order": "17"},
        {"order": "17 "},
        {"order": "17", "x": ""},
        {"orde": "r17"},
        {"order1": "7"},
        {"17": "order"},
    ],
    ids=str,
)
def test_other_context_opens_nothing_and_says_nothing(
    lab: Lab, key: str, refused: Any, other: dict[str, str] | None
) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"order": "17"})
    with refused("InvalidCiphertextException", ""):
        lab.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], EncryptionContext=other)


def test_context_of_no_encryption_opens_nothing(lab: Lab, key: str, refused: Any) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("InvalidCiphertextException", ""):
        lab.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"order": "17"})


@pytest.mark.parametrize(("sealed", "opened"), [(None, {}), ({}, None), ({}, {}), (None, None)])
def test_empty_context_and_none_are_the_same(lab: Lab, key: str, sealed: Any, opened: Any) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=sealed)["CiphertextBlob"]
    assert lab.kms.decrypt(CiphertextBlob=blob, EncryptionContext=opened)["Plaintext"] == b"x"


@pytest.mark.parametrize(
    "context",
    [
        {"": ""},
        {"환자": "김영희"},
        {"é": "1"},
        {"k": "x" * 8192},
        {str(n): "v" for n in range(100)},
    ],
    ids=["empty", "Hangul", "accent", "long", "many"],
)
def test_any_text_may_be_in_a_context(lab: Lab, key: str, context: dict[str, str]) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert lab.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"


def test_letters_that_look_alike_are_not(lab: Lab, key: str, refused: Any) -> None:
    composed, combining = "\u00e9", "e\u0301"
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"k": composed})
    with refused("InvalidCiphertextException", ""):
        lab.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"k": combining})


# ------------------------------------------------------------------------- blobs that do not open


def test_garbled_blob_is_refused_without_a_reason(lab: Lab, refused: Any) -> None:
    for blob in (b"x", b"kmslab", b"kmslab\x01", b"kmslab\x02" + bytes(200), bytes(200)):
        with refused("InvalidCiphertextException", ""):
            lab.kms.decrypt(CiphertextBlob=blob)


def test_blob_cut_short_or_stretched_is_refused(lab: Lab, key: str, refused: Any) -> None:
    blob = bytes(lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    for other in [*(blob[:n] for n in range(1, len(blob))), blob + b"\0", b"\0" + blob]:
        with refused("InvalidCiphertextException", ""):
            lab.kms.decrypt(CiphertextBlob=other)


def test_blob_of_another_lab_names_no_key_here(lab: Lab, refused: Any) -> None:
    with Lab() as elsewhere:
        blob = elsewhere.create_cmk().encrypt(b"x")
    with refused("AccessDeniedException", UNREACHABLE):
        lab.kms.decrypt(CiphertextBlob=blob)


def test_blob_of_another_region_names_no_key_here(lab: Lab, key: str, refused: Any) -> None:
    blob = lab.region("eu-west-1").create_cmk().encrypt(b"x")
    with refused("AccessDeniedException", UNREACHABLE):
        lab.kms.decrypt(CiphertextBlob=blob)
    assert lab.region("eu-west-1").decrypt(blob) == b"x"


def test_header_of_one_blob_does_not_fit_another(lab: Lab, keys: list[str], refused: Any) -> None:
    one, two = (bytes(lab.kms.encrypt(KeyId=k, Plaintext=b"xy")["CiphertextBlob"]) for k in keys)
    for start, end in ((7, 39), (39, 75), (75, 91), (91, 103), (103, 105), (105, 121)):
        with refused("InvalidCiphertextException", ""):
            lab.kms.decrypt(CiphertextBlob=one[:start] + two[start:end] + one[end:])


# -------------------------------------------------------------------------------------- ReEncrypt


def test_re_encrypt_moves_a_blob_to_another_key(lab: Lab, keys: list[str]) -> None:
    old, new = keys
    blob = lab.kms.encrypt(KeyId=old, Plaintext=b"x", EncryptionContext={"a": "1"})
    answer = lab.kms.re_encrypt(
        CiphertextBlob=blob["CiphertextBlob"],
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=new,
        DestinationEncryptionContext={"b": "2"},
    )
    moved = answer.pop("CiphertextBlob")
    materials = [
        lab.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] for key in keys
    ]
    assert answer == {
        "SourceKeyId": old,
        "KeyId": new,
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": materials[0],
        "DestinationKeyMaterialId": materials[1],
    }
    opened = lab.kms.decrypt(CiphertextBlob=moved, EncryptionContext={"b": "2"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", new)


def test_re_encrypt_on_the_same_key_changes_the_context(lab: Lab, key: str, refused: Any) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"})
    moved = lab.kms.re_encrypt(
        CiphertextBlob=blob["CiphertextBlob"],
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=key,
    )["CiphertextBlob"]
    assert lab.kms.decrypt(CiphertextBlob=moved)["Plaintext"] == b"x"
    with refused("InvalidCiphertextException", ""):
        lab.kms.decrypt(CiphertextBlob=moved, EncryptionContext={"a": "1"})


def test_re_encrypt_needs_the_source_context(lab: Lab, key: str, refused: Any) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"})
    for context in (None, {"a": "2"}):
        with refused("InvalidCiphertextException", ""):
            lab.kms.re_encrypt(
                CiphertextBlob=blob["CiphertextBlob"],
                SourceEncryptionContext=context,
                DestinationKeyId=key,
                DestinationEncryptionContext={"a": "1"},
            )


@pytest.mark.parametrize("member", ["SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"])
def test_each_algorithm_of_re_encrypt_must_fit_its_key(
    lab: Lab, key: str, refused: Any, member: str
) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    text = "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    with refused("InvalidKeyUsageException", text):
        lab.kms.re_encrypt(
            CiphertextBlob=blob,
            SourceKeyId=key,
            DestinationKeyId=key,
            **{member: "RSAES_OAEP_SHA_256"},
        )


def test_re_encrypt_reads_what_decrypt_may_not_have(lab: Lab, keys: list[str]) -> None:
    """The plaintext is in no answer, and in no event."""
    blob = lab.kms.encrypt(KeyId=keys[0], Plaintext=b"x")["CiphertextBlob"]
    answer = lab.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=keys[1])
    assert not any("Plaintext" in member for member in answer)


def open_to(lab: Lab, key: str, neighbour: View) -> None:
    cmk = lab.cmk(key)
    statement = {"Effect": "Allow", "Action": "kms:*crypt", "Resource": "*"}
    principal = {"Principal": {"AWS": neighbour.caller.principal}}
    statements = [*cmk.policy["Statement"], statement | principal]
    cmk.put_policy(cmk.policy | {"Statement": statements})


def test_key_of_another_account_may_be_named_by_its_arn(lab: Lab, key: str) -> None:
    """It can be used if its key policy and the caller's IAM policy allow it."""
    neighbour = lab.account("444455556666")
    with pytest.raises(KMSError, match="kms:Encrypt on this resource because the resource does"):
        neighbour.kms.encrypt(KeyId=key, Plaintext=b"x")
    open_to(lab, key, neighbour)
    blob = neighbour.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert neighbour.kms.decrypt(CiphertextBlob=blob)["KeyId"] == key
    with pytest.raises(KMSError):
        neighbour.kms.encrypt(KeyId=key.rpartition("/")[2], Plaintext=b"x")


def test_re_encrypt_of_a_blob_whose_key_is_elsewhere_asks_for_its_own_permission(
    lab: Lab, key: str, refused: Any
) -> None:
    far = lab.region("eu-west-1").create_cmk().encrypt(b"x")
    with refused("AccessDeniedException", UNREACHABLE.replace("kms:Decrypt", "kms:ReEncryptFrom")):
        lab.kms.re_encrypt(CiphertextBlob=far, DestinationKeyId=key)
