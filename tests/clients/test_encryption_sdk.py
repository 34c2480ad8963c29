"""The AWS Encryption SDK for Python, with each of its KMS keyrings, and `kmslab.envelope`."""

from typing import Any

import boto3
import pytest
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kmslab import CMK, Lab, envelope
from kmslab.envelope import KmsDiscoveryKeyring, KmsKeyring, RawAesKeyring, RawRsaKeyring
from tests.envelope.conftest import READ_ALL, writing

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]  # its own are not ours

ACCOUNT = "111122223333"
SEOUL = "ap-northeast-2"
CONTEXT = {"album": "summer", "병원": "서울"}
PHOTO = bytes(range(256)) * 40  # three of its frames

STRICT = ("strict", "strict_multi", "mrk", "mrk_multi")
DISCOVERY = ("discovery", "discovery_multi", "mrk_discovery", "mrk_discovery_multi")


@pytest.fixture(scope="module")
def sdk(endpoint, tmp_path_factory) -> Any:
    """The SDK, in a process whose environment names the endpoint: some keyrings look there."""
    from tests.clients import keyrings

    assert (keyrings.__name__, len(keyrings.STRICT)) == ("tests.clients.keyrings", len(STRICT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("AWS_PROFILE", raising=False)
        for name, text in endpoint.environment.items():
            patch.setenv(name, text)
        yield keyrings


@pytest.fixture(scope="module")
def client(sdk) -> Any:
    return boto3.client("kms")


@pytest.fixture(scope="module")
def album(lab: Lab) -> CMK:
    return lab.create_cmk("album")


@pytest.fixture(scope="module")
def archive(lab: Lab) -> CMK:
    return lab.create_cmk("archive")


@pytest.mark.parametrize("how", STRICT)
def test_a_strict_keyring_and_we_open_each_others_messages(sdk, client, album, how):
    keyring = getattr(sdk, how)(client, album.arn)
    assert len(sdk.SUITES) == 11
    for suite in sdk.SUITES:
        for frame in (4096, 0):
            theirs = sdk.seal(PHOTO, keyring, CONTEXT, suite, frame)
            opened = envelope.decrypt(theirs, album, policy=READ_ALL)
            assert (opened.plaintext, opened.context) == (PHOTO, CONTEXT)
        ours = envelope.encrypt(
            PHOTO, album, context=CONTEXT, suite=suite, frame_length=1000, policy=writing(suite)
        )
        plaintext, context = sdk.opened(ours, keyring)
        assert plaintext == PHOTO
        assert CONTEXT.items() <= context.items()


OAEP = {f"RSAES_OAEP_SHA_{size}": f"OAEP_SHA{size}_MGF1" for size in (1, 256, 384, 512)}


def test_raw_keyrings_and_we_open_each_others_messages(sdk):
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    aes = [bytes(range(size)) for size in (16, 24, 32)]
    pairs = [
        *((sdk.raw_aes("n", "k", each), RawAesKeyring("n", "k", each)) for each in aes),
        *(
            (sdk.raw_rsa("n", "k", private, public, theirs), RawRsaKeyring("n", "k", private, ours))
            for ours, theirs in OAEP.items()
        ),
    ]
    for keyring, ring in pairs:
        for suite in sdk.SUITES:
            theirs = sdk.seal(PHOTO, keyring, CONTEXT, suite)
            assert envelope.decrypt(theirs, ring, policy=READ_ALL).plaintext == PHOTO
            ours = envelope.encrypt(PHOTO, ring, suite=suite, policy=writing(suite))
            assert sdk.opened(ours, keyring)[0] == PHOTO
    old = sdk.raw_rsa("n", "k", private, public, "PKCS1")
    theirs = sdk.seal(PHOTO, old, CONTEXT)
    ring = RawRsaKeyring("n", "k", private, "RSAES_PKCS1_V1_5")
    assert envelope.decrypt(theirs, ring).plaintext == PHOTO


def test_of_a_generator_and_its_children_each_opens_alone(sdk, client, album, archive):
    raw = sdk.raw_aes("n", "k", bytes(32)), RawAesKeyring("n", "k", bytes(32))
    theirs = [sdk.strict(client, album.arn), raw[0], sdk.strict(client, archive.arn)]
    ours = [album, raw[1], archive]
    message = sdk.seal(PHOTO, sdk.multi(*theirs), CONTEXT)
    for ring in ours:
        assert envelope.decrypt(message, ring).plaintext == PHOTO
    message = envelope.encrypt(PHOTO, ours, context=CONTEXT)
    for keyring in (*theirs, sdk.multi(*theirs)):
        assert sdk.opened(message, keyring)[0] == PHOTO


def test_our_discovery_opens_what_its_strict_keyring_has_sealed(sdk, client, album, lab):
    message = sdk.seal(PHOTO, sdk.strict(client, album.arn), CONTEXT)
    for accounts in (None, [ACCOUNT, "444455556666"]):
        keyring = KmsDiscoveryKeyring(client, accounts=accounts)
        assert envelope.decrypt(message, keyring).plaintext == PHOTO
    events = len(lab.trail)
    with pytest.raises(envelope.DecryptionError):
        envelope.decrypt(message, KmsDiscoveryKeyring(client, accounts=["444455556666"]))
    assert len(lab.trail) == events


@pytest.mark.parametrize("how", DISCOVERY)
def test_discovery_opens_what_any_key_of_the_account_has_sealed(sdk, client, album, archive, how):
    keyring = getattr(sdk, how)(client, ACCOUNT)
    for key in album, archive:
        for message in (
            envelope.encrypt(PHOTO, key, context=CONTEXT),
            sdk.seal(PHOTO, sdk.strict(client, key.arn), CONTEXT),
        ):
            assert sdk.opened(message, keyring)[0] == PHOTO


@pytest.mark.parametrize("how", DISCOVERY)
def test_discovery_asks_no_key_of_another_account_and_seals_nothing(sdk, client, album, lab, how):
    message = envelope.encrypt(PHOTO, album)
    events = len(lab.trail)
    with pytest.raises(AWSEncryptionSDKClientError) as refused:
        sdk.opened(message, getattr(sdk, how)(client, "444455556666"))
    assert "No Encrypted Data Keys found to match" in sdk.told(refused.value)
    with pytest.raises(AWSEncryptionSDKClientError, match=r"Discovery Keyring|a generator keyring"):
        sdk.seal(PHOTO, getattr(sdk, how)(client, ACCOUNT), CONTEXT)
    assert len(lab.trail) == events


@pytest.mark.parametrize("how", ["strict_multi", "mrk_multi"])
def test_of_several_keys_each_opens_alone(sdk, client, album, archive, how):
    message = sdk.seal(PHOTO, getattr(sdk, how)(client, album.arn, archive.arn), CONTEXT)
    for key in album, archive:
        assert envelope.decrypt(message, key).plaintext == PHOTO
        assert sdk.opened(message, sdk.strict(client, key.arn))[0] == PHOTO


def test_an_alias_seals_and_does_not_open(sdk, client, album):
    """The message names the key's ARN, which the KMS has told."""
    by_alias = sdk.strict(client, album.arn.replace(f"key/{album.id}", "alias/album"))
    message = sdk.seal(PHOTO, by_alias, CONTEXT)
    assert envelope.decrypt(message, album).plaintext == PHOTO
    with pytest.raises(AWSEncryptionSDKClientError, match="Alias cannot be used for Decrypt"):
        sdk.opened(message, by_alias)


def test_the_key_of_another_region_is_asked_there(sdk, lab, album):
    """The suppliers of clients that the SDK brings read the Region in the key's ARN."""
    seoul = lab.region(SEOUL).create_cmk("album")
    message = sdk.seal(PHOTO, sdk.strict_multi(None, seoul.arn, album.arn), CONTEXT)
    assert [event["awsRegion"] for event in lab.trail[-2:]] == ["ap-northeast-2", "us-east-1"]
    assert sdk.opened(message, sdk.discovery_multi(None, ACCOUNT, "ap-northeast-2"))[0] == PHOTO
    assert lab.trail[-1]["awsRegion"] == "ap-northeast-2"
    assert sdk.opened(message, sdk.mrk_multi(None, album.arn))[0] == PHOTO


@pytest.fixture(scope="module")
def mirrored(lab: Lab) -> tuple[CMK, CMK]:
    """A multi-Region primary here, and its replica in Seoul."""
    primary = lab.create_cmk("mirrored", multi_region=True)
    replica = primary.replicate(SEOUL)
    lab.clock.advance(seconds=2)
    return primary, replica


def test_an_mrk_aware_keyring_opens_what_a_related_key_has_sealed(sdk, client, lab, mirrored):
    primary, replica = mirrored
    abroad = boto3.client("kms", SEOUL)
    message = sdk.seal(PHOTO, sdk.mrk(client, primary.arn), CONTEXT)
    for keyring in (
        sdk.mrk(abroad, replica.arn),
        sdk.mrk_multi(None, replica.arn),
        sdk.mrk_discovery(abroad, ACCOUNT, SEOUL),
        sdk.mrk_discovery_multi(None, ACCOUNT, SEOUL),
    ):
        assert sdk.opened(message, keyring)[0] == PHOTO
        event = lab.trail[-1]
        assert (event["eventName"], event["awsRegion"]) == ("Decrypt", SEOUL)
        assert event["requestParameters"]["keyId"] == replica.arn
    back = sdk.seal(PHOTO, sdk.mrk_multi(None, replica.arn), CONTEXT)
    assert sdk.opened(back, sdk.mrk(client, primary.arn))[0] == PHOTO


def test_we_open_what_a_related_key_has_sealed_too(sdk, client, mirrored):
    primary, replica = mirrored
    abroad = boto3.client("kms", SEOUL)
    message = sdk.seal(PHOTO, sdk.mrk(client, primary.arn), CONTEXT)
    for ring in (
        KmsKeyring(abroad, replica.arn, multi_region=True),
        KmsDiscoveryKeyring(abroad, accounts=[ACCOUNT], region=SEOUL),
    ):
        assert envelope.decrypt(message, ring).plaintext == PHOTO
    with pytest.raises(envelope.DecryptionError, match="None of the given keyrings"):
        envelope.decrypt(message, KmsKeyring(abroad, replica.arn))


def test_a_keyring_that_is_not_mrk_aware_takes_a_related_key_for_another(sdk, client, mirrored):
    primary, replica = mirrored
    abroad = boto3.client("kms", SEOUL)
    message = sdk.seal(PHOTO, sdk.strict(client, primary.arn), CONTEXT)
    with pytest.raises(AWSEncryptionSDKClientError) as refused:
        sdk.opened(message, sdk.strict(abroad, replica.arn))
    assert "No Encrypted Data Keys found to match" in sdk.told(refused.value)


def test_a_replica_that_is_disabled_says_so_and_the_primary_opens(sdk, client, lab, mirrored):
    primary, replica = mirrored
    message = sdk.seal(PHOTO, sdk.mrk(client, primary.arn), CONTEXT)
    replica.disable()
    with pytest.raises(AWSEncryptionSDKClientError) as refused:
        sdk.opened(message, sdk.mrk(boto3.client("kms", SEOUL), replica.arn))
    assert f"{replica.arn} is disabled." in sdk.told(refused.value)
    assert sdk.opened(message, sdk.mrk(client, primary.arn))[0] == PHOTO
    replica.enable()


def test_a_disabled_key_says_so_through_the_sdk(sdk, client, lab):
    key = lab.create_cmk("attic")
    message = envelope.encrypt(PHOTO, key)
    key.disable()
    with pytest.raises(AWSEncryptionSDKClientError) as refused:
        sdk.opened(message, sdk.strict(client, key.arn))
    assert f"{key.arn} is disabled." in sdk.told(refused.value)


def test_a_changed_message_does_not_open(sdk, client, album):
    message = bytearray(sdk.seal(PHOTO, sdk.strict(client, album.arn), CONTEXT))
    message[-150] ^= 1
    with pytest.raises(InvalidTag):
        sdk.opened(bytes(message), sdk.strict(client, album.arn))
    with pytest.raises(envelope.DecryptionError):
        envelope.decrypt(message, album)


def test_an_rsa_key_seals_here_and_opens_there(sdk, client, lab):
    key = lab.create_cmk("rsa", spec="RSA_2048", usage="ENCRYPT_DECRYPT")
    keyring = sdk.rsa(client, key.arn, key.public_key().pem.encode())
    message = sdk.seal(PHOTO, keyring, CONTEXT, 0x0478)
    assert lab.trail[-1]["eventName"] == "GetPublicKey"
    assert sdk.opened(message, keyring)[0] == PHOTO
    assert lab.trail[-1]["requestParameters"]["encryptionAlgorithm"] == "RSAES_OAEP_SHA_256"


def test_two_parties_agree_on_what_seals(sdk, client, lab):
    one, other = (
        lab.create_cmk(name, spec="ECC_NIST_P256", usage="KEY_AGREEMENT") for name in ("1", "2")
    )
    keys = [bytes(one.public_key()), bytes(other.public_key())]
    message = sdk.seal(PHOTO, sdk.ecdh(client, one.arn, *keys), CONTEXT)
    assert sdk.opened(message, sdk.ecdh(client, one.arn, *keys))[0] == PHOTO
    assert sdk.opened(message, sdk.ecdh(client, other.arn, *reversed(keys)))[0] == PHOTO


def test_the_context_of_a_message_is_the_kms_context(sdk, client, album, lab):
    sdk.opened(envelope.encrypt(PHOTO, album, context=CONTEXT), sdk.strict(client, album.arn))
    event = lab.trail[-1]
    assert event["eventName"] == "Decrypt"
    assert CONTEXT.items() <= event["requestParameters"]["encryptionContext"].items()
    assert "Boto3/" in event["userAgent"]
