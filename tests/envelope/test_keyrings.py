"""Keyrings for other people's keys, for keys in several Regions, and for old messages."""

from types import ModuleType
from typing import Any

import pytest

from kmslab import CMK, Lab, envelope
from kmslab.envelope import (
    DataKeyCache,
    DecryptionError,
    KmsDiscoveryKeyring,
    KmsKeyring,
    RawAesKeyring,
    RawRsaKeyring,
)
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, ALL_SUITES, READ_ALL, writing

HERE, SEOUL = "us-east-1", "ap-northeast-2"
ACCOUNT, STRANGER = "111122223333", "444455556666"
THROUGH = pytest.mark.parametrize("through", ["kms", "boto3"])


def client(lab: Lab, through: str, region: str = HERE) -> Any:
    view = lab.region(region)
    return view.kms if through == "kms" else view.boto3()


@pytest.fixture(scope="module")
def mirrored(lab: Lab) -> tuple[CMK, CMK]:
    """A multi-Region primary here, and its replica in Seoul."""
    primary = lab.create_cmk("mirrored", multi_region=True)
    replica = primary.replicate(SEOUL)
    lab.clock.advance(seconds=2)
    return primary, replica


# --------------------------------------------------------------------------------------- discovery


@THROUGH
def test_discovery_opens_with_the_key_that_the_message_names(
    lab: Lab, orders: CMK, through: str
) -> None:
    keyring = KmsDiscoveryKeyring(client(lab, through), accounts=[ACCOUNT])
    for key in orders, lab.create_cmk("archive"):
        before = len(lab.trail)
        assert envelope.decrypt(envelope.encrypt(b"photo", key), keyring).plaintext == b"photo"
        assert lab.trail[before:][-1]["requestParameters"]["keyId"] == key.arn


@for_every(
    "filtered",
    [
        {"accounts": [STRANGER]},
        {"accounts": []},
        {"accounts": [ACCOUNT], "partition": "aws-cn"},
        {"region": SEOUL},
    ],
    ids=str,
)
def test_discovery_asks_no_key_that_its_filter_excludes(
    lab: Lab, orders: CMK, filtered: dict[str, Any]
) -> None:
    message, before = envelope.encrypt(b"photo", orders), len(lab.trail)
    with pytest.raises(DecryptionError, match="None of the given keyrings"):
        envelope.decrypt(message, KmsDiscoveryKeyring(lab.kms, **filtered))
    assert len(lab.trail) == before


def test_discovery_asks_no_key_that_has_no_arn_or_is_not_a_kms_key(lab: Lab, orders: CMK) -> None:
    alias = orders.arn.replace(f"key/{orders.id}", "alias/orders")

    class Names(RawAesKeyring):
        def wrap(self, data_key: bytes, context: envelope.Context) -> envelope.EncryptedDataKey:
            return envelope.EncryptedDataKey(self.provider, self.info, b"x")

    before = len(lab.trail)
    for provider, info in (
        ("aws-kms", alias),
        ("aws-kms", orders.id),
        ("aws-kms", orders.arn + "\n"),
        ("clinic", orders.arn),
    ):
        ring = Names("clinic", "aes", AES_KEY)
        ring.provider, ring.info = provider, info.encode()
        with pytest.raises(DecryptionError, match="None of the given keyrings"):
            envelope.decrypt(envelope.encrypt(b"", ring), KmsDiscoveryKeyring(lab.kms))
    assert len(lab.trail) == before


def test_discovery_encrypts_nothing(lab: Lab, orders: CMK) -> None:
    for keyrings in (KmsDiscoveryKeyring(lab.kms), [orders, KmsDiscoveryKeyring(lab.kms)]):
        with pytest.raises(ValueError, match="only decrypts"):
            envelope.encrypt(b"photo", keyrings)


