"""The AWS SDK for JavaScript v3, and the AWS Encryption SDK for JavaScript."""

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kmslab import CMK, Lab, envelope
from kmslab.endpoint.server import running
from tests.envelope.conftest import ALL_SUITES, READ_ALL, writing

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parent / "node"
OLDEST = 20  # that the SDK runs on
CONTEXT = {"album": "summer", "병원": "서울"}
PHOTO = b"a photo " * 2000


@pytest.fixture(scope="module")
def node() -> Path:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"node is {version.stdout.strip()}, and the SDK needs v{OLDEST}")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("the clients for Node are not installed: `make test-all` does it, with npm")
    return Path(found)


# ------------------------------------------------------------------- AWS SDK for JavaScript v3


@pytest.fixture(scope="module")
def told(outside, node) -> Any:
    return outside.told(node, FOLDER / "speak.mjs")


def error(name: str, message: str, **more: Any) -> dict[str, Any]:
    usual = {"status": 400, "fault": "client", "known": True, "notFound": False}
    return {"name": name, "message": message} | usual | more


def test_calls_at_once_get_each_its_own_answer(told):
    assert told["trips"] == [True] * 50


def test_pages_come_to_their_end(told, lab):
    assert [len(page) for page in told["aliasPages"]] == [2, 2, 1]
    assert told["key"] in told["keys"]
    assert len(told["keys"]) == len({*told["keys"]})


def test_answers_have_the_types_that_the_sdk_promises(told):
    assert told["created"] is True
    assert told["oldSpec"] == "SYMMETRIC_DEFAULT"
    assert told["disabledAnswer"] == ["$metadata"]


def test_signatures_macs_and_pairs(told):
    assert told["signature"] == [True, True]
    assert (told["mac"], told["pair"]) == (True, True)


def test_errors_are_the_sdks_own_classes_with_the_texts_of_aws(told):
    here = "arn:aws:kms:us-east-1:111122223333:"
    assert told["unknown"] == error(
        "NotFoundException", f"Alias {here}alias/nobody is not found.", notFound=True
    )
    assert told["disabled"] == error("DisabledException", f"{told['key']} is disabled.")
    there = told["key"].replace("us-east-1", "eu-west-1")
    assert told["otherRegion"] == error(
        "NotFoundException", f"Key '{there}' does not exist", notFound=True
    )
    assert told["invalid"] == error(
        "ValidationException",
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
        "Member must have length less than or equal to 4096",
    )
    assert told["missing"] == error(
        "ValidationException",
        "1 validation error detected: Value null at 'plaintext' failed to satisfy constraint: "
        "Member must not be null",
    )
    assert told["wrongSecret"]["name"] == "InvalidSignatureException"
    assert told["wrongContext"]["name"] == "InvalidCiphertextException"


def test_node_trusts_the_certificate_through_a_variable_of_its_own(outside, node):
    with Lab() as lab, running(lab, self_signed=True) as endpoint:
        there = outside.knowing(**endpoint.environment)
        assert "certificate" in there.run(node, FOLDER / "speak.mjs").stderr
        trusting = there.knowing(NODE_EXTRA_CA_CERTS=str(endpoint.authority))
        assert trusting.told(node, FOLDER / "speak.mjs")["trips"] == [True] * 50


# ----------------------------------------------------------- AWS Encryption SDK for JavaScript


@pytest.fixture(scope="module")
def album(lab: Lab) -> CMK:
    return lab.create_cmk("album")


@pytest.fixture(scope="module")
def archive(lab: Lab) -> CMK:
    return lab.create_cmk("archive")


@pytest.fixture(scope="module")
def crossed(outside, node, album, archive, tmp_path_factory) -> tuple[Any, Path]:
    """What the SDK says of our messages, and the folder with its own."""
    folder = tmp_path_factory.mktemp("messages")
    (folder / "ours").mkdir()
    for suite in ALL_SUITES:
        message = envelope.encrypt(
            PHOTO, album, context=CONTEXT, suite=suite, frame_length=999, policy=writing(suite)
        )
        (folder / "ours" / f"{suite:04x}").write_bytes(message)
    told = outside.told(node, FOLDER / "messages.mjs", folder, album.arn, archive.arn)
    return told, folder / "theirs"


def test_it_opens_our_messages_with_each_of_its_keyrings(crossed):
    told, _ = crossed
    hows = {"strict", "several", "mrk", "discovery", "mrkDiscovery"}
    assert {*told["opened"]} == {f"{suite:04x} {how}" for suite in ALL_SUITES for how in hows}
    for plaintext, context in told["opened"].values():
        assert base64.b64decode(plaintext) == PHOTO
        assert CONTEXT.items() <= context.items()


def test_it_refuses_them_with_another_key_or_in_another_account(crossed):
    told, _ = crossed
    assert len(told["refused"]) == 3 * len(ALL_SUITES)
    assert all(told["refused"].values())


def test_we_open_its_messages(crossed, album, archive):
    _, theirs = crossed
    messages = {path.name: path.read_bytes() for path in theirs.iterdir()}
    assert len(messages) == 3 * len(ALL_SUITES)
    for message in messages.values():
        opened = envelope.decrypt(message, album, policy=READ_ALL)
        assert (opened.plaintext, opened.context) == (PHOTO, CONTEXT)
    for suite in ALL_SUITES:
        message = messages[f"several-{suite:04x}"]
        assert envelope.decrypt(message, archive, policy=READ_ALL).plaintext == PHOTO
