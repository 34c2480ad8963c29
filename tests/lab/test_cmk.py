"""`CMK`: a plain Python word for every call that names a key, and AWS's error on misuse."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, rsa

from kmslab import CMK, CiphertextBlob, Lab, PublicKey, SecretBytes, envelope
from kmslab.crypto import pyca, pycryptodome
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.specs import KEY_SPECS
from kmslab.kms.contract.states import KeyState
from tests.cases import for_every
from tests.kms.operations.keyring import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    LONG_RSA,
    MAC,
    NOW,
    SIGN,
    USES,
    cmk,
    formed,
    public,
    shared,
    slow,
)

CONTEXT = {"order": "17"}
RSA_USES = [("RSA_2048", SIGN), ("RSA_2048", ENCRYPT)]
SIGNERS = [spec for spec, usage in USES if usage is SIGN]


def events(lab: Lab) -> list[tuple[str, dict[str, Any]]]:
    return [(event["eventName"], event["requestParameters"]) for event in lab.trail]


# --------------------------------------------------------------------------- the default algorithm


@for_every(
    ("spec", "algorithm"),
    [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_4096", "RSASSA_PSS_SHA_256"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
        ("ML_DSA_65", "ML_DSA_SHAKE_256"),
        ("ML_DSA_87", "ML_DSA_SHAKE_256"),
    ],
    long=slow,
)
def test_sign_and_verify_need_no_algorithm(spec: str, algorithm: str) -> None:
    key = cmk(spec, SIGN)
    signature = key.sign(b"lab report")
    assert type(signature) is bytes
    assert key.verify(b"lab report", signature) is True
    assert key.verify(b"lab report", signature, algorithm) is True


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_mac_needs_no_algorithm(bits: int) -> None:
    key = cmk(f"HMAC_{bits}", MAC)
    tag = key.mac(b"lab report")
    assert (type(tag), len(tag)) == (bytes, bits // 8)
    assert key.verify_mac(b"lab report", tag) is True


@for_every("spec", ["RSA_2048", *LONG_RSA], long=slow)
def test_rsa_encryption_is_with_sha_256_unless_said(spec: str) -> None:
    key = cmk(spec, ENCRYPT)
    for asked, used in (
        (None, "RSAES_OAEP_SHA_256"),
        ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_1"),
    ):
        blob = key.encrypt(b"x", algorithm=asked)
        assert isinstance(blob, CiphertextBlob)
        assert key.decrypt(blob, algorithm=used) == b"x"
        assert key.decrypt(blob, algorithm=asked) == b"x"


def test_symmetric_encryption_takes_a_context_and_no_algorithm(lab: Lab) -> None:
    key = lab.create_cmk()
    blob = key.encrypt(b"x", CONTEXT)
    assert key.decrypt(blob, CONTEXT, "SYMMETRIC_DEFAULT") == b"x"
    assert lab.decrypt(blob, CONTEXT) == b"x"
    assert type(key.decrypt(blob, CONTEXT)) is bytes


@for_every("spec", SIGNERS)
def test_every_algorithm_and_message_type_can_be_asked_for(spec: str) -> None:
    key = cmk(spec, SIGN)
    for algorithm in KEY_SPECS[spec].algorithms[SIGN]:
        form = "DIGEST" if algorithm == "ED25519_PH_SHA_512" else "RAW"
        message = formed(key, algorithm, form, b"x")
        assert key.verify(message, key.sign(message, algorithm, form), algorithm, form)


def test_digest_or_external_mu_stands_for_a_long_message() -> None:
    """A message of more than 4,096 bytes is hashed outside."""
    film = bytes(100_000)
    for spec, algorithm, form in (
        ("RSA_2048", "RSASSA_PSS_SHA_512", "DIGEST"),
        ("ECC_NIST_P521", "ECDSA_SHA_512", "DIGEST"),
        ("ML_DSA_65", "ML_DSA_SHAKE_256", "EXTERNAL_MU"),
    ):
        key = cmk(spec, SIGN)
        short = formed(key, algorithm, form, film)
        signature = key.sign(short, algorithm, message_type=form)
        assert key.verify(short, signature, algorithm, message_type=form)
        with pytest.raises(KMSError):
            key.sign(film, algorithm)


# ---------------------------------------------------------------------------------- what comes back


def test_forged_signature_and_mac_raise_and_are_never_false(refused: Any) -> None:
    with refused("KMSInvalidSignatureException", ""):
        cmk("ECC_NIST_P256", SIGN).verify(b"x", cmk("ECC_NIST_P256", SIGN).sign(b"y"))
    with refused("KMSInvalidMacException", ""):
        cmk("HMAC_256", MAC).verify_mac(b"x", cmk("HMAC_256", MAC).mac(b"y"))


CLASSES: dict[str, Any] = {
    "RSA_2048": rsa.RSAPublicKey,
    "RSA_3072": rsa.RSAPublicKey,
    "RSA_4096": rsa.RSAPublicKey,
    "ECC_NIST_P256": ec.EllipticCurvePublicKey,
    "ECC_NIST_P384": ec.EllipticCurvePublicKey,
    "ECC_NIST_P521": ec.EllipticCurvePublicKey,
    "ECC_SECG_P256K1": ec.EllipticCurvePublicKey,
    "ECC_NIST_EDWARDS25519": ed25519.Ed25519PublicKey,
    "ML_DSA_44": mldsa.MLDSA44PublicKey,
    "ML_DSA_65": mldsa.MLDSA65PublicKey,
    "ML_DSA_87": mldsa.MLDSA87PublicKey,
    "ML_KEM_768": mlkem.MLKEM768PublicKey,
    "ML_KEM_1024": mlkem.MLKEM1024PublicKey,
}


@for_every(("spec", "usage"), [use for use in USES if use[0] in CLASSES], long=slow)
def test_public_key_comes_in_three_forms(spec: str, usage: Any) -> None:
    key = cmk(spec, usage).public_key()
    assert isinstance(key, PublicKey)
    assert (
        bytes(key) == key.der == shared().kms.get_public_key(KeyId=cmk(spec, usage).id)["PublicKey"]
    )
    assert key.pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert key.pem.endswith("\n-----END PUBLIC KEY-----\n")
    assert {len(line) for line in key.pem.splitlines()[1:-2]} <= {64}
    assert isinstance(key.load(), CLASSES[spec])
    assert repr(key) == f"<PublicKey {len(key.der)} bytes>"
    assert key == cmk(spec, usage).public_key()


def test_ml_kem_512_loads_in_no_object_of_cryptography() -> None:
    with pytest.raises(UnsupportedAlgorithm):
        cmk("ML_KEM_512", ENCAPSULATE).public_key().load()


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_shared_secret_takes_a_public_key_or_its_bytes(spec: str) -> None:
    one, two = cmk(spec, AGREE), cmk(spec, AGREE, 2)
    secret = one.derive_shared_secret(two.public_key())
    assert isinstance(secret, SecretBytes)
    assert secret == two.derive_shared_secret(one.public_key().der)


@pytest.mark.parametrize("spec", ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])
def test_encapsulated_secret_arrives(spec: str) -> None:
    key = cmk(spec, ENCAPSULATE)
    sent = key.encapsulate()
    assert isinstance(sent.secret, SecretBytes)
    assert isinstance(sent.ciphertext, CiphertextBlob)
    received = key.decapsulate(sent.ciphertext)
    assert isinstance(received, SecretBytes)
    assert received == sent.secret
    assert "SecretBytes 32 bytes" in repr(sent)


def test_data_key_pair_comes_in_three_parts(lab: Lab) -> None:
    key = lab.create_cmk()
    pair = key.generate_data_key_pair("ECC_NIST_P256", CONTEXT)
    assert isinstance(pair.public, PublicKey)
    assert isinstance(pair.private, SecretBytes)
    assert isinstance(pair.encrypted, CiphertextBlob)
    assert key.decrypt(pair.encrypted, CONTEXT) == pair.private
    assert f"<SecretBytes {len(pair.private)} bytes>" in repr(pair)
    with pytest.raises(KMSError):
        key.decrypt(pair.encrypted)


def test_data_key_without_plaintext_opens_with_its_context(lab: Lab) -> None:
    key = lab.create_cmk()
    encrypted = key.generate_data_key_without_plaintext(CONTEXT, size=16)
    assert isinstance(encrypted, CiphertextBlob)
    assert len(key.decrypt(encrypted, CONTEXT)) == 16
    assert len(key.decrypt(key.generate_data_key_without_plaintext())) == 32
    with pytest.raises(KMSError):
        key.decrypt(encrypted)


# ------------------------------------------------------------------------------------ a key misused

VERBS: dict[str, tuple[Any, str, Callable[[CMK], Any]]] = {
    "encrypt": (ENCRYPT, "Encrypt", lambda key: key.encrypt(b"x")),
    "generate_data_key": (ENCRYPT, "GenerateDataKey", lambda key: key.generate_data_key()),
    "generate_data_key_without_plaintext": (
        ENCRYPT,
        "GenerateDataKeyWithoutPlaintext",
        lambda key: key.generate_data_key_without_plaintext(),
    ),
    "generate_data_key_pair": (
        ENCRYPT,
        "GenerateDataKeyPair",
        lambda key: key.generate_data_key_pair("ECC_NIST_P256"),
    ),
    "sign": (SIGN, "Sign", lambda key: key.sign(b"x")),
    "verify": (SIGN, "Verify", lambda key: key.verify(b"x", b"y")),
    "mac": (MAC, "GenerateMac", lambda key: key.mac(b"x")),
    "verify_mac": (MAC, "VerifyMac", lambda key: key.verify_mac(b"x", b"y")),
    "derive_shared_secret": (
        AGREE,
        "DeriveSharedSecret",
        lambda key: key.derive_shared_secret(public("ECC_NIST_P256", AGREE)),
    ),
    "encapsulate": (ENCAPSULATE, "Encapsulate", lambda key: key.encapsulate()),
    "decapsulate": (ENCAPSULATE, "Decapsulate", lambda key: key.decapsulate(b"x")),
}


@for_every("verb", VERBS)
def test_key_for_another_use_says_what_it_is_for(refused: Any, verb: str) -> None:
    """With AWS's text, whatever algorithm the handle chose for a key that has none for this use."""
    usage, operation, call = VERBS[verb]
    for spec, other in USES:
        if other is not usage and spec not in LONG_RSA:
            key = cmk(spec, other)
            text = f"{key.arn} key usage is {other} which is not valid for {operation}."
            with refused("InvalidKeyUsageException", text):
                call(key)


