"""What a program demands: key commitment, few encrypted data keys, context that both sides know."""

import io
from types import ModuleType
from typing import Any

import pytest

from kmslab import CMK, Lab, envelope
from kmslab.envelope import CommitmentPolicy, DataKeyCache, DecryptionError, Policy, RawAesKeyring
from tests.cases import for_every
from tests.envelope.conftest import ALL_SUITES, OLD_SUITES, SUITES, writing

RING = RawAesKeyring("clinic", "aes", bytes(range(32)))
TENANT = Policy(required_context_keys=["tenant"])
PAIRS = {"tenant": "한국", "album": "summer"}


# ---------------------------------------------------------------------------------- key commitment


@for_every("policy", CommitmentPolicy)
def test_a_policy_decides_which_suites_are_written_and_read(policy: str) -> None:
    forbids, requires = policy.startswith("FORBID"), policy.endswith("REQUIRE_DECRYPT")
    ours = Policy(commitment_policy=policy)
    for suite in ALL_SUITES:
        if forbids == (suite in OLD_SUITES):
            assert envelope.encrypt(b"photo", RING, suite=suite, policy=ours)
        else:
            with pytest.raises(ValueError, match=f"0x{suite:04x} has .*{policy}"):
                envelope.encrypt(b"photo", RING, suite=suite, policy=ours)
        message = envelope.encrypt(b"photo", RING, suite=suite, policy=writing(suite))
        if requires and suite in OLD_SUITES:
            with pytest.raises(DecryptionError, match="has no key commitment") as caught:
                envelope.decrypt(message, RING, policy=ours)
            assert caught.value.__cause__ is None
        else:
            assert envelope.decrypt(message, RING, policy=ours).plaintext == b"photo"


def test_key_commitment_is_required_unless_the_policy_says_otherwise() -> None:
    assert Policy() == Policy(commitment_policy="REQUIRE_ENCRYPT_REQUIRE_DECRYPT")
    for suite in OLD_SUITES:
        message = envelope.encrypt(b"photo", RING, suite=suite, policy=writing(suite))
        with pytest.raises(DecryptionError, match="REQUIRE_ENCRYPT_ALLOW_DECRYPT"):
            envelope.decrypt(message, RING)


def test_the_default_suite_follows_the_policy() -> None:
    suites = {
        policy: envelope.encrypt_stream(
            b"photo", io.BytesIO(), RING, policy=Policy(commitment_policy=policy)
        ).suite.id
        for policy in CommitmentPolicy
    }
    assert list(suites.values()) == [0x0378, 0x0578, 0x0578]


def test_a_file_follows_the_policy_too(tmp_path) -> None:
    plain, sealed, back = (tmp_path / name for name in ("plain", "sealed", "back"))
    plain.write_bytes(b"photo")
    old = Policy(commitment_policy="FORBID_ENCRYPT_ALLOW_DECRYPT")
    envelope.encrypt_file(plain, sealed, RING, policy=old)
    with pytest.raises(DecryptionError, match="0x0378"):
        envelope.decrypt_file(sealed, back, RING)
    assert not back.exists()
    envelope.decrypt_file(sealed, back, RING, policy=old)
    assert back.read_bytes() == b"photo"


# ----------------------------------------------------------------------------- encrypted data keys


def test_more_encrypted_data_keys_than_allowed_are_neither_written_nor_read() -> None:
    few = Policy(max_encrypted_data_keys=2)
    assert envelope.decrypt(envelope.encrypt(b"", [RING] * 2, policy=few), RING, policy=few)
    with pytest.raises(ValueError, match="max_encrypted_data_keys"):
        envelope.encrypt(b"", [RING] * 3, policy=few)
    message = envelope.encrypt(b"", [RING] * 3)
    with pytest.raises(DecryptionError, match="3 encrypted data keys"):
        envelope.decrypt(message, RING, policy=few)


def test_a_kms_is_not_asked_about_a_message_that_the_policy_refuses(lab: Lab, orders: CMK) -> None:
    message = envelope.encrypt(b"", [orders] * 3, context=PAIRS)
    before = len(lab.trail)
    for policy, context in (
        (Policy(max_encrypted_data_keys=2), None),
        (Policy(), {"album": "winter"}),
    ):
        with pytest.raises(DecryptionError):
            envelope.decrypt(message, orders, policy=policy, context=context)
    assert len(lab.trail) == before


# ---------------------------------------------------------------------------------------- context


