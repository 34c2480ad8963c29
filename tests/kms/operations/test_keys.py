from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kmslab import Clock, Lab
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.specs import KEY_SPECS
from tests.cases import for_every
from tests.kms.operations.keyring import slow

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HERE = "arn:aws:kms:us-east-1:111122223333:"
IDS = [f"{digit}0000000-0000-4000-8000-000000000000" for digit in "123456789"]


@pytest.fixture
def numbered() -> Any:
    """A lab whose keys have the ids of `IDS`."""
    with Lab(clock=Clock.frozen(NOW), ids=iter(IDS).__next__) as lab:
        yield lab


# ------------------------------------------------------------------------- CreateKey, DescribeKey


def test_new_key_has_awss_metadata(numbered: Lab) -> None:
    metadata = numbered.kms.create_key(Description="orders")["KeyMetadata"]
    material = metadata.pop("CurrentKeyMaterialId")
    assert metadata == {
        "AWSAccountId": "111122223333",
        "KeyId": IDS[0],
        "Arn": f"{HERE}key/{IDS[0]}",
        "CreationDate": NOW,
        "Enabled": True,
        "Description": "orders",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert len(bytes.fromhex(material)) == 32


def test_described_key_is_the_one_that_was_created(lab: Lab) -> None:
    created = lab.kms.create_key()
    assert lab.kms.describe_key(KeyId=created["KeyMetadata"]["Arn"]) == created


def test_key_without_description_has_an_empty_one(lab: Lab) -> None:
    assert lab.kms.create_key()["KeyMetadata"]["Description"] == ""


@pytest.mark.parametrize("member", ["KeySpec", "CustomerMasterKeySpec"])
def test_spec_may_have_its_old_name(lab: Lab, member: str) -> None:
    metadata = lab.kms.create_key(**{member: "SYMMETRIC_DEFAULT"})["KeyMetadata"]
    assert metadata["KeySpec"] == metadata["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT"


def test_spec_under_both_names_is_refused(lab: Lab) -> None:
    with pytest.raises(lab.kms.exceptions.ValidationException):
        lab.kms.create_key(KeySpec="SYMMETRIC_DEFAULT", CustomerMasterKeySpec="SYMMETRIC_DEFAULT")


# Source: AWS KMS developer guide, "Key spec reference".
_RSA = {
    "ENCRYPT_DECRYPT": "RSAES_OAEP_SHA_1 RSAES_OAEP_SHA_256",
    "SIGN_VERIFY": "RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512 "
    "RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512",
}
OFFERED: dict[str, dict[str, str]] = {
    "SYMMETRIC_DEFAULT": {"ENCRYPT_DECRYPT": "SYMMETRIC_DEFAULT"},
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "ECC_NIST_P256": {"SIGN_VERIFY": "ECDSA_SHA_256", "KEY_AGREEMENT": "ECDH"},
    "ECC_NIST_P384": {"SIGN_VERIFY": "ECDSA_SHA_384", "KEY_AGREEMENT": "ECDH"},
    "ECC_NIST_P521": {"SIGN_VERIFY": "ECDSA_SHA_512", "KEY_AGREEMENT": "ECDH"},
    "ECC_SECG_P256K1": {"SIGN_VERIFY": "ECDSA_SHA_256"},
    "ECC_NIST_EDWARDS25519": {"SIGN_VERIFY": "ED25519_PH_SHA_512 ED25519_SHA_512"},
    **{f"ML_DSA_{n}": {"SIGN_VERIFY": "ML_DSA_SHAKE_256"} for n in (44, 65, 87)},
    **{f"ML_KEM_{n}": {"ENCAPSULATE_DECAPSULATE": "ML_KEM"} for n in (512, 768, 1024)},
    **{f"HMAC_{n}": {"GENERATE_VERIFY_MAC": f"HMAC_SHA_{n}"} for n in (224, 256, 384, 512)},
}
LISTS = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
    "ENCAPSULATE_DECAPSULATE": "EncapsulationAlgorithms",
}


def test_every_spec_and_usage_is_tried() -> None:
    assert {spec: set(uses) for spec, uses in OFFERED.items()} == {
        name: set(spec.algorithms) for name, spec in KEY_SPECS.items()
    }


@for_every("spec", OFFERED, long=slow)
@for_every("usage", LISTS)
def test_key_of_every_kind_says_what_it_is_for_or_is_refused(
    shared_lab: Lab, refused: Any, spec: str, usage: str
) -> None:
    uses = OFFERED[spec]
    if usage not in uses:
        is_old = (spec, usage) == ("SYMMETRIC_DEFAULT", "SIGN_VERIFY")
        text = NO_SIGNING if is_old else f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        with refused("ValidationException", text):
            shared_lab.kms.create_key(KeySpec=spec, KeyUsage=usage)
        return
    metadata = shared_lab.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    shown = {name: value for name, value in metadata.items() if name.endswith("Algorithms")}
    assert {name: sorted(value) for name, value in shown.items()} == {
        LISTS[usage]: uses[usage].split()
    }
    assert (metadata["KeySpec"], metadata["KeyUsage"]) == (spec, usage)
    assert ("CurrentKeyMaterialId" in metadata) is (spec == "SYMMETRIC_DEFAULT")


@for_every("spec", [spec for spec in OFFERED if spec != "SYMMETRIC_DEFAULT"])
def test_usage_may_be_left_out_only_for_a_symmetric_key(
    shared_lab: Lab, refused: Any, spec: str
) -> None:
    text = (
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
    )
    with refused("ValidationException", text):
        shared_lab.kms.create_key(KeySpec=spec)


NO_SIGNING = (
    "The operation failed because the KeyUsage value of the CMK is SIGN_VERIFY. To perform this "
    "operation, the KeyUsage value must be ENCRYPT_DECRYPT."
)


def test_key_is_symmetric_unless_its_spec_is_given(lab: Lab, refused: Any) -> None:
    with refused("ValidationException", NO_SIGNING):
        lab.kms.create_key(KeyUsage="SIGN_VERIFY")
    text = "KeyUsage GENERATE_VERIFY_MAC is not compatible with KeySpec SYMMETRIC_DEFAULT"
    with refused("ValidationException", text):
        lab.kms.create_key(KeyUsage="GENERATE_VERIFY_MAC")


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256"])
def test_spec_is_given_by_one_of_its_two_names(lab: Lab, refused: Any, spec: str) -> None:
    text = (
        "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
        "CustomerMasterKeySpec is deprecated."
    )
    with refused("ValidationException", text):
        lab.kms.create_key(KeySpec="RSA_2048", CustomerMasterKeySpec=spec, KeyUsage="SIGN_VERIFY")


def test_key_of_a_spec_that_is_not_built_says_so(lab: Lab) -> None:
    with pytest.raises(
        lab.kms.exceptions.UnsupportedOperationException, match="offered in the China Regions only"
    ):
        lab.kms.create_key(KeySpec="SM2", KeyUsage="SIGN_VERIFY")
    assert lab.kms.list_keys()["Keys"] == []


def test_description_is_changed_and_may_be_emptied(lab: Lab, key: str) -> None:
    for text in ("for the orders table", "", "é" * 8192):
        lab.kms.update_key_description(KeyId=key, Description=text)
        assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == text
    with pytest.raises(lab.kms.exceptions.ValidationException):
        lab.kms.update_key_description(KeyId=key, Description="x" * 8193)


def test_two_keys_share_nothing(lab: Lab) -> None:
    one, two = (lab.kms.create_key()["KeyMetadata"] for _ in range(2))
    assert one["KeyId"] != two["KeyId"]
    assert one["CurrentKeyMaterialId"] != two["CurrentKeyMaterialId"]


# ----------------------------------------------------------------------------- disable and enable


def test_disabled_key_shows_it(lab: Lab, key: str) -> None:
    assert lab.kms.disable_key(KeyId=key) == {}
    metadata = lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (metadata["KeyState"], metadata["Enabled"]) == ("Disabled", False)


def test_disabled_key_refuses_encrypt_and_works_again_once_enabled(
    lab: Lab, key: str, refused: Any
) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    lab.kms.disable_key(KeyId=key)
    with refused("DisabledException", f"{key} is disabled."):
        lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("DisabledException", f"{key} is disabled."):
        lab.kms.decrypt(CiphertextBlob=blob)
    lab.kms.enable_key(KeyId=key)
    assert lab.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize("operation", ["disable_key", "enable_key"])
def test_enabling_or_disabling_twice_is_not_an_error(lab: Lab, key: str, operation: str) -> None:
    for _ in range(2):
        assert getattr(lab.kms, operation)(KeyId=key) == {}


# --------------------------------------------------------------------------------------- deletion


@pytest.mark.parametrize("days", [7, 30, None])
def test_deletion_is_scheduled_for_the_end_of_the_window(
    lab: Lab, key: str, days: int | None
) -> None:
    answer = lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    date = NOW + timedelta(days=days or 30)
    assert answer == {
        "KeyId": key,
        "DeletionDate": date,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days or 30,
    }
    metadata = lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert metadata["DeletionDate"] == date
    assert (metadata["KeyState"], metadata["Enabled"]) == ("PendingDeletion", False)


@pytest.mark.parametrize("days", [1, 6, 31, 365])
def test_window_has_7_to_30_days(lab: Lab, key: str, refused: Any, days: int) -> None:
    with refused("ValidationException", "PendingWindowInDays must be between 7 and 30"):
        lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)