@pytest.mark.parametrize(
    ("spec", "usage"),
    [("RSA_2048", SIGN), ("ECC_NIST_P256", AGREE), ("ML_KEM_512", ENCAPSULATE)],
)
def test_asymmetric_key_for_another_use_decrypts_nothing(
    refused: Any, spec: str, usage: Any
) -> None:
    key = cmk(spec, usage)
    text = f"{key.arn} key usage is {usage} which is not valid for Decrypt."
    with refused("InvalidKeyUsageException", text):
        key.decrypt(b"x")


def test_symmetric_and_hmac_keys_have_no_public_key(refused: Any) -> None:
    for key in (cmk("SYMMETRIC_DEFAULT", ENCRYPT), cmk("HMAC_256", MAC)):
        with refused("UnsupportedOperationException", ""):
            key.public_key()


def test_algorithm_that_the_key_lacks_is_refused(refused: Any) -> None:
    text = "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."
    with refused("InvalidKeyUsageException", text):
        cmk("ECC_NIST_P256", SIGN).sign(b"x", "ECDSA_SHA_384")
    text = "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."
    with refused("InvalidKeyUsageException", text):
        cmk("SYMMETRIC_DEFAULT", ENCRYPT).encrypt(b"x", algorithm="RSAES_OAEP_SHA_256")


