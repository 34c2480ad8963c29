"""GenerateDataKeyPair: a private key for use outside, wrapped under a symmetric KMS key."""

from collections.abc import Callable
from typing import Any

import pytest
from Crypto.PublicKey import MLKEM
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from kmslab import CiphertextBlob, Lab, SecretBytes
from tests.cases import for_every
from tests.kms.operations.keyring import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    LONG_RSA,
    MAC,
    SIGN,
    cmk,
    shared,
    slow,
)

kms = shared().kms
CONTEXT = {"patient": "17"}

# The developer guide's data key pair specs without SM2. ML-DSA is not one of them.
SPECS = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
]
CURVES: dict[str, type[ec.EllipticCurve]] = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
every_spec = for_every("spec", SPECS, long=slow)


@pytest.fixture(scope="module")
def wrapping() -> str:
    """The ARN of the symmetric key that all pairs here are wrapped under."""
    return cmk("SYMMETRIC_DEFAULT", ENCRYPT).arn


@pytest.fixture(scope="module")
def pairs(wrapping: str) -> Callable[[str], dict[str, Any]]:
    """The answer for a pair of a spec, made once, because RSA pairs take seconds."""
    made: dict[str, dict[str, Any]] = {}

    def answer(spec: str) -> dict[str, Any]:
        if spec not in made:
            made[spec] = kms.generate_data_key_pair(
                KeyId=wrapping, KeyPairSpec=spec, EncryptionContext=CONTEXT
            )
        return made[spec]

    return answer


# ------------------------------------------------------------------------------------- the answer


@every_spec
def test_answer_has_awss_members(pairs: Any, wrapping: str, spec: str) -> None:
    answer = dict(pairs(spec))
    private, blob = answer.pop("PrivateKeyPlaintext"), answer.pop("PrivateKeyCiphertextBlob")
    assert isinstance(private, SecretBytes)
    assert isinstance(blob, CiphertextBlob)
    assert isinstance(answer.pop("PublicKey"), bytes)
    material = shared().cmk(wrapping).metadata["CurrentKeyMaterialId"]
    assert answer == {"KeyId": wrapping, "KeyPairSpec": spec, "KeyMaterialId": material}


@every_spec
def test_blob_opens_to_the_private_key_with_its_context(
    pairs: Any, wrapping: str, refused: Any, spec: str
) -> None:
    answer = pairs(spec)
    blob = answer["PrivateKeyCiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == answer["PrivateKeyPlaintext"]
    assert (opened["KeyId"], opened["KeyMaterialId"]) == (wrapping, answer["KeyMaterialId"])
    for context in (None, {"patient": "18"}):
        with refused("InvalidCiphertextException", ""):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


@every_spec
def test_the_other_operation_does_not_return_the_private_key(
    pairs: Any, wrapping: str, spec: str
) -> None:
    """One RSA spec is enough, because both operations use one function."""
    if spec in LONG_RSA:
        return
    answer = kms.generate_data_key_pair_without_plaintext(
        KeyId=wrapping, KeyPairSpec=spec, EncryptionContext=CONTEXT
    )
    assert answer.keys() == pairs(spec).keys() - {"PrivateKeyPlaintext"}
    opened = kms.decrypt(
        CiphertextBlob=answer["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT
    )
    assert is_pair(spec, opened["Plaintext"], answer["PublicKey"])


# ----------------------------------------------------------------------------------- the encoding


def is_pair(spec: str, private: bytes, public: bytes) -> bool:
    """The private key loads in a library; for ML-KEM-512 in PyCryptodome."""
    if spec == "ML_KEM_512":
        return bool(MLKEM.import_key(private).public_key().export_key(format="DER") == public)
    key = load_der_private_key(private, None)
    half = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return half == public


@every_spec
def test_halves_belong_together_and_load_in_a_library(pairs: Any, spec: str) -> None:
    answer = pairs(spec)
    assert is_pair(spec, bytes(answer["PrivateKeyPlaintext"]), answer["PublicKey"])


@for_every("spec", [spec for spec in SPECS if spec != "ML_KEM_512"], long=slow)
def test_private_key_is_pkcs8_as_the_library_writes_it(pairs: Any, spec: str) -> None:
    private = bytes(pairs(spec)["PrivateKeyPlaintext"])
    key = load_der_private_key(private, None)
    assert key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) == private


@pytest.mark.parametrize("spec", ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])
def test_ml_kem_private_key_is_a_seed_of_64_bytes(pairs: Any, spec: str) -> None:
    """RFC 9935: [0] IMPLICIT OCTET STRING SIZE (64), in PKCS#8."""
    private = bytes(pairs(spec)["PrivateKeyPlaintext"])
    assert len(private) == 86
    assert private[-66:-64] == b"\x80\x40"


@for_every("spec", ["RSA_2048", *LONG_RSA], long=slow)
def test_rsa_key_has_its_size_and_the_usual_exponent(pairs: Any, spec: str) -> None:
    key: Any = load_der_public_key(pairs(spec)["PublicKey"])
    assert (key.key_size, key.public_numbers().e) == (int(spec[4:]), 65537)


@pytest.mark.parametrize("spec", CURVES)
def test_ec_key_is_on_its_curve(pairs: Any, spec: str) -> None:
    key: Any = load_der_public_key(pairs(spec)["PublicKey"])
    assert isinstance(key.curve, CURVES[spec])


