"""GetKeyLastUsage: the last cryptographic use of a key, to see that a key is no longer in use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmslab import CMK, Clock, Lab
from kmslab.kms.contract.errors import KMSError
from tests.kms.operations.keyring import AGREE, ENCAPSULATE, ENCRYPT, MAC, NOW, SIGN

TRACKING_BEGAN = datetime(2026, 4, 23, tzinfo=UTC)
LATER = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def orders(lab: Lab) -> CMK:
    return lab.create_cmk("orders")


def usage(key: CMK) -> dict[str, Any]:
    found: dict[str, Any] = key.lab.kms.get_key_last_usage(KeyId=key.arn)["KeyLastUsage"]
    return found


def operation(key: CMK) -> str | None:
    """The operation of the last use, or None."""
    return usage(key).get("Operation")


# --------------------------------------------------------------------------------------- the answer


def test_key_that_was_never_used_has_an_empty_last_use(lab: Lab, orders: CMK) -> None:
    assert lab.kms.get_key_last_usage(KeyId=orders.arn) == {
        "KeyId": orders.arn,
        "KeyLastUsage": {},
        "TrackingStartDate": TRACKING_BEGAN,
        "KeyCreationDate": NOW,
    }
    assert orders.last_used is None


def test_tracking_starts_with_the_key_if_it_is_newer() -> None:
    with Lab(clock=Clock.frozen(LATER)) as lab:
        answer = lab.kms.get_key_last_usage(KeyId=lab.create_cmk().arn)
    assert answer["TrackingStartDate"] == answer["KeyCreationDate"] == LATER


def test_last_use_names_its_event(lab: Lab, orders: CMK) -> None:
    lab.clock.advance(days=3)
    orders.encrypt(b"x")
    event = lab.trail[-1]
    lab.clock.advance(days=4)
    assert usage(orders) == {
        "Operation": "Encrypt",
        "Timestamp": NOW + timedelta(days=3),
        "CloudTrailEventId": event["eventID"],
        "KmsRequestId": event["requestID"],
    }
    assert orders.last_used == NOW + timedelta(days=3)


def test_key_id_is_echoed_as_it_was_sent(lab: Lab, orders: CMK) -> None:
    for name in (orders.id, orders.arn):
        assert lab.kms.get_key_last_usage(KeyId=name)["KeyId"] == name


def test_key_is_not_named_by_alias(lab: Lab, orders: CMK, refused: Any) -> None:
    with refused("InvalidArnException", "Key Aliases are not supported for this operation"):
        lab.kms.get_key_last_usage(KeyId="alias/orders")


def test_last_use_is_shown_in_every_state(orders: CMK) -> None:
    orders.encrypt(b"x")
    orders.disable()
    assert operation(orders) == "Encrypt"
    orders.schedule_deletion(7)
    assert operation(orders) == "Encrypt"


# -------------------------------------------------------------------------------------- what counts

SYMMETRIC = ("SYMMETRIC_DEFAULT", ENCRYPT)
KEM = ("ML_KEM_768", ENCAPSULATE)
PEER = ("ECC_NIST_P256", AGREE)
SIGNER = ("ECC_NIST_P256", SIGN)

# The operations that AWS tracks (KeyLastUsageTrackingOperation) → a key's kind and its use.
USES: dict[str, tuple[tuple[str, Any], Callable[[Any, CMK], Any]]] = {
    "Encrypt": (SYMMETRIC, lambda kms, key: key.encrypt(b"x")),
    "Decrypt": (SYMMETRIC, lambda kms, key: key.decrypt(key.encrypt(b"x"))),
    "ReEncrypt": (
        SYMMETRIC,
        lambda kms, key: kms.re_encrypt(CiphertextBlob=key.encrypt(b"x"), DestinationKeyId=key.arn),
    ),
    "GenerateDataKey": (SYMMETRIC, lambda kms, key: key.generate_data_key()),
    "GenerateDataKeyWithoutPlaintext": (
        SYMMETRIC,
        lambda kms, key: kms.generate_data_key_without_plaintext(KeyId=key.arn, KeySpec="AES_256"),
    ),
    "GenerateDataKeyPair": (SYMMETRIC, lambda kms, key: key.generate_data_key_pair(PEER[0])),
    "GenerateDataKeyPairWithoutPlaintext": (
        SYMMETRIC,
        lambda kms, key: kms.generate_data_key_pair_without_plaintext(
            KeyId=key.arn, KeyPairSpec="ECC_NIST_P256"
        ),
    ),
    "Sign": (SIGNER, lambda kms, key: key.sign(b"x")),
    "Verify": (SIGNER, lambda kms, key: key.verify(b"x", key.sign(b"x"))),
    "GenerateMac": (("HMAC_256", MAC), lambda kms, key: key.mac(b"x")),
    "VerifyMac": (("HMAC_256", MAC), lambda kms, key: key.verify_mac(b"x", key.mac(b"x"))),
    "DeriveSharedSecret": (
        PEER,
        lambda kms, key: key.derive_shared_secret(kms.get_public_key(KeyId=key.arn)["PublicKey"]),
    ),
    "Encapsulate": (KEM, lambda kms, key: key.encapsulate()),
    "Decapsulate": (KEM, lambda kms, key: key.decapsulate(key.encapsulate().ciphertext)),
}


@pytest.mark.parametrize("name", USES)
def test_every_cryptographic_operation_counts(lab: Lab, name: str) -> None:
    (spec, use), act = USES[name]
    key, other = lab.create_cmk(spec=spec, usage=use), lab.create_cmk(spec=spec, usage=use)
    lab.clock.advance(minutes=1)
    act(lab.kms, key)
    assert (operation(key), key.last_used) == (name, NOW + MINUTE)
    assert usage(other) == {}


def test_operations_that_are_tried_are_those_that_aws_tracks() -> None:
    tracked = {
        "Decrypt",
        "Decapsulate",
        "DeriveSharedSecret",
        "Encapsulate",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "ReEncrypt",
        "Sign",
        "Verify",
        "VerifyMac",
    }
    assert USES.keys() == tracked


def test_re_encrypt_uses_both_keys(lab: Lab, orders: CMK) -> None:
    new = lab.create_cmk()
    blob = orders.encrypt(b"x")
    lab.clock.advance(minutes=1)
    lab.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new.arn)
    assert usage(orders) == usage(new)
    assert (operation(new), new.last_used) == ("ReEncrypt", NOW + MINUTE)
    lab.clock.advance(minutes=1)
    new.encrypt(b"x")
    assert (operation(orders), operation(new)) == ("ReEncrypt", "Encrypt")


def test_rsa_counts_like_the_others(lab: Lab, orders: CMK) -> None:
    rsa = lab.create_cmk(spec="RSA_2048", usage="ENCRYPT_DECRYPT")
    blob = rsa.encrypt(b"x")
    assert operation(rsa) == "Encrypt"
    rsa.decrypt(blob)
    assert operation(rsa) == "Decrypt"
    lab.kms.re_encrypt(
        CiphertextBlob=blob,
        SourceKeyId=rsa.arn,
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DestinationKeyId=orders.arn,
    )
    assert operation(rsa) == operation(orders) == "ReEncrypt"


def test_last_of_several_uses_is_shown_at_equal_times_too(lab: Lab, orders: CMK) -> None:
    blob = orders.encrypt(b"x")
    lab.clock.advance(minutes=1)
    orders.generate_data_key()
    orders.decrypt(blob)
    assert (operation(orders), orders.last_used) == ("Decrypt", NOW + MINUTE)


def test_use_by_alias_or_by_blob_alone_counts(lab: Lab, orders: CMK) -> None:
    lab.kms.encrypt(KeyId="alias/orders", Plaintext=b"x")
    assert operation(orders) == "Encrypt"
    lab.decrypt(orders.encrypt(b"x"))
    assert operation(orders) == "Decrypt"


def test_use_of_an_older_material_counts(lab: Lab, orders: CMK) -> None:
    blob = orders.encrypt(b"x")
    orders.rotate()
    lab.clock.advance(minutes=1)
    lab.decrypt(blob)
    assert (operation(orders), orders.last_used) == ("Decrypt", NOW + MINUTE)


def test_use_from_another_account_counts(lab: Lab, orders: CMK) -> None:
    neighbour = lab.account("444455556666")
    orders.grant(neighbour.caller.principal, "Encrypt")
    neighbour.kms.encrypt(KeyId=orders.arn, Plaintext=b"x")
    assert operation(orders) == "Encrypt"


# ------------------------------------------------------------------------------ what does not count


def test_looking_at_a_key_and_changing_it_does_not_count(lab: Lab) -> None:
    key = lab.create_cmk(spec="ECC_NIST_P256", usage=SIGN)
    key.public_key()
    key.tag({"a": "1"})
    lab.kms.create_alias(AliasName="alias/x", TargetKeyId=key.arn)
    key.disable()
    key.enable()
    assert usage(key) == {}


def test_rotation_does_not_count(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    orders.rotate()
    lab.clock.advance(days=200)
    assert len(lab.kms.list_key_rotations(KeyId=orders.arn)["Rotations"]) == 3
    assert usage(orders) == {}


def failing(lab: Lab, key: CMK, other: CMK) -> dict[str, Callable[[], Any]]:
    """Calls that name the key and fail, each for a different reason."""
    kms, blob, foreign = lab.kms, key.encrypt(b"x", {"a": "1"}), other.encrypt(b"x")
    return {
        "wrong context": lambda: lab.decrypt(blob),
        "changed blob": lambda: lab.decrypt(bytes(blob)[:-1] + bytes([blob[-1] ^ 1])),
        "another key's blob": lambda: key.decrypt(foreign),
        "wrong algorithm": lambda: kms.encrypt(
            KeyId=key.arn, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_1"
        ),
        "wrong use": lambda: kms.sign(
            KeyId=key.arn, Message=b"x", SigningAlgorithm="ECDSA_SHA_256"
        ),
        "invalid request": lambda: kms.encrypt(KeyId=key.arn, Plaintext=b""),
        "dry run": lambda: kms.encrypt(KeyId=key.arn, Plaintext=b"x", DryRun=True),
        "dry run of Decrypt": lambda: kms.decrypt(
            CiphertextBlob=blob, EncryptionContext={"a": "1"}, DryRun=True
        ),
        "half of ReEncrypt": lambda: kms.re_encrypt(
            CiphertextBlob=blob, DestinationKeyId=other.arn
        ),
    }


def test_failed_and_dry_run_calls_do_not_count(lab: Lab, orders: CMK) -> None:
    other = lab.create_cmk()
    calls = failing(lab, orders, other)
    before, before_other = usage(orders), usage(other)
    lab.clock.advance(minutes=1)
    for name, call in calls.items():
        with pytest.raises(KMSError):
            call()
        assert (usage(orders), usage(other)) == (before, before_other), name


def test_refused_signature_is_not_a_use(lab: Lab) -> None:
    signer = lab.create_cmk(spec="ECC_NIST_P256", usage=SIGN)
    hmac = lab.create_cmk(spec="HMAC_256", usage=MAC)
    for call in (lambda: signer.verify(b"x", b"y"), lambda: hmac.verify_mac(b"x", b"y")):
        with pytest.raises(KMSError):
            call()
    assert usage(signer) == usage(hmac) == {}


def test_disabled_key_is_not_used(orders: CMK) -> None:
    orders.disable()
    with pytest.raises(KMSError):
        orders.encrypt(b"x")
    assert usage(orders) == {}


# ---------------------------------------------------------------------------------------- in a file


def test_last_use_outlives_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store=url, clock=Clock.frozen(NOW)) as lab:
        orders, idle = lab.create_cmk("orders"), lab.create_cmk("idle")
        lab.clock.advance(days=1)
        lab.kms.re_encrypt(
            CiphertextBlob=orders.encrypt(b"x"), DestinationKeyId=lab.create_cmk("new").arn
        )
        before = usage(orders)
    with Lab(store=url, clock=Clock.frozen(NOW)) as lab:
        assert usage(lab.cmk("alias/orders")) == usage(lab.cmk("alias/new")) == before
        assert usage(lab.cmk(idle.arn)) == {}
        assert before["Timestamp"] == NOW + timedelta(days=1)


def test_last_use_is_seen_by_another_lab_once_it_is_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store=url) as one, Lab(store=url) as two:
        orders = one.create_cmk("orders")
        orders.encrypt(b"x")
        assert operation(orders) == "Encrypt"  # reading it writes the waiting events first
        assert operation(two.cmk(orders.arn)) == "Encrypt"
        two.cmk(orders.arn).generate_data_key()
        assert operation(two.cmk(orders.arn)) == "GenerateDataKey"
        assert operation(orders) == "GenerateDataKey"


def test_key_that_was_deleted_has_no_last_use(lab: Lab, orders: CMK, refused: Any) -> None:
    orders.encrypt(b"x")
    orders.schedule_deletion(7)
    lab.clock.advance(days=8)
    with refused("NotFoundException", f"Key '{orders.arn}' does not exist"):
        usage(orders)