# ----------------------------------------------------------------------------- rotation, tags, life


def test_rotations_are_shown_with_the_first_material(lab: Lab) -> None:
    key = lab.create_cmk()
    key.enable_rotation(90)
    lab.clock.advance(days=90)
    key.rotate()
    assert key.rotations.headings == ["rotated (UTC)", "how", "state"]
    assert key.rotations.rows == [
        ["with the key", "", "NON_CURRENT"],
        ["2026-04-05 09:00:00", "AUTOMATIC", "NON_CURRENT"],
        ["2026-04-05 09:00:00", "ON_DEMAND", "CURRENT"],
    ]
    key.disable_rotation()
    lab.clock.advance(days=365)
    assert len(key.rotations.rows) == 3


def test_rotations_of_more_than_one_page_are_all_shown(lab: Lab) -> None:
    key = lab.create_cmk()
    key.enable_rotation(90)
    lab.clock.advance(days=90 * 101)
    assert len(key.rotations.rows) == 102


def test_rotation_is_a_year_long_unless_said(lab: Lab) -> None:
    key = lab.create_cmk()
    key.enable_rotation()
    assert lab.kms.get_key_rotation_status(KeyId=key.arn)["RotationPeriodInDays"] == 365


def test_tags_are_a_dict(lab: Lab) -> None:
    key = lab.create_cmk("orders", tags={"team": "records", "year": "2026"})
    assert key.tags == {"team": "records", "year": "2026"}
    key.tag({"year": "2027", "floor": "2"})
    key.untag("team")
    assert key.tags == {"floor": "2", "year": "2027"}
    assert lab.create_cmk().tags == {}