@pytest.mark.parametrize(
    ("days", "bound"), [(0, "greater than or equal to 1"), (366, "less than or equal to 365")]
)
def test_window_that_the_model_forbids_gets_the_models_text(
    lab: Lab, key: str, refused: Any, days: int, bound: str
) -> None:
    text = (
        f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy "
        f"constraint: Member must have value {bound}"
    )
    with refused("ValidationException", text):
        lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)


def test_cancelled_deletion_leaves_the_key_disabled(
    lab: Lab, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    lab.kms.schedule_key_deletion(KeyId=key)
    assert lab.kms.cancel_key_deletion(KeyId=key) == {"KeyId": key}
    metadata = lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (metadata["KeyState"], metadata["Enabled"]) == ("Disabled", False)
    assert "DeletionDate" not in metadata
    lab.clock.advance(days=60)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert not caplog.records, "nothing is due any more"


def test_key_exists_until_the_end_of_the_window_and_not_longer(
    lab: Lab, key: str, refused: Any
) -> None:
    lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    lab.clock.advance(days=7, microseconds=-1)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    lab.clock.advance(microseconds=1)
    with refused("NotFoundException", f"Key '{key}' does not exist"):
        lab.kms.describe_key(KeyId=key)
    assert lab.kms.list_keys()["Keys"] == []


def test_deletion_leaves_a_service_event_of_the_due_time(lab: Lab, key: str) -> None:
    lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    lab.clock.advance(days=20)
    (event,) = [event for event in lab.trail if event["eventName"] == "DeleteKey"]
    assert event["eventTime"] == "2026-01-12T09:00:00Z"
    assert event["eventType"] == "AwsServiceEvent"
    assert event["userIdentity"] == {"accountId": "111122223333", "invokedBy": "AWS Internal"}
    assert event["requestParameters"] is None
    assert event["responseElements"] is None
    assert event["resources"] == [
        {"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": key}
    ]
    assert (event["awsRegion"], event["readOnly"]) == ("us-east-1", False)


def test_deleted_keys_are_settled_in_the_order_of_their_dates(lab: Lab) -> None:
    keys = [lab.create_cmk() for _ in range(3)]
    for cmk, days in zip(keys, (20, 7, 12), strict=True):
        cmk.schedule_deletion(days)
    lab.clock.advance(days=40)
    deleted = [e["resources"][0]["ARN"] for e in lab.trail if e["eventName"] == "DeleteKey"]
    assert deleted == [keys[1].arn, keys[2].arn, keys[0].arn]


def test_alias_is_deleted_with_its_key_and_may_be_used_again(lab: Lab, refused: Any) -> None:
    doomed = lab.create_cmk("orders")
    doomed.schedule_deletion(7)
    assert lab.cmk("alias/orders").arn == doomed.arn, "it lives as long as the key is pending"
    lab.clock.advance(days=8)
    with refused("NotFoundException", f"Alias {HERE}alias/orders is not found."):
        lab.kms.describe_key(KeyId="alias/orders")
    assert [a for a in lab.kms.list_aliases()["Aliases"] if "TargetKeyId" in a] == []
    assert lab.create_cmk("orders").arn != doomed.arn


def test_blob_of_a_deleted_key_does_not_say_whether_there_was_one(lab: Lab, refused: Any) -> None:
    cmk = lab.create_cmk()
    blob = cmk.encrypt(b"gone")
    cmk.schedule_deletion(7)
    lab.clock.advance(days=8)
    text = (
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Decrypt on "
        "the resource associated with this ciphertext because the resource does not exist in "
        "this Region, no resource-based policies allow access, or a resource-based policy "
        "explicitly denies access"
    )
    with refused("AccessDeniedException", text):
        lab.user("alice").decrypt(blob)


def test_deleted_key_leaves_its_neighbours_alone(lab: Lab) -> None:
    doomed, kept = lab.create_cmk("doomed"), lab.create_cmk("kept")
    blob = kept.encrypt(b"kept")
    doomed.schedule_deletion(7)
    lab.clock.advance(days=8)
    assert lab.decrypt(blob) == b"kept"
    assert [k["KeyArn"] for k in lab.kms.list_keys()["Keys"]] == [kept.arn]
    listed = lab.kms.list_aliases()["Aliases"]
    assert [a["AliasName"] for a in listed if "TargetKeyId" in a] == ["alias/kept"]


def test_pending_deletion_can_be_cancelled_and_scheduled_again(lab: Lab, key: str) -> None:
    lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    lab.clock.advance(days=6)
    lab.kms.cancel_key_deletion(KeyId=key)
    lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    lab.clock.advance(days=6)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["DeletionDate"] == NOW + timedelta(
        days=13
    )


def test_refused_call_changes_nothing(lab: Lab, key: str) -> None:
    lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=9)
    before = lab.kms.describe_key(KeyId=key)
    for call in (
        lambda: lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=20),
        lambda: lab.kms.enable_key(KeyId=key),
        lambda: lab.kms.update_key_description(KeyId=key, Description="other"),
    ):
        with pytest.raises(KMSError):
            call()
    assert lab.kms.describe_key(KeyId=key) == before
