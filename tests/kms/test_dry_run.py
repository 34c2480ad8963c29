"""DryRun asks whether a call would succeed: everything runs, and only the event is stored."""

from typing import Any

import pytest

from kmslab import Lab
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.states import KeyState
from kmslab.kms.table import TABLE
from tests.cases import for_every

WOULD = (
    "DryRunOperationException",
    "The request would have succeeded, but the DryRun option is set.",
)

# As documented: all cryptographic operations except GenerateRandom, and those that change grants.
DRY = [name for name in TABLE if "DryRun" in MODEL.operations[name].input.members]
MODIFIED = [name for name in DRY if "DryRunModifiers" in MODEL.operations[name].input.members]


def method(lab: Lab, operation: str) -> Any:
    return getattr(lab.kms, MODEL.operations[operation].snake_name)


def everything_in(lab: Lab) -> list[Any]:
    kms = lab.kms
    keys = [entry["KeyId"] for entry in kms.list_keys()["Keys"]]
    asked = (kms.describe_key, kms.list_resource_tags, kms.get_key_last_usage)
    return [kms.list_aliases(), *[ask(KeyId=key) for key in keys for ask in asked]]


@pytest.mark.parametrize("operation", DRY)
def test_call_that_would_succeed_says_so_and_leaves_its_event_alone(
    lab: Lab, new_scene: Any, example: Any, refused: Any, operation: str
) -> None:
    scene = new_scene(lab, operation)
    request = example(scene, operation)
    before, events = everything_in(lab), len(lab.trail)

    with refused(*WOULD):
        method(lab, operation)(**request, DryRun=True)

    event = lab.trail[events]
    assert (event["eventName"], event["errorCode"]) == (operation, WOULD[0])
    assert event["errorMessage"] == WOULD[1]
    assert event["responseElements"] is None
    assert event["requestParameters"]["dryRun"] is True
    assert scene.key in [resource["ARN"] for resource in event["resources"]]
    assert everything_in(lab) == before


@for_every("operation", DRY)
def test_dry_run_that_is_off_is_an_ordinary_call(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    method(lab, operation)(**example(new_scene(lab, operation), operation), DryRun=False)


# Those that a disabled key refuses; a grant on a disabled key can be retired or revoked.
STRICT = [each for each in DRY if KeyState.DISABLED not in TABLE[each].roles[0].states]


@for_every("operation", STRICT)
def test_real_error_wins_over_the_dry_run(
    lab: Lab, new_scene: Any, example: Any, refused: Any, operation: str
) -> None:
    scene = new_scene(lab, operation)
    request = example(scene, operation)
    scene.bring_into(KeyState.DISABLED)
    with refused("DisabledException", f"{scene.key} is disabled."):
        method(lab, operation)(**request, DryRun=True)


def test_dry_run_opens_the_blob_like_any_other(lab: Lab, key: str, refused: Any) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    forged = bytes(blob[:-1]) + bytes([blob[-1] ^ 1])
    for call in (
        lambda: lab.kms.decrypt(CiphertextBlob=forged, DryRun=True),
        lambda: lab.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"}, DryRun=True),
        lambda: lab.kms.re_encrypt(CiphertextBlob=forged, DestinationKeyId=key, DryRun=True),
    ):
        with refused("InvalidCiphertextException", ""):
            call()


def test_dry_run_verifies_like_any_other(lab: Lab, refused: Any) -> None:
    signer = lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    mac = lab.create_cmk(spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    asked = {"Message": b"x", "DryRun": True}
    with refused("KMSInvalidSignatureException", ""):
        signature = signer.sign(b"y")
        lab.kms.verify(
            KeyId=signer.id, Signature=signature, SigningAlgorithm="ECDSA_SHA_256", **asked
        )
    with refused("KMSInvalidMacException", ""):
        lab.kms.verify_mac(KeyId=mac.id, Mac=mac.mac(b"y"), MacAlgorithm="HMAC_SHA_256", **asked)


def test_dry_run_judges_what_the_other_side_sent(lab: Lab, refused: Any) -> None:
    curve = lab.create_cmk(spec="ECC_NIST_P256", usage="KEY_AGREEMENT")
    other = lab.create_cmk(spec="ECC_NIST_P384", usage="KEY_AGREEMENT")
    lattice = lab.create_cmk(spec="ML_KEM_768", usage="ENCAPSULATE_DECAPSULATE")
    with refused("ValidationException", ""):
        lab.kms.derive_shared_secret(
            KeyId=curve.id,
            KeyAgreementAlgorithm="ECDH",
            PublicKey=other.public_key().der,
            DryRun=True,
        )
    with refused("InvalidCiphertextException", ""):
        lab.kms.decapsulate(
            KeyId=lattice.id,
            SharedSecretCiphertextBlob=b"too short",
            EncapsulationAlgorithm="ML_KEM",
            DryRun=True,
        )


def test_dry_run_checks_the_request_first(lab: Lab, key: str, refused: Any) -> None:
    with refused("ValidationException", "Please specify either number of bytes or key spec."):
        lab.kms.generate_data_key(KeyId=key, DryRun=True)


# ----------------------------------------------------------------------------- IGNORE_CIPHERTEXT


@pytest.fixture
def ignoring() -> dict[str, Any]:
    return {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}


def test_without_ciphertext_the_key_alone_is_asked_about(
    lab: Lab, key: str, refused: Any, ignoring: dict[str, Any]
) -> None:
    with refused(*WOULD):
        lab.kms.decrypt(KeyId=key, **ignoring)
    with refused(*WOULD):
        lab.kms.re_encrypt(SourceKeyId=key, DestinationKeyId=key, **ignoring)
    lab.kms.disable_key(KeyId=key)
    with refused("DisabledException", f"{key} is disabled."):
        lab.kms.decrypt(KeyId=key, **ignoring)
    with refused("DisabledException", f"{key} is disabled."):
        lab.kms.re_encrypt(SourceKeyId=key, DestinationKeyId=key, **ignoring)


def test_ignored_ciphertext_is_not_opened(
    lab: Lab, key: str, refused: Any, ignoring: dict[str, Any]
) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1"})
    with refused(*WOULD):
        lab.kms.decrypt(CiphertextBlob=blob["CiphertextBlob"], **ignoring)


@pytest.mark.parametrize("operation", MODIFIED)
def test_without_ciphertext_and_key_the_request_is_refused(
    lab: Lab, key: str, refused: Any, ignoring: dict[str, Any], operation: str
) -> None:
    destination = {"DestinationKeyId": key} if operation == "ReEncrypt" else {}
    text = (
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy "
        "constraint: Member must not be null"
    )
    with refused("ValidationException", text):
        method(lab, operation)(**destination, **ignoring)


def test_modifier_without_dry_run_changes_nothing(lab: Lab, key: str, refused: Any) -> None:
    text = (
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy "
        "constraint: Member must not be null"
    )
    with refused("ValidationException", text):
        lab.kms.decrypt(KeyId=key, DryRunModifiers=["IGNORE_CIPHERTEXT"])
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    answer = lab.kms.decrypt(CiphertextBlob=blob, DryRunModifiers=["IGNORE_CIPHERTEXT"])
    assert answer["Plaintext"] == b"x"