def test_name_that_is_taken_returns_its_key_with_the_tags_it_had(lab: Lab) -> None:
    """A cell that is run twice makes one key, and tags that were added since stay."""
    first = lab.create_cmk("orders", tags={"team": "records"})
    first.tag({"floor": "2"})
    again = lab.create_cmk("orders", tags={"team": "records"})
    assert again == first
    assert again.tags == {"team": "records", "floor": "2"}


def test_key_without_tags_asks_for_none(lab: Lab) -> None:
    lab.create_cmk("orders")
    create, _ = (parameters for name, parameters in events(lab) if name.startswith("Create"))
    assert "tags" not in create


def test_last_use_is_a_time_or_none(lab: Lab) -> None:
    key = lab.create_cmk(spec="ECC_NIST_P256", usage=SIGN)
    assert key.last_used is None
    lab.clock.advance(days=1)
    key.sign(b"x")
    lab.clock.advance(days=1)
    assert key.last_used == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("spec", "usage"), [use for use in USES if use[0] not in CLASSES] + RSA_USES
)
def test_key_of_every_kind_goes_through_its_life(lab: Lab, spec: str, usage: Any) -> None:
    key = lab.create_cmk("doomed", spec=spec, usage=usage)
    assert (key.spec, key.usage, key.state) == (spec, usage, KeyState.ENABLED)
    key.disable()
    assert key.state is KeyState.DISABLED
    key.enable()
    key.schedule_deletion(7)
    assert key.state is KeyState.PENDING_DELETION
    key.cancel_deletion()
    assert key.state is KeyState.DISABLED
    key.schedule_deletion(7)
    lab.clock.advance(days=8)
    with pytest.raises(KMSError) as caught:
        key.state  # noqa: B018 - reading it is what fails
    assert caught.value.code == "NotFoundException"


def test_kind_of_a_key_is_found_again_with_it(lab: Lab) -> None:
    made = lab.create_cmk("reports", spec="ECC_NIST_P384", usage=SIGN)
    found = lab.cmk("alias/reports")
    assert (found, found.spec, found.usage) == (made, made.spec, made.usage)
    assert found.verify(b"x", made.sign(b"x"))
    assert lab.create_cmk("reports", spec="ECC_NIST_P384", usage=SIGN) == made


@pytest.mark.parametrize(
    "other", [("ECC_NIST_P384", AGREE), ("ECC_NIST_P256", SIGN), ("SYMMETRIC_DEFAULT", ENCRYPT)]
)
def test_name_of_a_key_of_another_spec_or_use_is_refused(
    lab: Lab, refused: Any, other: tuple[str, Any]
) -> None:
    lab.create_cmk("reports", spec="ECC_NIST_P384", usage=SIGN)
    text = "An alias with the name arn:aws:kms:us-east-1:111122223333:alias/reports already exists"
    with refused("AlreadyExistsException", text):
        lab.create_cmk("reports", spec=other[0], usage=other[1])


PYCA_FIRST, PYCRYPTODOME_FIRST = (pyca, pycryptodome), (pycryptodome, pyca)


