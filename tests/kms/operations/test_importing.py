"""Imported key material: the way in, what is refused, its end, and its rotation."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from kmslab import CMK, Lab, wrap
from kmslab.crypto import PublicKey, pyca, rsa_exponent
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.importing import DIRECT, HYBRID, WRAPPING_KEYS, wraps
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Material
from kmslab.kms.contract.specs import KEY_SPECS, KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.imports import ImportParameters
from tests.cases import for_every
from tests.kms.operations.brought import LARGE, ODD, USUAL, material, new_lab, rsa_key

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))
NEVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
DAY = timedelta(days=1)
USES = [(spec, next(iter(row.algorithms))) for spec, row in KEY_SPECS.items()]

Wrapped = Callable[..., dict[str, Any]]


def external(lab: Lab, spec: str = "SYMMETRIC_DEFAULT") -> CMK:
    return lab.create_cmk(
        spec=spec, usage=next(iter(KEY_SPECS[spec].algorithms)), origin="EXTERNAL"
    )


def stored(cmk: CMK) -> list[Material]:
    return cmk.lab._store.find(Material, key=cmk.arn)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with new_lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with new_lab() as lab:
        yield lab


@pytest.fixture
def own(lab: Lab) -> CMK:
    """A symmetric key that waits for material."""
    return external(lab)


@pytest.fixture
def parameters(own: CMK) -> ImportParameters:
    return own.import_parameters()


@pytest.fixture
def send(own: CMK, parameters: ImportParameters) -> Wrapped:
    """ImportKeyMaterial with these members besides those of an import of A that never expires."""

    def send(**members: Any) -> dict[str, Any]:
        request = {
            "KeyId": own.arn,
            "ImportToken": parameters.token,
            "EncryptedKeyMaterial": parameters.wrap(A),
            **NEVER,
        }
        present = {name: value for name, value in (request | members).items() if value is not None}
        answer: dict[str, Any] = own.lab.kms.import_key_material(**present)
        return answer

    return send


# ---------------------------------------------------------------------------------- the way in


def test_new_external_key_has_no_material_and_waits(own: CMK) -> None:
    shown = own.metadata
    assert (shown["KeyState"], shown["Enabled"], shown["Origin"]) == (
        "PendingImport",
        False,
        "EXTERNAL",
    )
    assert not {"CurrentKeyMaterialId", "ExpirationModel", "ValidTo"} & shown.keys()
    assert stored(own) == []
    with pytest.raises(KMSError, match="is pending import"):
        own.encrypt(b"x")


def test_three_steps_bring_the_material_in(lab: Lab, own: CMK) -> None:
    """With nothing but the API and a client's own cryptography between the calls."""
    answer = lab.kms.get_parameters_for_import(
        KeyId=own.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_3072"
    )
    assert answer["KeyId"] == own.arn
    assert answer["ParametersValidTo"] == lab.clock.now() + DAY
    assert PublicKey(answer["PublicKey"]).load().key_size == 3072
    assert stored(own) == []

    wrapped = wrap(answer["PublicKey"], A, "RSAES_OAEP_SHA_256")
    imported = lab.kms.import_key_material(
        KeyId=own.id, ImportToken=answer["ImportToken"], EncryptedKeyMaterial=wrapped, **NEVER
    )

    shown = own.metadata
    assert imported == {"KeyId": own.arn, "KeyMaterialId": shown["CurrentKeyMaterialId"]}
    assert (shown["KeyState"], shown["Enabled"]) == ("Enabled", True)
    assert shown["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert "ValidTo" not in shown
    assert own.decrypt(own.encrypt(b"x")) == b"x"


ALGORITHMS = sorted(DIRECT | HYBRID)
WAYS = [
    (spec, usage, algorithm, wrapping)
    for spec, usage in USES
    for algorithm in ALGORITHMS
    for wrapping in WRAPPING_KEYS
]


def is_costly(spec: str, usage: str, algorithm: str, wrapping: str) -> bool:
    """One RSA key and one wrapping key represent the others, which are slow to use."""
    return spec in ("RSA_3072", "RSA_4096") or (wrapping != "RSA_2048" and "SHA_1" in algorithm)


@for_every(("spec", "usage", "algorithm", "wrapping"), WAYS, long=is_costly)
def test_material_of_each_spec_comes_in_by_each_algorithm_that_aws_offers_for_it(
    shared_lab: Lab,
    refused: Any,
    spec: str,
    usage: str,
    algorithm: str,
    wrapping: str,
) -> None:
    cmk = external(shared_lab, spec)
    if not wraps(spec, algorithm, wrapping):
        text = (
            f"Wrapping algorithm {algorithm} with wrapping key spec {wrapping} is not supported "
            f"for key spec {spec}."
        )
        with refused("UnsupportedOperationException", text):
            cmk.import_parameters(algorithm, wrapping)
        return
    parameters = cmk.import_parameters(algorithm, wrapping)
    brought = material(spec)
    cmk.import_wrapped(parameters.wrap(brought), parameters.token)
    assert cmk.state is KeyState.ENABLED
    if not KEY_SPECS[spec].sizes and spec != "ML_KEM_512":
        assert cmk.public_key().der == pyca.public_key(brought)


def test_aws_offers_what_its_documentation_says() -> None:
    """Everything but RSA keys directly; private keys of RSA and curves with an AES key."""
    direct = {spec for spec in KEY_SPECS if wraps(spec, "RSAES_OAEP_SHA_256", "RSA_3072")}
    hybrid = {spec for spec in KEY_SPECS if wraps(spec, "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048")}
    rsa = {"RSA_2048", "RSA_3072", "RSA_4096"}
    assert direct == KEY_SPECS.keys() - rsa
    assert hybrid == rsa | {spec for spec in KEY_SPECS if spec.startswith("ECC_")}
    assert not wraps("ECC_NIST_P521", "RSAES_OAEP_SHA_1", "RSA_2048")


@for_every(
    ("algorithm", "wrapping"),
    [("RSAES_PKCS1_V1_5", "RSA_2048"), ("SM2PKE", "SM2"), ("RSAES_OAEP_SHA_256", "SM2")],
)
def test_wrapping_that_aws_no_longer_offers_or_only_in_china_is_unsupported(
    shared_lab: Lab, algorithm: str, wrapping: str
) -> None:
    with pytest.raises(KMSError) as caught:
        external(shared_lab).import_parameters(algorithm, wrapping)
    assert caught.value.code == "UnsupportedOperationException"


@for_every(
    "operation", ["GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"]
)
def test_a_key_of_aws_kms_takes_no_material(shared_lab: Lab, refused: Any, operation: str) -> None:
    cmk = shared_lab.create_cmk()
    request = {
        "GetParametersForImport": {
            "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
            "WrappingKeySpec": "RSA_2048",
        },
        "ImportKeyMaterial": {"ImportToken": b"x", "EncryptedKeyMaterial": b"x"},
    }.get(operation, {})
    text = f"{cmk.arn} origin is AWS_KMS which is not valid for this operation."
    with refused("UnsupportedOperationException", text):
        getattr(shared_lab.kms, MODEL.operations[operation].snake_name)(KeyId=cmk.id, **request)


def test_imported_keys_work_as_others_do(lab: Lab) -> None:
    """The public part is derived, and a MAC is that of the imported bytes."""
    brought = bytes(range(100))
    mac = external(lab, "HMAC_384")
    mac.import_material(brought)
    assert mac.mac(b"m") == pyca.hmac("HMAC_SHA_384", brought, b"m")
    curve = lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY", origin="EXTERNAL")
    private = ec.generate_private_key(ec.SECP256R1())
    curve.import_material(private)
    public = curve.public_key().load()
    assert public.public_numbers() == private.public_key().public_numbers()
    public.verify(curve.sign(b"m"), b"m", ec.ECDSA(SHA256()))


@for_every(
    ("form", "style"),
    [
        (form, style)
        for form in (Encoding.PEM, Encoding.DER)
        for style in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    ],
)
def test_a_private_key_may_be_given_to_the_handle_in_any_usual_form(
    shared_lab: Lab, form: Encoding, style: PrivateFormat
) -> None:
    key = load_der_private_key(material("ECC_NIST_P384"), None)
    cmk = external(shared_lab, "ECC_NIST_P384")
    cmk.import_material(key.private_bytes(form, style, NoEncryption()))
    assert cmk.public_key().der == pyca.public_key(material("ECC_NIST_P384"))


# ------------------------------------------------------------------------------- what is refused


@for_every(
    ("spec", "size"),
    [
        ("SYMMETRIC_DEFAULT", (32, 32)),
        ("HMAC_224", (28, 64)),
        ("HMAC_256", (32, 64)),
        ("HMAC_384", (48, 128)),
        ("HMAC_512", (64, 128)),
    ],
)
def test_secret_material_of_another_length_is_refused(
    shared_lab: Lab, refused: Any, spec: str, size: tuple[int, int]
) -> None:
    shortest, longest = size
    span = f"{shortest} to {longest}" if shortest < longest else f"{shortest}"
    text = f"Key material of spec {spec} has {span} bytes."
    for wrong in (1, 16, shortest - 1, longest + 1):
        cmk = external(shared_lab, spec)
        with refused("IncorrectKeyMaterialException", text):
            cmk.import_material(bytes(wrong))
        assert (cmk.state, stored(cmk)) == (KeyState.PENDING_IMPORT, [])
    for right in {shortest, longest}:
        cmk = external(shared_lab, spec)
        cmk.import_material(bytes(right))
        assert cmk.state is KeyState.ENABLED


P256 = "ECC_NIST_P256"


def as_other(encoding: Encoding, form: PrivateFormat, spec: str = P256) -> bytes:
    return load_der_private_key(material(spec), None).private_bytes(encoding, form, NoEncryption())


def altered(private: bytes, number: int) -> bytes:
    """A number in it, one of its low bits flipped."""
    written = number.to_bytes((number.bit_length() + 7) // 8, "big")
    assert private.count(written) == 1
    return private.replace(written, written[:-1] + bytes([written[-1] ^ 2]))


def misfits() -> Iterator[tuple[str, str, bytes]]:
    """A key spec, what is wrong with the material, and the material."""
    curve, rsa = material(P256), material("RSA_2048")
    other = pyca.generate_key(P256)
    for spec in ("ECC_NIST_P384", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "RSA_2048"):
        yield P256, f"a private key of {spec}", material(spec)
    yield P256, "a public key", pyca.public_key(curve)
    yield P256, "SEC 1", as_other(Encoding.DER, PrivateFormat.TraditionalOpenSSL)
    yield P256, "PEM", as_other(Encoding.PEM, PrivateFormat.PKCS8)
    yield P256, "bytes behind it", curve + b"\0"
    yield P256, "its last byte is missing", curve[:-1]
    yield P256, "another public point", curve[:-64] + other[-64:]
    yield P256, "raw bytes", bytes(32)
    number = load_der_private_key(curve, None).private_numbers().private_value.to_bytes(32, "big")
    yield P256, "the number 0", curve.replace(number, bytes(32))
    yield (
        "RSA_2048",
        "PKCS #1",
        as_other(Encoding.DER, PrivateFormat.TraditionalOpenSSL, "RSA_2048"),
    )
    yield "RSA_2048", "RSA_3072", material("RSA_3072")
    yield "RSA_3072", "RSA_2048", rsa
    yield "RSA_2048", "a public key", pyca.public_key(rsa)
    for exponent in (7, 31, 2**256 + 297):
        yield "RSA_2048", f"the exponent {exponent}", rsa_key(2048, exponent)
    numbers = load_der_private_key(rsa, None).private_numbers()
    for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp"):
        yield "RSA_2048", f"a wrong {name}", altered(rsa, getattr(numbers, name))
    yield "RSA_2048", "a wrong n", altered(rsa, numbers.public_numbers.n)
    yield "ECC_NIST_EDWARDS25519", "a curve's key", curve
    yield "ML_DSA_65", "ML_DSA_44", material("ML_DSA_44")
    yield "ML_KEM_768", "ML_KEM_1024", material("ML_KEM_1024")
    yield "ML_KEM_512", "ML_KEM_768", material("ML_KEM_768")
    yield "ML_KEM_512", "half of it", material("ML_KEM_512")[:43]


@for_every(
    ("spec", "what", "wrong"), misfits(), ids=[f"{spec}: {what}" for spec, what, _ in misfits()]
)
def test_material_that_does_not_fit_the_key_is_refused_and_nothing_changes(
    shared_lab: Lab, refused: Any, spec: str, what: str, wrong: bytes
) -> None:
    cmk = external(shared_lab, spec)
    parameters = cmk.import_parameters()
    text = f"This is not a private key of spec {spec} in PKCS#8 (DER)."
    with refused("IncorrectKeyMaterialException", text):
        cmk.import_wrapped(parameters.wrap(wrong), parameters.token)
    assert (cmk.state, stored(cmk)) == (KeyState.PENDING_IMPORT, [])


FEW = ((2048, LARGE), (4096, ODD))  # tried in the quick tests, with one algorithm for each usage


@for_every(
    ("bits", "exponent"),
    [(2048, USUAL), (2048, ODD), (2048, LARGE), (3072, LARGE), (4096, ODD), (4096, LARGE)],
    long=lambda bits, exponent: (bits, exponent) not in FEW,
)
def test_an_rsa_key_may_have_any_exponent_that_fips_186_5_allows(
    shared_lab: Lab, bits: int, exponent: int
) -> None:
    """Also RSA_4096 with more than 64 bits, whose public operations OpenSSL refuses."""
    for usage, algorithms in KEY_SPECS[f"RSA_{bits}"].algorithms.items():
        cmk = shared_lab.create_cmk(spec=f"RSA_{bits}", usage=usage, origin="EXTERNAL")
        cmk.import_material(rsa_key(bits, exponent))
        assert rsa_exponent(cmk.public_key().der) == exponent
        for name in algorithms[:1] if (bits, exponent) in FEW else algorithms:
            if usage is KeyUsage.SIGN_VERIFY:
                assert cmk.verify(b"m", cmk.sign(b"m", name), name)
            else:
                assert cmk.decrypt(cmk.encrypt(b"m", algorithm=name), algorithm=name) == b"m"


# --------------------------------------------------------------------- tokens and wrapped bytes


def test_a_token_belongs_to_one_key(own: CMK, send: Wrapped, refused: Any) -> None:
    other = external(own.lab)
    with refused("InvalidImportTokenException", "The import token is not valid for this key."):
        send(KeyId=other.arn)
    assert other.state is own.state is KeyState.PENDING_IMPORT
    send()
    assert own.state is KeyState.ENABLED


def test_a_garbled_token_is_invalid(
    send: Wrapped, refused: Any, parameters: ImportParameters
) -> None:
    token = bytes(parameters.token)
    for garbled in (b"x", token[:-1], token + b"\0", bytes([token[0] ^ 1]) + token[1:], bytes(99)):
        with refused("InvalidImportTokenException", "The import token is not valid for this key."):
            send(ImportToken=garbled)


def test_a_token_expires_after_24_hours(lab: Lab, own: CMK, send: Wrapped, refused: Any) -> None:
    lab.clock.advance(hours=24)
    send()
    lab.clock.advance(seconds=1)
    with refused("ExpiredImportTokenException", "The import token has expired."):
        send()
    own.import_material(A)


def test_token_and_wrapping_key_belong_together(own: CMK, send: Wrapped, refused: Any) -> None:
    """This lab's wrapping keys of one size are the same, so here is one of another size."""
    other = own.import_parameters(wrapping_key="RSA_3072")
    with refused("InvalidCiphertextException", ""):
        send(EncryptedKeyMaterial=other.wrap(A))


@for_every("algorithm", ALGORITHMS)
def test_bytes_that_do_not_unwrap_are_refused(
    shared_lab: Lab, refused: Any, algorithm: str
) -> None:
    cmk = external(shared_lab, P256)
    parameters = cmk.import_parameters(algorithm, "RSA_3072")
    wrapped = bytes(parameters.wrap(material(P256)))
    by_another = wrap(parameters.public_key.der, material(P256), other_hash(algorithm))
    flipped = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in (0, 200, -1)]
    for wrong in (b"x", wrapped[:-1], wrapped + b"\0", wrapped[:384][:-8], by_another):
        with refused("InvalidCiphertextException", ""):
            cmk.import_wrapped(wrong, parameters.token)
    for wrong in [each for each in flipped if len(each) == len(wrapped)]:
        with refused("InvalidCiphertextException", ""):
            cmk.import_wrapped(wrong, parameters.token)
    assert stored(cmk) == []


def other_hash(algorithm: str) -> str:
    stem, _, bits = algorithm.rpartition("_")
    return f"{stem}_{'256' if bits == '1' else '1'}"


def test_an_aes_key_of_another_size_is_refused(own: CMK, refused: Any, lab: Lab) -> None:
    cmk = external(lab, P256)
    parameters = cmk.import_parameters("RSA_AES_KEY_WRAP_SHA_256")
    short = bytes(16)
    wrapped = pyca.encrypt("RSAES_OAEP_SHA_256", parameters.public_key.der, short)
    with refused("InvalidCiphertextException", ""):
        cmk.import_wrapped(wrapped + pyca.aes_wrap(short, material(P256)), parameters.token)


def test_wrap_names_what_it_cannot_wrap(parameters: ImportParameters) -> None:
    with pytest.raises(ValueError, match="RSAES_OAEP_SHA_256 does not take 300 bytes"):
        parameters.wrap(bytes(300))
    with pytest.raises(ValueError, match="RSA_AES_KEY_WRAP_SHA_1 does not take 0 bytes"):
        wrap(parameters.public_key.der, b"", "RSA_AES_KEY_WRAP_SHA_1")
    for algorithm in ALGORITHMS:
        with pytest.raises(ValueError, match="the wrapping key is not an RSA key"):
            wrap(pyca.public_key(material(P256)), A, algorithm)
    with pytest.raises(ValueError, match="RSAES_PKCS1_V1_5 does not wrap key material"):
        wrap(parameters.public_key.der, A, "RSAES_PKCS1_V1_5")


# ------------------------------------------------------------------------------------ expiration


def test_material_that_expires_needs_a_date(send: Wrapped, refused: Any) -> None:
    text = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
    for model in ("KEY_MATERIAL_EXPIRES", None):
        with refused("ValidationException", text):
            send(ExpirationModel=model)


def test_material_that_does_not_expire_has_no_date(lab: Lab, send: Wrapped, refused: Any) -> None:
    text = "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"
    with refused("ValidationException", text):
        send(ValidTo=lab.clock.now() + DAY)


def test_material_expires_within_a_year(lab: Lab, send: Wrapped, refused: Any) -> None:
    text = "The validTo date must be in the future, at most 365 days from now."
    now = lab.clock.now()
    for wrong in (now, now - DAY, now + 365 * DAY + timedelta(milliseconds=1)):
        with refused("ValidationException", text):
            send(ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=wrong)
    send(ExpirationModel=None, ValidTo=now + 365 * DAY)


def test_expired_material_is_deleted_and_the_same_bytes_restore_it(lab: Lab, own: CMK) -> None:
    end = lab.clock.now() + 3 * DAY
    material_id = own.import_material(A, expires=end)
    assert (own.metadata["ExpirationModel"], own.metadata["ValidTo"]) == (
        "KEY_MATERIAL_EXPIRES",
        end,
    )
    blob = own.encrypt(b"x")
    lab.clock.advance(days=3)
    lab.clock.advance(hours=5)

    with pytest.raises(KMSError, match="is pending import"):
        own.decrypt(blob)
    assert "CurrentKeyMaterialId" not in own.metadata
    assert [each.sealed for each in stored(own)] == [b""]
    (event,) = [e for e in lab.trail if e["eventName"] == "DeleteExpiredKeyMaterial"]
    assert event["eventTime"] == f"{end:%Y-%m-%dT%H:%M:%SZ}"
    assert event["eventType"] == "AwsServiceEvent"
    assert event["serviceEventDetails"] == {"keyMaterialId": material_id}
    assert event["resources"][0]["ARN"] == own.arn

    assert own.import_material(A) == material_id
    assert own.decrypt(blob) == b"x"
    lab.clock.advance(days=400)
    assert own.state is KeyState.ENABLED


def test_an_import_again_changes_when_the_material_expires(lab: Lab, own: CMK) -> None:
    own.import_material(A, expires=lab.clock.now() + DAY)
    own.import_material(A, expires=lab.clock.now() + 9 * DAY)
    lab.clock.advance(days=5)
    assert own.state is KeyState.ENABLED
    lab.clock.advance(days=4)
    assert own.state is KeyState.PENDING_IMPORT


# ------------------------------------------------------------------- deleted, and brought again


@for_every(("spec", "usage"), [use for use in USES if not use[0].startswith(("RSA_3", "RSA_4"))])
def test_only_the_same_bytes_can_take_the_place_of_deleted_material(
    shared_lab: Lab, refused: Any, spec: str, usage: str
) -> None:
    cmk = external(shared_lab, spec)
    first = cmk.import_material(material(spec))
    answer = shared_lab.kms.delete_imported_key_material(KeyId=cmk.id)
    assert answer == {"KeyId": cmk.arn, "KeyMaterialId": first}
    assert cmk.state is KeyState.PENDING_IMPORT
    text = f"This is not the key material that was imported into KMS key {cmk.arn} before."
    with refused("IncorrectKeyMaterialException", text):
        cmk.import_material(material(spec, 1))
    assert cmk.state is KeyState.PENDING_IMPORT
    assert cmk.import_material(material(spec)) == first
    assert cmk.state is KeyState.ENABLED
    assert len(stored(cmk)) == 1


def test_other_bytes_are_refused_while_the_material_is_there(own: CMK, refused: Any) -> None:
    own.import_material(A)
    blob = own.encrypt(b"x")
    text = f"This is not the key material that was imported into KMS key {own.arn} before."
    with refused("IncorrectKeyMaterialException", text):
        own.import_material(B)
    assert own.decrypt(blob) == b"x"


def test_the_same_bytes_in_another_key_open_nothing(lab: Lab, own: CMK) -> None:
    twin = external(lab)
    assert own.import_material(A) != twin.import_material(A)
    with pytest.raises(KMSError) as caught:
        twin.decrypt(own.encrypt(b"x"))
    assert caught.value.code == "IncorrectKeyException"


def test_deleting_what_is_not_there_changes_nothing(lab: Lab, own: CMK, refused: Any) -> None:
    assert lab.kms.delete_imported_key_material(KeyId=own.id) == {"KeyId": own.arn}
    unknown = "0" * 64
    with refused("NotFoundException", f"Key material '{unknown}' does not exist"):
        own.delete_material(unknown)
    material_id = own.import_material(A)
    for _ in range(2):
        own.delete_material(material_id)
        assert own.state is KeyState.PENDING_IMPORT


def test_a_disabled_key_stays_disabled_until_its_material_goes(own: CMK) -> None:
    own.import_material(A)
    own.disable()
    own.import_material(A)
    assert own.state is KeyState.DISABLED
    own.delete_material()
    assert own.state is KeyState.PENDING_IMPORT
    own.import_material(A)
    assert own.state is KeyState.ENABLED


@for_every("deleted", [True, False])
def test_a_cancelled_deletion_leaves_a_key_without_material_waiting(
    shared_lab: Lab, deleted: bool
) -> None:
    cmk = external(shared_lab)
    cmk.import_material(A)
    cmk.schedule_deletion(7)
    if deleted:
        cmk.delete_material()
    assert cmk.state is KeyState.PENDING_DELETION
    cmk.cancel_deletion()
    assert cmk.state is (KeyState.PENDING_IMPORT if deleted else KeyState.DISABLED)


def test_material_that_expires_while_the_key_is_pending_deletion_is_missing_later(
    lab: Lab, own: CMK
) -> None:
    own.import_material(A, expires=lab.clock.now() + DAY)
    own.schedule_deletion(7)
    lab.clock.advance(days=2)
    assert own.state is KeyState.PENDING_DELETION
    own.cancel_deletion()
    assert own.state is KeyState.PENDING_IMPORT
    own.schedule_deletion(7)
    lab.clock.advance(days=8)
    assert lab.trail[-1]["eventName"] == "DeleteKey"
    assert stored(own) == []


def test_material_deleted_while_a_call_finds_it_is_missing_and_no_damage(
    lab: Lab, own: CMK, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another call deletes the material after this one has read the key."""
    own.import_material(A)
    get = lab._store.get

    def interrupted(kind: Any, name: str) -> Any:
        if kind is Material:
            monkeypatch.undo()
            own.delete_material()
        return get(kind, name)

    monkeypatch.setattr(lab._store, "get", interrupted)
    with refused("KMSInvalidStateException", f"{own.arn} is pending import."):
        lab.kms.generate_data_key(KeyId=own.arn, KeySpec="AES_256")


# -------------------------------------------------------------------------------------- rotation


def rotations(cmk: CMK, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cmk.lab.kms.list_key_rotations(
        KeyId=cmk.id, IncludeKeyMaterial="ALL_KEY_MATERIAL", **members
    )["Rotations"]
    return found


def test_the_first_material_is_current_at_once_and_the_next_waits_for_a_rotation(
    lab: Lab, own: CMK
) -> None:
    first = own.import_material(A, description="made in 2026")
    old = own.encrypt(b"old")
    end = lab.clock.now() + 9 * DAY
    second = own.import_material(B, new=True, expires=end)

    one, two = rotations(own)
    assert one == {
        "KeyId": own.id,
        "KeyMaterialId": first,
        "KeyMaterialDescription": "made in 2026",
        "KeyMaterialState": "CURRENT",
        "ImportState": "IMPORTED",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
    assert two == {
        "KeyId": own.id,
        "KeyMaterialId": second,
        "KeyMaterialState": "PENDING_ROTATION",
        "ImportState": "IMPORTED",
        "ExpirationModel": "KEY_MATERIAL_EXPIRES",
        "ValidTo": end,
    }
    assert lab.kms.list_key_rotations(KeyId=own.id)["Rotations"] == []
    assert own.metadata["CurrentKeyMaterialId"] == first
    assert own.metadata["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"

    lab.clock.advance(hours=1)
    own.rotate()
    assert own.metadata["CurrentKeyMaterialId"] == second
    assert own.metadata["ValidTo"] == end
    one, two = rotations(own)
    assert (one["KeyMaterialState"], two["KeyMaterialState"]) == ("NON_CURRENT", "CURRENT")
    assert (two["RotationType"], two["RotationDate"]) == ("ON_DEMAND", lab.clock.now())
    assert lab.kms.list_key_rotations(KeyId=own.id)["Rotations"] == [two]
    assert own.decrypt(old) == b"old"
    assert own.decrypt(own.encrypt(b"new")) == b"new"
    (event,) = [event for event in lab.trail if event["eventName"] == "RotateKey"]
    details = event["serviceEventDetails"]
    assert (details["keyOrigin"], details["rotationType"]) == ("EXTERNAL", "ON_DEMAND")
    assert (details["previousKeyMaterialId"], details["currentKeyMaterialId"]) == (first, second)


def test_without_new_material_there_is_no_rotation(own: CMK, refused: Any) -> None:
    own.import_material(A)
    text = f"No available key material pending rotation for the key: {own.arn}."
    with refused("KMSInvalidStateException", text):
        own.rotate()
    assert own.lab.kms.get_key_rotation_status(KeyId=own.id) == {
        "KeyId": own.id,
        "KeyRotationEnabled": False,
    }


def test_one_new_material_waits_at_most(own: CMK, refused: Any) -> None:
    own.import_material(A)
    pending = own.import_material(B, new=True)
    with pytest.raises(KMSError) as caught:
        own.import_material(C, new=True)
    assert caught.value.code == "KMSInvalidStateException"
    assert caught.value.message.startswith("New key material (id: ")
    assert caught.value.message.endswith(
        f") cannot be imported into KMS key {own.arn}, because another key material (id: "
        f"{pending}) is pending rotation."
    )
    own.delete_material(pending)
    assert own.state is KeyState.ENABLED
    own.import_material(C, new=True)
    own.rotate()
    assert [each["KeyMaterialState"] for each in rotations(own)] == ["NON_CURRENT", "CURRENT"]


def test_of_several_new_materials_at_once_one_waits(lab: Lab, own: CMK) -> None:
    own.import_material(A)
    given = own.import_parameters()
    start, outcomes = threading.Barrier(4), []

    def bring(number: int) -> None:
        wrapped = given.wrap(bytes([number]) * 32)
        start.wait()
        try:
            outcomes.append(own.import_wrapped(wrapped, given.token, new=True))
        except KMSError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=bring, args=[number]) for number in range(10, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("KMSInvalidStateException") == 3
    (waiting,) = [each for each in rotations(own) if each["KeyMaterialState"] != "CURRENT"]
    assert waiting["KeyMaterialId"] in outcomes


def test_material_that_was_imported_is_not_new(own: CMK, refused: Any) -> None:
    first = own.import_material(A)
    second = own.import_material(B, new=True)
    for known, name in ((A, first), (B, second)):
        text = f"Key material (id: {name}) has been imported into KMS key {own.arn} already."
        with refused("IncorrectKeyMaterialException", text):
            own.import_material(known, new=True)


def test_the_first_material_cannot_be_existing(own: CMK, send: Wrapped, refused: Any) -> None:
    text = f"This is not the key material that was imported into KMS key {own.arn} before."
    with refused("IncorrectKeyMaterialException", text):
        send(ImportType="EXISTING_KEY_MATERIAL")


def test_an_id_names_the_material_that_is_brought_again(
    own: CMK, send: Wrapped, refused: Any
) -> None:
    first, second = own.import_material(A), own.import_material(B, new=True)
    own.rotate()
    own.delete_material(first)
    text = f"This is not the key material that was imported into KMS key {own.arn} before."
    with refused("IncorrectKeyMaterialException", text):
        send(KeyMaterialId=second)
    text = "KeyMaterialId cannot be specified if the ImportType is NEW_KEY_MATERIAL"
    with refused("ValidationException", text):
        send(KeyMaterialId=first, ImportType="NEW_KEY_MATERIAL")
    assert send(KeyMaterialId=first)["KeyMaterialId"] == first
    assert own.state is KeyState.ENABLED


@for_every("lost", ["older", "current"])
def test_losing_any_material_that_was_used_stops_the_key(shared_lab: Lab, lost: str) -> None:
    own = external(shared_lab)
    first = own.import_material(A)
    old = own.encrypt(b"old")
    second = own.import_material(B, new=True)
    own.rotate()
    new = own.encrypt(b"new")
    own.delete_material(first if lost == "older" else None)
    for blob in (old, new):
        with pytest.raises(KMSError, match="is pending import"):
            own.decrypt(blob)
    states = {entry["KeyMaterialId"]: entry["ImportState"] for entry in rotations(own)}
    gone = first if lost == "older" else second
    assert states[gone] == "PENDING_IMPORT"
    own.import_material(A if lost == "older" else B)
    assert [own.decrypt(blob) for blob in (old, new)] == [b"old", b"new"]


def test_every_material_must_be_back_before_the_key_works(own: CMK) -> None:
    first = own.import_material(A)
    second = own.import_material(B, new=True)
    own.rotate()
    for each in (first, second):
        own.delete_material(each)
    own.import_material(B)
    assert own.state is KeyState.PENDING_IMPORT
    own.import_material(A)
    assert own.state is KeyState.ENABLED


def test_pending_material_that_expires_is_forgotten_and_the_key_goes_on(lab: Lab, own: CMK) -> None:
    first = own.import_material(A)
    own.import_material(B, new=True, expires=lab.clock.now() + DAY)
    lab.clock.advance(days=2)
    assert own.state is KeyState.ENABLED
    assert [entry["KeyMaterialId"] for entry in rotations(own)] == [first]
    own.import_material(C, new=True)


def test_materials_expire_each_at_its_own_time(lab: Lab, own: CMK) -> None:
    first = own.import_material(A, expires=lab.clock.now() + 9 * DAY)
    second = own.import_material(B, new=True, expires=lab.clock.now() + 5 * DAY)
    own.rotate()
    assert own.metadata["ValidTo"] == lab.clock.now() + 5 * DAY
    lab.clock.advance(days=20)
    assert own.state is KeyState.PENDING_IMPORT
    gone = [
        (event["eventTime"][:10], event["serviceEventDetails"]["keyMaterialId"])
        for event in lab.trail
        if event["eventName"] == "DeleteExpiredKeyMaterial"
    ]
    assert gone == [("2026-01-10", second), ("2026-01-14", first)]


def test_a_description_is_kept_until_another_one_is_given(own: CMK) -> None:
    own.import_material(A, description="one")
    own.import_material(A)
    assert rotations(own)[0]["KeyMaterialDescription"] == "one"
    own.import_material(A, description="two")
    assert rotations(own)[0]["KeyMaterialDescription"] == "two"


@for_every("spec", [P256, "HMAC_256"])
def test_a_key_with_one_material_for_life_takes_no_members_about_several(
    shared_lab: Lab, refused: Any, spec: str
) -> None:
    cmk = external(shared_lab, spec)
    parameters = cmk.import_parameters()
    request = {
        "KeyId": cmk.id,
        "ImportToken": parameters.token,
        "EncryptedKeyMaterial": parameters.wrap(material(spec)),
        **NEVER,
    }
    members = {
        "ImportType": "NEW_KEY_MATERIAL",
        "KeyMaterialId": "0" * 64,
        "KeyMaterialDescription": "x",
    }
    for member, value in members.items():
        text = f"{member} is not valid for a key of spec {spec}."
        with refused("ValidationException", text):
            shared_lab.kms.import_key_material(**request, **{member: value})
    cmk.import_material(material(spec))
    text = f"{cmk.arn} origin is EXTERNAL which is not valid for this operation."
    with refused("UnsupportedOperationException", text):
        cmk.rotate()
    cmk.delete_material()
    with refused("KMSInvalidStateException", f"{cmk.arn} is pending import."):
        cmk.rotate()


def test_imported_keys_do_not_rotate_by_themselves(own: CMK, refused: Any) -> None:
    own.import_material(A)
    text = f"{own.arn} origin is EXTERNAL which is not valid for this operation."
    for call in (own.enable_rotation, own.disable_rotation):
        with refused("UnsupportedOperationException", text):
            call()


# ------------------------------------------------------------------------------------- the trail


def test_the_trail_has_neither_the_material_nor_the_token(
    lab: Lab, own: CMK, send: Wrapped, parameters: ImportParameters
) -> None:
    imported = send(KeyMaterialDescription="x")["KeyMaterialId"]
    own.delete_material()
    _, given, event, deleted = list(lab.trail)[-4:]
    assert given["requestParameters"] == {
        "keyId": own.arn,
        "wrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "wrappingKeySpec": "RSA_2048",
    }
    assert (given["readOnly"], given["responseElements"]) == (True, None)
    assert event["requestParameters"] == {
        "keyId": own.arn,
        "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        "keyMaterialDescription": "x",
    }
    for each in (event, deleted):
        assert each["readOnly"] is False
        assert each["responseElements"] == {"keyId": own.arn, "keyMaterialId": imported}
