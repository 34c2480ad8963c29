"""What lesson 07 shows is what the lab answers: the kinds of key, January, and other programs."""

import json
import os
import shutil

import pytest

from kmslab import Lab, allow, figures
from kmslab.course import aws, clinic, endpoint, let, outcome, refusal
from kmslab.course.clinic.staff import READINGS
from kmslab.course.endpoint import NO_CLI
from kmslab.errors import AccessDeniedException
from kmslab.figures.key_kind_trials import KINDS, QUESTIONS, try_kinds
from tests.figures.drawn_kinds import busy, kinds_in_a_busy_lab, kinds_in_an_empty_lab, the_lab

ABOUT = {"record": "R-017"}

# ---------------------------------------------------------------------------- the kinds of key

# Facts of AWS's developer guide, "AWS KMS keys", and of its price list.
EXPECTED = {
    "view it": ["works", "works", "NotFoundException"],
    "manage it": ["works", "AccessDeniedException", "NotFoundException"],
    "use it": ["works", "AccessDeniedException", "NotFoundException"],
    "use it through S3": ["works", "works", "works"],
    "audit it": ["2 of 2 calls", "2 of 2 calls", "0 of 2 calls"],
    "lend it": ["works", "AccessDeniedException", "NotFoundException"],
    "rotate it": ["works", "AccessDeniedException", "NotFoundException"],
    "wait until it is rotated": ["0: not turned on", "1 in the trail", "0 to be seen"],
    "pay for it": ["USD 1.00, 2 requests", "USD 0.00, 2 requests", "USD 0.00, 0 requests"],
}


@pytest.mark.parametrize("make", [the_lab, busy])
def test_each_kind_of_key_answers_as_aws_documents_it_also_in_a_busy_lab(make):
    results = try_kinds(make())
    found = {
        question.wish: [each.results[number].text for each in results]
        for number, question in enumerate(QUESTIONS)
    }
    assert found == EXPECTED
    assert [each.kind for each in results] == list(KINDS)
    assert [each.alias for each in results] == ["alias/on-trial", "alias/aws/s3", ""]


def test_trying_the_kinds_of_key_leaves_nothing_behind():
    lab = busy()
    keys, now, trail = lab.kms.list_aliases(), lab.clock.now(), list(lab.trail)
    figures.kinds(lab)
    assert (lab.clock.now(), list(lab.trail)) == (now, trail)
    assert lab.kms.list_aliases() == keys


@pytest.mark.parametrize("draw", [kinds_in_an_empty_lab, kinds_in_a_busy_lab])
def test_caption_states_every_cell(draw):
    said = repr(draw())
    for wish, texts in EXPECTED.items():
        assert f"To {wish} (" in said
        assert f": {'; '.join(texts)}." in said


# ------------------------------------------------------------------------------------- January


def test_january_happens_once_and_the_trail_has_its_friday_night():
    lab, the_clinic = clinic(until="07")
    sealed = the_clinic.january()
    assert lab.clock.now().isoformat() == "2026-02-02T00:00:00+00:00"
    reads = [event for event in lab.trail if event["eventName"] == "Decrypt"]
    assert len(reads) == len(READINGS)
    friday = [e for e in reads if e["eventTime"] == "2026-01-09T13:40:00Z"]
    assert [e["requestParameters"]["encryptionContext"] for e in friday] == [ABOUT]
    assert {e["userIdentity"]["userName"] for e in reads} == {"jiho"}
    assert the_clinic.january() is sealed
    assert len([event for event in lab.trail if event["eventName"] == "Decrypt"]) == len(READINGS)


def test_january_gives_the_key_the_default_policy_again():
    lab, the_clinic = clinic(until="07")
    sealed, key, mina = the_clinic.january(), lab.cmk("alias/records"), the_clinic.staff().mina
    key.put_policy({"Version": "2012-10-17", "Statement": [let(lab, "kms:Put*", "kms:Desc*")]})
    assert outcome(mina.decrypt, sealed["R-017"], ABOUT) == "AccessDeniedException"
    the_clinic.january()
    assert outcome(mina.decrypt, sealed["R-017"], ABOUT) == "ok"


def test_the_third_rotation_is_free():
    lab, the_clinic = clinic(until="07")
    the_clinic.january()
    lines = {line.what: line for line in lab.bill("2026-01").lines if "records" in line.subject}
    assert list(lines) == ["key", "first rotation", "second rotation", "later rotations"]
    assert lines["later rotations"].amount == 0