@pytest.mark.parametrize(
    ("making", "using"),
    [
        pytest.param(PYCA_FIRST, PYCRYPTODOME_FIRST, id="the other one goes on"),
        pytest.param(PYCA_FIRST, PYCA_FIRST, id="one library", marks=pytest.mark.long),
        pytest.param(
            PYCRYPTODOME_FIRST, PYCA_FIRST, id="the other one began", marks=pytest.mark.long
        ),
    ],
)
def test_keys_of_every_kind_work_on_in_a_file_that_is_opened_again(
    tmp_path: Path, making: Any, using: Any
) -> None:
    """A stored key does not depend on the library that made it."""
    url = f"sqlite:///{tmp_path / 'my.db'}"
    kinds = [use for use in USES if use[0] not in LONG_RSA]
    with Lab(store=url, backends=making) as lab:
        arns = [lab.create_cmk(spec=spec, usage=usage).arn for spec, usage in kinds]
        made = [first_half(lab.cmk(arn)) for arn in arns]
    with Lab(store=url, backends=using) as lab:
        for arn, half in zip(arns, made, strict=True):
            key = lab.cmk(arn)
            second_half(key, half)
            second_half(key, first_half(key))


def first_half(key: CMK) -> Any:
    makes: dict[Any, Callable[[], Any]] = {
        ENCRYPT: lambda: key.encrypt(b"x"),
        SIGN: lambda: key.sign(b"x"),
        MAC: lambda: key.mac(b"x"),
        AGREE: lambda: key.derive_shared_secret(key.public_key()),
        ENCAPSULATE: key.encapsulate,
    }
    return makes[key.usage]()


def second_half(key: CMK, made: Any) -> None:
    checks: dict[Any, Callable[[], bool]] = {
        ENCRYPT: lambda: key.decrypt(made) == b"x",
        SIGN: lambda: key.verify(b"x", made),
        MAC: lambda: key.verify_mac(b"x", made),
        AGREE: lambda: key.derive_shared_secret(key.public_key()) == made,
        ENCAPSULATE: lambda: key.decapsulate(made.ciphertext) == made.secret,
    }
    assert checks[key.usage]()


# --------------------------------------------------------------------------------------- the handle


def test_every_verb_explains_itself_where_its_name_does_not() -> None:
    plain = {"disable", "enable", "disable_rotation", "id", "state"}
    for name, member in inspect.getmembers(CMK):
        if not name.startswith("_"):
            assert member.__doc__ or name in plain, name


def test_handle_says_who_calls(lab: Lab) -> None:
    key = lab.create_cmk(spec="ECC_NIST_P256", usage=SIGN)
    lab.user("alice", allow("kms:DescribeKey", "kms:Sign")).cmk(key.arn).sign(b"x")
    assert lab.trail[-1]["userIdentity"]["userName"] == "alice"


@pytest.mark.parametrize(
    "wrong", ["a=b", "", b"a", 5, [("a", "b")], {"a": 1}, {1: "a"}, {"a": None}, {"a": {"b": "c"}}]
)
def test_what_is_not_a_context_is_said_with_what_to_give(wrong):
    """A program's mistake, before any call; over HTTP, AWS's own text answers it."""
    lab = Lab()
    key = lab.create_cmk()
    blob, before = key.encrypt(b"1"), len(lab.trail)
    calls = {
        "encrypt": lambda: key.encrypt(b"1", wrong),
        "decrypt": lambda: key.decrypt(blob, wrong),
        "by blob": lambda: lab.decrypt(blob, wrong),
        "data key": lambda: key.generate_data_key(wrong),
        "pair": lambda: key.generate_data_key_pair("ECC_NIST_P256", wrong),
        "grant": lambda: key.grant(lab.caller.principal, "Decrypt", context=wrong),
        "explain": lambda: lab.explain("kms:Decrypt", key, wrong),
        "re-encrypt": lambda: lab.kms.re_encrypt(
            CiphertextBlob=blob, DestinationKeyId=key.id, SourceEncryptionContext=wrong
        ),
        "envelope": lambda: envelope.encrypt(b"1", key.keyring(), context=wrong),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=r"maps text to text, such as \{'order': '17'\}"):
            pytest.fail(f"{name}: {call()}")
    assert len(lab.trail) == before