def test_accounts_are_a_list_of_account_ids(lab: Lab) -> None:
    for wrong in (ACCOUNT, ["1111"], [ACCOUNT + "\n"]):
        with pytest.raises(ValueError, match="12 digits"):
            KmsDiscoveryKeyring(lab.kms, accounts=wrong)
    assert repr(KmsDiscoveryKeyring(lab.kms, accounts=[ACCOUNT])).endswith(f"of {ACCOUNT}>")
    assert repr(KmsDiscoveryKeyring(lab.kms)) == "<KmsDiscoveryKeyring of all accounts>"


def test_an_answer_for_another_key_is_refused(lab: Lab, orders: CMK) -> None:
    class Mistaken:
        def decrypt(self, **request: Any) -> dict[str, Any]:
            return {**lab.kms.decrypt(**request), "KeyId": orders.arn + "x"}

    with pytest.raises(DecryptionError, match="does not open"):
        envelope.decrypt(envelope.encrypt(b"", orders), KmsDiscoveryKeyring(Mistaken()))


# --------------------------------------------------------------------------------- several Regions


@THROUGH
def test_a_related_key_in_another_region_opens_if_asked_to(
    lab: Lab, mirrored: tuple[CMK, CMK], through: str
) -> None:
    primary, replica = mirrored
    message, abroad = envelope.encrypt(b"photo", primary), client(lab, through, SEOUL)
    for keyring in (
        KmsKeyring(abroad, replica.arn, multi_region=True),
        KmsDiscoveryKeyring(abroad, accounts=[ACCOUNT], region=SEOUL),
    ):
        assert envelope.decrypt(message, keyring).plaintext == b"photo"
        event = lab.trail[-1]
        assert (event["eventName"], event["awsRegion"]) == ("Decrypt", SEOUL)
        assert event["requestParameters"]["keyId"] == replica.arn
    back = envelope.encrypt(b"photo", KmsKeyring(abroad, replica.arn, multi_region=True))
    home = KmsKeyring(client(lab, through), primary.arn, multi_region=True)
    assert envelope.decrypt(back, home).plaintext == b"photo"


def test_a_related_key_is_another_key_unless_asked(lab: Lab, mirrored: tuple[CMK, CMK]) -> None:
    primary, replica = mirrored
    message, before = envelope.encrypt(b"photo", primary), len(lab.trail)
    with pytest.raises(DecryptionError, match="None of the given keyrings"):
        envelope.decrypt(message, replica)
    assert len(lab.trail) == before


def test_only_multi_region_keys_are_looked_for_in_another_region(lab: Lab, orders: CMK) -> None:
    twin = orders.arn.replace(HERE, SEOUL)
    message, before = envelope.encrypt(b"photo", orders), len(lab.trail)
    abroad = lab.region(SEOUL).kms
    for keyring in (
        KmsKeyring(abroad, twin, multi_region=True),
        KmsDiscoveryKeyring(abroad, region=SEOUL),
    ):
        with pytest.raises(DecryptionError, match="None of the given keyrings"):
            envelope.decrypt(message, keyring)
    assert len(lab.trail) == before


def test_keys_of_several_regions_wrap_one_data_key(lab: Lab, orders: CMK) -> None:
    seoul = lab.region(SEOUL).create_cmk("orders")
    before = len(lab.trail)
    message = envelope.encrypt(b"photo", [orders, seoul])
    assert [e["awsRegion"] for e in lab.trail[before:]] == [HERE, SEOUL]
    for keyring in (orders, seoul, KmsDiscoveryKeyring(lab.region(SEOUL).kms, region=SEOUL)):
        assert envelope.decrypt(message, keyring).plaintext == b"photo"


# ------------------------------------------------------------------------- every suite and keyring