def test_trail_finds_a_text_anywhere_and_has_no_plaintext():
    lab, the_clinic = clinic(until="07")
    the_clinic.january()
    found = lab.trail.about("R-017")
    assert {event["eventName"] for event in found} == {"Encrypt", "Decrypt"}
    assert "record=R-017" in repr(found)
    record = the_clinic.record("R-017").decode()
    assert not any(lab.trail.about(word) for word in record.split(",")[1:] if len(word) > 3)


# ------------------------------------------------------------------------------------- refusals


def test_let_writes_one_statement_for_one_caller():
    lab = Lab()
    assert let(lab.user("alice"), "kms:Decrypt") == {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:user/alice"},
        "Action": ["kms:Decrypt"],
        "Resource": "*",
    }


def test_let_says_which_arguments_it_takes():
    lab = Lab()
    with pytest.raises(TypeError, match=r"takes a person \(sora\), not a name in quotes"):
        let("sora", "kms:*")
    with pytest.raises(TypeError, match=r"one after the other: let\(jiho, \*actions\)"):
        let(lab.user("jiho"), ["kms:Encrypt", "kms:Decrypt"])


def test_lockout_is_explained_with_the_proposed_policy():
    lab = Lab()
    key, jiho = lab.create_cmk(), lab.user("jiho")
    alone = {"Version": "2012-10-17", "Statement": [let(jiho, "kms:Decrypt")]}
    explanation = str(refusal(key.put_policy, alone).explain())
    assert explanation.startswith(
        "Refused: under the proposed policy root may not call kms:PutKeyPolicy"
    )
    assert "The proposed key policy" in explanation
    assert "proposed" not in str(jiho.explain("kms:PutKeyPolicy", key))


def test_refusal_returns_the_error():
    lab = Lab()
    key, alice = lab.create_cmk(), lab.user("alice")
    found = refusal(alice.decrypt, key.encrypt(b"1"))
    assert isinstance(found, AccessDeniedException)
    assert "user/alice may not call kms:Decrypt" in str(found.explain())
    with pytest.raises(ValueError, match="not refused"):
        refusal(key.encrypt, b"1")
    with pytest.raises(ValueError, match="no policy decided"):
        refusal(key.encrypt, b"1" * 5000).explain()


# ------------------------------------------------------------------------------ other programs


def test_boto3_finds_the_lab_as_the_given_user_and_the_environment_is_restored():
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("uvicorn")
    lab = Lab()
    key, jiho = lab.create_cmk("records"), lab.user("jiho", allow("kms:Decrypt"))
    blob, before = key.encrypt(b"R-017", ABOUT), dict(os.environ)
    with endpoint(lab, jiho) as url:
        assert url.startswith("http://127.0.0.1:")
        kms = boto3.client("kms")
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=ABOUT)["Plaintext"] == b"R-017"
        with pytest.raises(kms.exceptions.ClientError, match="user/jiho is not authorized"):
            kms.create_key()
    assert dict(os.environ) == before
    last = lab.trail[-1]
    assert (last["userIdentity"]["userName"], last["sourceIPAddress"]) == ("jiho", "127.0.0.1")


def test_aws_runs_only_while_the_lab_is_served():
    with pytest.raises(ValueError, match="inside"):
        aws("kms list-keys")


def test_without_the_aws_cli_the_lesson_goes_on(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert aws("kms list-keys") == NO_CLI


@pytest.mark.skipif(shutil.which("aws") is None, reason="no AWS CLI on this machine")
def test_aws_cli_reads_the_given_files():
    pytest.importorskip("uvicorn")
    lab = Lab()
    blob = lab.create_cmk().encrypt(b"R-017", ABOUT)
    command = "kms decrypt --ciphertext-blob fileb://blob --encryption-context record=R-017"
    with endpoint(lab, lab):
        assert json.loads(aws(command, blob=blob))["Plaintext"] == "Ui0wMTc="


@pytest.mark.skipif(shutil.which("aws") is None, reason="no AWS CLI on this machine")
def test_error_of_the_aws_cli_is_shown_as_printed():
    pytest.importorskip("uvicorn")
    lab = Lab()
    with endpoint(lab, lab.user("mina")):
        assert "AccessDeniedException" in aws("kms list-keys")