@for_every("suite", ALL_SUITES, ids=hex)
def test_a_required_pair_is_bound_to_the_message_and_is_not_in_it(suite: int) -> None:
    policy = Policy(
        commitment_policy=writing(suite).commitment_policy, required_context_keys=["tenant"]
    )
    for ring in (RING, DataKeyCache(RING, max_age=60)):
        message = envelope.encrypt(b"photo", ring, context=PAIRS, suite=suite, policy=policy)
        assert b"tenant" not in message
        assert "한국".encode() not in message
        opened = envelope.decrypt(message, ring, context={"tenant": "한국"}, policy=policy)
        assert (opened.plaintext, opened.context) == (b"photo", PAIRS)
        for wrong in ({"tenant": "일본"}, {"tenant": "한국", "more": ""}, {"tenant": ""}):
            with pytest.raises(DecryptionError):
                envelope.decrypt(message, ring, context=wrong, policy=policy)
        with pytest.raises(DecryptionError):
            envelope.decrypt(message, ring, policy=writing(suite))


def test_a_required_key_must_be_given_on_both_sides() -> None:
    with pytest.raises(ValueError, match="'tenant'"):
        envelope.encrypt(b"", RING, context={"album": "summer"}, policy=TENANT)
    message = envelope.encrypt(b"", RING, context=PAIRS)
    with pytest.raises(ValueError, match="'tenant'"):
        envelope.decrypt(message, RING, policy=TENANT)
    assert envelope.decrypt(message, RING, policy=TENANT, context={"tenant": "한국"})


def test_a_required_pair_reaches_the_kms(lab: Lab, orders: CMK) -> None:
    message = envelope.encrypt(b"photo", orders, context=PAIRS, policy=TENANT)
    envelope.decrypt(message, orders, context={"tenant": "한국"}, policy=TENANT)
    for event in lab.trail[-2:]:
        assert PAIRS.items() <= event["requestParameters"]["encryptionContext"].items()
    with pytest.raises(DecryptionError, match="InvalidCiphertextException"):
        envelope.decrypt(message, orders, context={"tenant": "일본"}, policy=TENANT)


def test_an_expected_context_is_compared() -> None:
    message = envelope.encrypt(b"photo", RING, context=PAIRS)
    for expected in ({}, {"album": "summer"}, PAIRS):
        assert envelope.decrypt(message, RING, context=expected).context == PAIRS
    with pytest.raises(DecryptionError, match="another 'album'"):
        envelope.decrypt(message, RING, context={"album": "winter"})
    with pytest.raises(DecryptionError, match="does not open"):
        envelope.decrypt(message, RING, context={"year": "2026"})


def test_the_sdk_and_we_agree_on_required_pairs(sdk: ModuleType) -> None:
    from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders, models
    from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig

    mpl = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    ring = mpl.create_raw_aes_keyring(
        models.CreateRawAesKeyringInput(
            key_namespace="clinic",
            key_name="aes",
            wrapping_key=bytes(range(32)),
            wrapping_alg=models.AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
        )
    )
    below = mpl.create_default_cryptographic_materials_manager(
        models.CreateDefaultCryptographicMaterialsManagerInput(keyring=ring)
    )
    manager = mpl.create_required_encryption_context_cmm(
        models.CreateRequiredEncryptionContextCMMInput(
            underlying_cmm=below, required_encryption_context_keys=["tenant"]
        )
    )
    for suite in SUITES:
        theirs, _ = sdk.CLIENT.encrypt(
            source=b"photo",
            materials_manager=manager,
            encryption_context=PAIRS,
            algorithm=sdk.ALGORITHMS[suite],
        )
        opened = envelope.decrypt(theirs, RING, context={"tenant": "한국"}, policy=TENANT)
        assert (opened.plaintext, opened.context) == (b"photo", PAIRS)
        ours = envelope.encrypt(b"photo", RING, context=PAIRS, suite=suite, policy=TENANT)
        plaintext, _ = sdk.CLIENT.decrypt(
            source=ours, materials_manager=manager, encryption_context={"tenant": "한국"}
        )
        assert plaintext == b"photo"


# -------------------------------------------------------------------------------------- arguments


@for_every(
    ("options", "error"),
    [
        ({"commitment_policy": "ALLOW"}, ValueError),
        ({"commitment_policy": None}, ValueError),
        ({"max_encrypted_data_keys": 0}, ValueError),
        ({"max_encrypted_data_keys": 65_536}, ValueError),
        ({"max_encrypted_data_keys": "5"}, ValueError),
        ({"required_context_keys": ["aws-crypto-public-key"]}, ValueError),
        ({"required_context_keys": "tenant"}, TypeError),
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_kept_is_refused(options: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        Policy(**options)


def test_reserved_keys_are_refused_in_an_expected_context() -> None:
    message = envelope.encrypt(b"", RING)
    with pytest.raises(ValueError, match="reserved"):
        envelope.decrypt(message, RING, context={"aws-crypto-public-key": "x"})