@for_every("suite", ALL_SUITES, ids=hex)
def test_every_suite_works_with_every_keyring(
    lab: Lab, orders: CMK, rsa_pem: bytes, suite: int
) -> None:
    rings = [
        orders,
        *(RawAesKeyring("clinic", f"aes{size}", AES_KEY[:size]) for size in (16, 24, 32)),
        *(RawRsaKeyring("clinic", f"rsa{h}", rsa_pem, f"RSAES_OAEP_SHA_{h}") for h in (1, 512)),
    ]
    message = envelope.encrypt(b"photo", rings, suite=suite, policy=writing(suite))
    for ring in (*rings, KmsDiscoveryKeyring(lab.kms), DataKeyCache(rings[-1], max_age=60)):
        assert envelope.decrypt(message, ring, policy=READ_ALL).plaintext == b"photo"


def test_a_data_key_of_another_length_does_not_stop_the_next(rsa_pem: bytes) -> None:
    """With a public key, anybody can wrap any number of bytes."""

    class Short(RawRsaKeyring):
        def wrap(self, data_key: bytes, context: envelope.Context) -> envelope.EncryptedDataKey:
            return super().wrap(data_key[1:], context)

    good, short = (ring("clinic", "rsa", rsa_pem) for ring in (RawRsaKeyring, Short))
    assert envelope.decrypt(envelope.encrypt(b"photo", [short, good]), good).plaintext == b"photo"
    with pytest.raises(DecryptionError, match="does not open"):
        envelope.decrypt(envelope.encrypt(b"photo", short), good)


# ------------------------------------------------------------------------------------ old messages


@pytest.fixture
def old_ring(rsa_pem: bytes) -> RawRsaKeyring:
    return RawRsaKeyring("clinic", "rsa", rsa_pem, "RSAES_PKCS1_V1_5")


@for_every("suite", [0x0014, 0x0178, 0x0214, 0x0378, 0x0578], ids=hex)
def test_a_message_with_the_old_padding_opens_if_asked_for(
    sdk: ModuleType, old_ring: RawRsaKeyring, rsa_pem: bytes, suite: int
) -> None:
    provider = sdk.rsa("clinic", "rsa", rsa_pem, "RSAES_PKCS1_V1_5")
    message = sdk.encrypt(b"photo", provider, {"album": "summer"}, suite, 4096)
    assert envelope.decrypt(message, old_ring, policy=READ_ALL).plaintext == b"photo"
    with pytest.raises(DecryptionError, match="does not open"):
        envelope.decrypt(message, RawRsaKeyring("clinic", "rsa", rsa_pem), policy=READ_ALL)


def test_nothing_is_encrypted_with_the_old_padding(old_ring: RawRsaKeyring) -> None:
    for keyrings in (old_ring, [RawAesKeyring("clinic", "aes", AES_KEY), old_ring]):
        with pytest.raises(ValueError, match="only reads"):
            envelope.encrypt(b"photo", keyrings)


def test_a_wrong_padding_and_a_wrong_message_give_one_error(
    sdk: ModuleType, old_ring: RawRsaKeyring, rsa_pem: bytes
) -> None:
    provider = sdk.rsa("clinic", "rsa", rsa_pem, "RSAES_PKCS1_V1_5")
    message = sdk.encrypt(b"photo", provider, {}, 0x0578, 4096)
    wrapped = next(f for f in envelope.inspect(message).fields if f.name == "encrypted data key")
    for place in (wrapped.offset, wrapped.offset + 100, len(message) - 110):
        altered = bytearray(message)
        altered[place] ^= 1
        with pytest.raises(DecryptionError) as caught:
            envelope.decrypt(altered, old_ring)
        assert str(caught.value) == envelope.errors.NOT_OPENED
        assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_cmk_makes_a_keyring_that_opens_what_its_twin_wrapped(mirrored: tuple[CMK, CMK]) -> None:
    primary, replica = mirrored
    message = envelope.encrypt(b"photo", primary)
    assert envelope.decrypt(message, replica.keyring(multi_region=True)).plaintext == b"photo"
    with pytest.raises(DecryptionError):
        envelope.decrypt(message, replica.keyring())
