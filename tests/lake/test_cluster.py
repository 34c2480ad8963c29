"""Workers seal a folder's files and ask the KMS themselves; a killed one costs a retry."""

import os
import pickle
from collections import Counter
from functools import partial
from pathlib import Path

import boto3
import pytest
from distributed import Client, LocalCluster

from kmslab import CMK, Lab, envelope, lake
from kmslab.endpoint.server import running
from kmslab.envelope import KmsKeyring, RawAesKeyring
from tests.lake.killing import Killed

pytestmark = pytest.mark.filterwarnings("ignore:.*")  # Dask's own, in its threads
FILES = {
    f"ward-{ward}/R-{number:03}.csv": os.urandom(2000) for ward in (1, 2) for number in range(6)
}


def ring(arn: str) -> KmsKeyring:
    """Made on a worker, with the credentials that it finds there."""
    return KmsKeyring(boto3.client("kms"), arn)


def raw() -> RawAesKeyring:
    return RawAesKeyring("clinic", "aes", bytes(32))


@pytest.fixture(scope="module")
def threads():
    """Quick tests need no processes: two workers as threads of this one."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as it,
        Client(it) as client,
    ):
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_folder_is_sealed_and_opens_to_the_same(threads: Client, folder: Path, tmp_path: Path):
    sealed = lake.encrypt_folder(threads, folder, tmp_path / "sealed", raw)
    assert [each.file for each in sealed.done] == sorted(FILES)
    assert contents(tmp_path / "sealed").keys() == {f"{name}.encrypted" for name in FILES}
    opened = lake.decrypt_folder(threads, tmp_path / "sealed", tmp_path / "opened", raw)
    assert (len(opened.done), opened.failed) == (12, ())
    assert contents(tmp_path / "opened") == FILES
    assert "12 files done" in repr(opened)


def test_second_run_does_what_is_missing(threads: Client, folder: Path, tmp_path: Path):
    lake.encrypt_folder(threads, folder, tmp_path / "sealed", raw)
    before = contents(tmp_path / "sealed")
    [missing, *_] = (tmp_path / "sealed").rglob("*.encrypted")
    missing.unlink()
    again = lake.encrypt_folder(threads, folder, tmp_path / "sealed", raw)
    assert [f"{each.file}.encrypted" for each in again.done] == [
        missing.relative_to(tmp_path / "sealed").as_posix()
    ]
    after = contents(tmp_path / "sealed")
    assert {name for name in after if after[name] != before[name]} == {
        f"{again.done[0].file}.encrypted"
    }


def test_messages_that_changed_places_do_not_open(threads: Client, folder: Path, tmp_path: Path):
    sealed = tmp_path / "sealed"
    lake.encrypt_folder(threads, folder, sealed, raw, context={"clinic": "Seoul"})
    one, other = sealed / "ward-1/R-001.csv.encrypted", sealed / "ward-2/R-001.csv.encrypted"
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    other.write_bytes(content[0])
    report = lake.decrypt_folder(
        threads, sealed, tmp_path / "opened", raw, context={"clinic": "Seoul"}
    )
    assert [each.file for each in report.failed] == ["ward-1/R-001.csv", "ward-2/R-001.csv"]
    assert all("DecryptionError" in each.outcome for each in report.failed)
    assert len(contents(tmp_path / "opened")) == 10
    elsewhere = lake.decrypt_folder(
        threads, sealed, tmp_path / "b", raw, context={"clinic": "Busan"}
    )
    assert (len(elsewhere.failed), list((tmp_path / "b").rglob("*.csv"))) == (12, [])


def test_error_of_a_file_stands_in_the_report(threads: Client, folder: Path, tmp_path: Path):
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed" / "ward-1").write_text("in the way")
    report = lake.encrypt_folder(threads, folder, tmp_path / "sealed", raw)
    assert (len(report.done), len(report.failed)) == (6, 6)
    assert "NotADirectoryError" in repr(report) or "FileExistsError" in repr(report)


def test_links_and_messages_are_left_out(threads: Client, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_bytes(b"a")
    (folder / "b.encrypted").write_bytes(b"b")
    (folder / "link").symlink_to(folder / "a")
    report = lake.encrypt_folder(threads, folder, folder, raw)
    assert [each.file for each in report.files] == ["a"]


@pytest.mark.parametrize("keyring", [raw(), None, "alias/records"])
def test_keyring_itself_does_not_travel(threads: Client, folder: Path, tmp_path: Path, keyring):
    with pytest.raises(TypeError, match="give a function that makes the keyring on a worker"):
        lake.encrypt_folder(threads, folder, tmp_path / "sealed", keyring)


def test_context_key_of_the_path_is_taken(threads: Client, folder: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="the context's key 'file' is taken"):
        lake.encrypt_folder(threads, folder, tmp_path / "sealed", raw, context={"file": "x"})


def test_folder_that_is_none_is_said(threads: Client, tmp_path: Path):
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        lake.encrypt_folder(threads, tmp_path / "nowhere", tmp_path / "sealed", raw)


def test_each_worker_makes_its_keyring_once(threads: Client, folder: Path, tmp_path: Path):
    made = tmp_path / "made"

    def maker() -> RawAesKeyring:
        with made.open("a") as file:
            file.write("1")
        return raw()

    report = lake.encrypt_folder(threads, folder, tmp_path / "sealed", maker)
    assert len(report.done) == 12
    assert made.read_text() in ("1", "11")


# ------------------------------------------------------------------ two processes and an endpoint


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch):
    """A lab behind an endpoint, and two worker processes that find it as AWS's clients do."""
    with Lab() as lab:
        records = lab.create_cmk("records")
        with running(lab) as endpoint:
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            yield lab, records


@pytest.fixture
def processes(clinic):
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def asked(lab: Lab) -> Counter:
    return Counter(event["eventName"] for event in lab.trail)


@pytest.mark.long
def test_killed_worker_costs_a_retry_and_leaves_no_half_file(
    clinic: tuple[Lab, CMK], processes: Client, folder: Path, tmp_path: Path
):
    lab, records = clinic
    marks, sealed = [tmp_path / "killed-1", tmp_path / "killed-2"], tmp_path / "sealed"
    victim = "ward-1/R-003.csv"
    report = lake.encrypt_folder(
        processes, folder, sealed, partial(Killed, records.arn, victim, marks[0])
    )
    assert marks[0].exists()
    assert (len(report.done), report.failed) == (12, ())
    assert contents(sealed).keys() == {f"{name}.encrypted" for name in FILES}
    assert asked(lab)["GenerateDataKey"] >= 13  # the killed worker's data key is lost with it

    opened = tmp_path / "opened"
    report = lake.decrypt_folder(
        processes, sealed, opened, partial(Killed, records.arn, victim, marks[1])
    )
    assert marks[1].read_text() != marks[0].read_text()
    assert report.failed == ()
    assert contents(opened) == FILES

    records.disable()
    refused = lake.decrypt_folder(processes, sealed, tmp_path / "late", partial(ring, records.arn))
    assert len(refused.failed) == 12
    assert "DisabledException" in refused.failed[0].outcome
    assert not list((tmp_path / "late").rglob("*.csv"))


def test_what_travels_holds_no_credentials(clinic: tuple[Lab, CMK]):
    lab, records = clinic
    travels = pickle.dumps(partial(ring, records.arn))
    assert lab.access_key().secret.decode().encode() not in travels
    assert records.arn.encode() in travels
    message = envelope.encrypt(b"R-017", ring(records.arn))
    assert envelope.decrypt(message, records).plaintext == b"R-017"