# ---------------------------------------------------------------------------------------- at work


def works_rsa(private: rsa.RSAPrivateKey, public: rsa.RSAPublicKey) -> None:
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    assert private.decrypt(public.encrypt(b"x", oaep), oaep) == b"x"


def works_ec(private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> None:
    public.verify(private.sign(b"x", ec.ECDSA(hashes.SHA256())), b"x", ec.ECDSA(hashes.SHA256()))


def works_ed25519(private: ed25519.Ed25519PrivateKey, public: ed25519.Ed25519PublicKey) -> None:
    public.verify(private.sign(b"x"), b"x")


def works_ml_kem(private: mlkem.MLKEM768PrivateKey, public: mlkem.MLKEM768PublicKey) -> None:
    secret, ciphertext = public.encapsulate()
    assert private.decapsulate(ciphertext) == secret


WORKS: dict[str, Callable[[Any, Any], None]] = {
    "RSA": works_rsa,
    "ECC_NIST_P": works_ec,
    "ECC_SECG": works_ec,
    "ECC_NIST_EDWARDS": works_ed25519,
    "ML_KEM": works_ml_kem,
}


@for_every("spec", [spec for spec in SPECS if spec != "ML_KEM_512"], long=slow)
def test_pair_works_in_a_library_without_the_lab(pairs: Any, spec: str) -> None:
    answer = pairs(spec)
    works = next(works for name, works in WORKS.items() if spec.startswith(name))
    works(
        load_der_private_key(bytes(answer["PrivateKeyPlaintext"]), None),
        load_der_public_key(answer["PublicKey"]),
    )


@pytest.mark.parametrize("spec", ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])
def test_ml_kem_pair_works_in_pycryptodome_too(pairs: Any, spec: str) -> None:
    answer = pairs(spec)
    secret, ciphertext = MLKEM.import_key(answer["PublicKey"])._encaps()
    assert MLKEM.import_key(bytes(answer["PrivateKeyPlaintext"]))._decaps(ciphertext) == secret


def test_ecdh_pair_agrees_with_a_key_of_the_lab(pairs: Any) -> None:
    key = cmk("ECC_NIST_P256", AGREE)
    private: Any = load_der_private_key(bytes(pairs("ECC_NIST_P256")["PrivateKeyPlaintext"]), None)
    secret = key.derive_shared_secret(pairs("ECC_NIST_P256")["PublicKey"])
    assert private.exchange(ec.ECDH(), key.public_key().load()) == secret


def test_each_pair_differs(wrapping: str) -> None:
    made = [
        kms.generate_data_key_pair(KeyId=wrapping, KeyPairSpec="ECC_NIST_P256") for _ in range(5)
    ]
    assert len({each["PublicKey"] for each in made}) == 5


def test_the_service_keeps_nothing_of_a_pair(lab: Lab) -> None:
    key = lab.create_cmk()
    before = len(lab.kms.list_keys()["Keys"])
    lab.kms.generate_data_key_pair(KeyId=key.arn, KeyPairSpec="ECC_NIST_P256")
    assert len(lab.kms.list_keys()["Keys"]) == before


# --------------------------------------------------------------------------------------- refusals


@for_every("operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"])
@for_every(
    ("spec", "usage"),
    [("RSA_2048", SIGN), ("ECC_NIST_P256", AGREE), ("ML_KEM_768", ENCAPSULATE), ("HMAC_256", MAC)],
)
def test_key_for_another_use_wraps_no_pair(
    refused: Any, operation: str, spec: str, usage: Any
) -> None:
    key = cmk(spec, usage)
    name = "GenerateDataKeyPair" + ("WithoutPlaintext" if "without" in operation else "")
    text = f"{key.arn} key usage is {usage} which is not valid for {name}."
    with refused("InvalidKeyUsageException", text):
        getattr(kms, operation)(KeyId=key.arn, KeyPairSpec="ECC_NIST_P256")


@pytest.mark.parametrize(
    "operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"]
)
def test_rsa_key_wraps_no_pair(refused: Any, operation: str) -> None:
    text = "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    with refused("InvalidKeyUsageException", text):
        getattr(kms, operation)(KeyId=cmk("RSA_2048", ENCRYPT).arn, KeyPairSpec="ECC_NIST_P256")


@pytest.mark.parametrize("spec", ["ML_DSA_44", "HMAC_256", "SYMMETRIC_DEFAULT", "AES_256"])
def test_there_are_no_pairs_of_other_specs(refused: Any, wrapping: str, spec: str) -> None:
    listed = ", ".join([*SPECS[:7], "SM2", *SPECS[7:]])
    text = (
        f"1 validation error detected: Value '{spec}' at 'keyPairSpec' failed to satisfy "
        f"constraint: Member must satisfy enum value set: [{listed}]"
    )
    with refused("ValidationException", text):
        kms.generate_data_key_pair(KeyId=wrapping, KeyPairSpec=spec)


def test_pair_of_sm2_is_refused_with_a_text(refused: Any, wrapping: str) -> None:
    with refused("UnsupportedOperationException", "SM2 is offered in the China Regions only."):
        kms.generate_data_key_pair(KeyId=wrapping, KeyPairSpec="SM2")
