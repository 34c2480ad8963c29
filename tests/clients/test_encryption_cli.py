"""The AWS Encryption SDK's own command, on files and folders, and `kmslab.envelope`."""

import base64
import json

import pytest

from kmslab import envelope

pytestmark = pytest.mark.long

LETTER = b"Dear clinic, " * 1000
STRICT = "provider=aws-kms"


@pytest.fixture(scope="module")
def orders(lab):
    return lab.create_cmk("orders")


@pytest.fixture(scope="module")
def command(outside, programs):
    """`aws-encryption-cli` in the home folder; returns what it says of what it did."""

    def run(*words):
        done = outside.run(
            programs / "aws-encryption-cli", *words, "--metadata-output", "-", "--output", "."
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_file_goes_there_and_back(command, orders, outside):
    (outside.home / "letter").write_bytes(LETTER)
    key = ("--wrapping-keys", STRICT, f"key={orders.arn}")
    context = ("--encryption-context", "album=summer", "year=2026")
    (sealed,) = command("--encrypt", "--input", "letter", *key, *context)
    (wrapped,) = sealed["header"]["encrypted_data_keys"]
    assert base64.b64decode(wrapped["key_provider"]["key_info"]).decode() == orders.arn
    ours = envelope.decrypt((outside.home / "letter.encrypted").read_bytes(), orders)
    assert (ours.plaintext, ours.context) == (LETTER, {"album": "summer", "year": "2026"})
    (outside.home / "letter.encrypted").rename(outside.home / "again")
    (opened,) = command("--decrypt", "--input", "again", *key, *context)
    assert (outside.home / "again.decrypted").read_bytes() == LETTER
    assert opened["header"]["encryption_context"]["album"] == "summer"


def test_it_opens_a_folder_of_ours_by_discovery(command, orders, outside, lab):
    folder = outside.home / "sealed"
    folder.mkdir()
    for number, suite in enumerate([0x0478, 0x0578]):
        message = envelope.encrypt(LETTER, orders, context={"page": str(number)}, suite=suite)
        (folder / str(number)).write_bytes(message)
    found = ("--wrapping-keys", STRICT, "discovery=true")
    mine = ("discovery-partition=aws", "discovery-account=111122223333")
    done = command("--decrypt", "--recursive", "--input", "sealed", *found, *mine)
    assert len(done) == 2
    for number in range(2):
        assert (outside.home / f"{number}.decrypted").read_bytes() == LETTER
    events = [event for event in lab.trail if event["eventName"] == "Decrypt"][-2:]
    assert {event["requestParameters"]["encryptionContext"]["page"] for event in events} == {*"01"}


def test_an_alias_of_another_region_seals(command, outside, lab):
    seoul = lab.region("ap-northeast-2").create_cmk("archive")
    (outside.home / "far").write_bytes(LETTER)
    alias = "arn:aws:kms:ap-northeast-2:111122223333:alias/archive"
    command("--encrypt", "--input", "far", "--wrapping-keys", STRICT, f"key={alias}")
    message = (outside.home / "far.encrypted").read_bytes()
    assert envelope.decrypt(message, seoul).plaintext == LETTER


def test_a_disabled_key_is_told_and_leaves_no_file(outside, programs, lab):
    key = lab.create_cmk("attic")
    (outside.home / "old").write_bytes(envelope.encrypt(LETTER, key))
    key.disable()
    done = outside.run(
        *[programs / "aws-encryption-cli", "--decrypt", "--suppress-metadata"],
        *["--input", "old", "--output", ".", "--wrapping-keys", STRICT, f"key={key.arn}"],
    )
    assert done.returncode != 0
    assert "Unable to decrypt any data key" in done.stderr
    assert not (outside.home / "old.decrypted").exists()
    assert lab.trail[-1]["errorCode"] == "DisabledException"
