"""New domain keys and new root keys: everything opens before, meanwhile and after."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kmslab import Lab
from kmslab.kms.backing import new_root_key, rekeying, root_key
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.backing.sealed import KINDS
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.records import KINDS as RECORDS
from kmslab.kms.contract.records import AccessKey, DomainKey, Key, Material
from tests.kms.store.samples import start
from tests.lab.kept import cheap, hsm_of, opened, proven, sealed_parts

AT_SERVER: Any = pytest.param("postgresql", marks=pytest.mark.long)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "NOTICED", 0.6)  # longer than a process looks at the store again


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'my.db'}"


@pytest.fixture(params=["file", AT_SERVER])
def anywhere(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> tuple[str, Path | None]:
    """A store that processes share, and the file of its root key if that has to be named."""
    if request.param == "file":
        return url, None
    return request.getfixturevalue("postgresql").new(), tmp_path / "root.key"


def domains(lab: Lab) -> set[str]:
    """What anything in the store is sealed under."""
    return {part.domain for _, part in sealed_parts(lab)}


# ----------------------------------------------------------------------------------- domain keys


def test_each_record_with_something_sealed_is_known() -> None:
    sealed = {record for record in RECORDS if "sealed" in record.__slots__}
    assert sealed == {Material, AccessKey, *[kind.record for kind in KINDS if not kind.prefix]}


def test_everything_is_sealed_anew_and_opens(anywhere: tuple[str, Path | None]) -> None:
    with opened(*anywhere) as lab, opened(*anywhere) as other, proven(lab) as prove:
        before = domains(lab)
        sealed = len([*sealed_parts(lab)])
        done = lab.rekey()
        assert (done.sealed, done.unopened, done.went_on) == (sealed, (), False)
        assert not domains(lab) & before
        prove(lab)
        prove(other)  # another process, which has been open all the time
        assert {each.id for each in lab._store.all(DomainKey)} > before, "old domain keys stay"
        there = other.region("eu-west-1").create_cmk()
        assert lab.region("eu-west-1").cmk(there.arn).encrypt(b"x")
        assert not domains(lab) & before, "what is made afterwards is under the new ones too"
    with opened(*anywhere) as lab:
        prove(lab)


def test_lab_in_memory_can_be_rekeyed_too() -> None:
    with Lab() as lab:
        blob = lab.create_cmk().encrypt(b"x")
        assert lab.rekey().sealed == 1
        assert lab.decrypt(blob) == b"x"
        with pytest.raises(ValueError, match="in memory"):
            lab.change_root_key(cheap("x"))


def test_twice_in_a_row_seals_twice(url: str) -> None:
    with opened(url) as lab, proven(lab) as prove:
        first, second = lab.rekey(), lab.rekey()
        assert first == second
        prove(lab)


def test_store_is_used_and_changed_meanwhile(
    anywhere: tuple[str, Path | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "STEP", 3)
    with opened(*anywhere) as lab, opened(*anywhere) as other, proven(lab) as prove:
        keys = [other.create_cmk() for _ in range(12)]
        before, over, troubles = domains(lab), threading.Event(), list[BaseException]()
        blobs = list[bytes]()

        def work() -> None:
            try:
                while not over.is_set():
                    for key in keys:
                        blobs.append(key.encrypt(b"x"))
                        key.rotate() if len(blobs) % 7 == 0 else key.disable()
                        key.enable()
                    keys.append(other.create_cmk())
                    other.user(f"user-{len(keys)}").access_key()
            except BaseException as error:
                troubles.append(error)

        worker = threading.Thread(target=work)
        worker.start()
        try:
            lab.rekey()
        finally:
            over.set()
            worker.join()
        assert not troubles
        assert not domains(lab) & before
        prove(lab)
        assert len(blobs) > 20
        assert {bytes(lab.decrypt(blob)) for blob in blobs} == {b"x"}


def test_interrupted_rekeying_goes_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "STEP", 2)
    with opened(url) as lab, proven(lab) as prove:
        before, sealed, commits = domains(lab), len([*sealed_parts(lab)]), 0
        commit = lab._store.commit

        def interrupted(**change: Any) -> None:
            nonlocal commits
            commits += 1
            if commits == 3:
                raise KeyboardInterrupt
            commit(**change)

        monkeypatch.setattr(lab._store, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lab.rekey()
        monkeypatch.undo()
        prove(lab)
        domain_keys = lab._store.all(DomainKey)
        done = lab.rekey()
        assert done.went_on
        assert 0 < done.sealed < sealed
        assert lab._store.all(DomainKey) == domain_keys, "it makes no more of them"
        assert not domains(lab) & before
        prove(lab)


KILLED = """
import os, signal
from kmslab import Lab
from kmslab.kms.backing import rekeying
rekeying.STEP, rekeying.NOTICED = 1, 0
lab = Lab(sys.argv[1])
commit, commits = lab._store.commit, 0
def killed(**change):
    global commits
    commits += 1
    if commits == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    commit(**change)
lab._store.commit = killed
lab.rekey()
"""


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_killed_rekeying_goes_on(url: str) -> None:
    with opened(url) as lab, proven(lab) as prove:
        before = domains(lab)
        process = start(KILLED, url)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        prove(lab)
        assert domains(lab) & before
        assert lab.rekey().went_on
        assert not domains(lab) & before
        prove(lab)


def test_two_that_rekey_at_once_do_it_together(url: str) -> None:
    with opened(url) as lab, opened(url) as other, proven(lab) as prove:
        before = domains(lab)
        with ThreadPoolExecutor() as pool:
            done = [each.result() for each in [pool.submit(lab.rekey), pool.submit(other.rekey)]]
        assert not domains(lab) & before
        assert sum(each.sealed for each in done) >= len([*sealed_parts(lab)])
        prove(lab)
        prove(other)


def test_record_that_does_not_open_is_named_and_stays(url: str) -> None:
    with opened(url) as lab, proven(lab):
        victim = lab._store.all(Material)[2]
        with closing(__import__("sqlite3").connect(url.removeprefix("sqlite:///"))) as raw:
            raw.execute("UPDATE material SET sealed = X'00' WHERE handle = ?", [victim.handle])
            raw.execute("UPDATE kmslab SET changes = changes + 1")
            raw.commit()
        done = lab.rekey()
        assert done.unopened == (f"Material {victim.handle}",)
        assert done.sealed == len([*sealed_parts(lab)]) - 1
        left = {record.domain for record in lab._store.all(Material)} & {victim.domain}
        assert left == {victim.domain}


# --------------------------------------------------------------------------------------- root keys


def test_root_key_becomes_a_passphrase_another_one_and_a_file_again(
    url: str, tmp_path: Path
) -> None:
    first, second = cheap("first"), cheap("second")
    with opened(url) as lab, proven(lab) as prove:
        changed = lab.change_root_key(first)
        assert changed.file is None
        assert changed.kept is not None
        assert changed.kept.name.startswith("my.db.key.until-")
        prove(lab)
        assert lab.change_root_key(second).kept is None
        prove(lab)
    for wrong in (None, first):
        with pytest.raises(RootKeyError):
            opened(url, wrong)
    with opened(url, second) as lab:
        prove(lab)
        assert lab.change_root_key().file == tmp_path / "my.db.key"
    with opened(url) as lab:
        prove(lab)
        before = (tmp_path / "my.db.key").read_bytes()
        kept = lab.change_root_key().kept
        assert kept is not None
        assert kept.read_bytes() == before != (tmp_path / "my.db.key").read_bytes()
    with opened(url) as lab:
        prove(lab)
    assert not list(tmp_path.glob("*.new"))


def test_root_key_moves_to_a_named_file(anywhere: tuple[str, Path | None], tmp_path: Path) -> None:
    url, before = anywhere
    with opened(url, before) as lab, proven(lab) as prove:
        assert lab.change_root_key(tmp_path / "other.key").file == tmp_path / "other.key"
    with pytest.raises(RootKeyError):
        opened(url, before)
    with opened(url, tmp_path / "other.key") as lab:
        prove(lab)


def test_running_processes_go_on_and_make_no_domain_key_under_the_old_root_key(url: str) -> None:
    with opened(url) as lab, proven(lab) as prove, opened(url) as other:
        other.create_cmk()
        lab.change_root_key(cheap("x"))
        prove(other)
        assert lab.decrypt(other.create_cmk().encrypt(b"x")) == b"x"
        with pytest.raises(EXCEPTIONS["KMSInternalException"]) as refused:
            other.region("ap-northeast-2").create_cmk()
        assert "Start the process again" in str(refused.value.__cause__)
        assert isinstance(refused.value.__cause__, RootKeyError)
        with pytest.raises(RootKeyError, match="was changed while"):
            other.change_root_key(cheap("y"))
    with opened(url, cheap("x")) as lab:
        prove(lab)


def test_running_processes_read_the_root_keys_file_again(url: str) -> None:
    with opened(url) as lab, proven(lab) as prove, opened(url) as other:
        for _ in range(2):
            lab.change_root_key()
            lab.rekey()
            prove(other)
            blob = other.region("ap-northeast-2").create_cmk().encrypt(b"x")
            other.rekey()
            prove(lab)
            assert lab.region("ap-northeast-2").decrypt(blob) == b"x"
        other.change_root_key()
        prove(lab)
    with opened(url) as lab:
        prove(lab)


def test_domain_key_made_during_the_change_is_under_the_new_root_key(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process has looked at the root key's record, but not yet committed."""
    with opened(url) as lab, opened(url) as other, proven(lab) as prove:
        commit, blobs = lab._store.commit, list[bytes]()

        def late(**change: Any) -> None:
            if not blobs and any(isinstance(each, DomainKey) for each in change["put"]):
                blobs.append(other.region("ap-northeast-2").create_cmk().encrypt(b"x"))
            commit(**change)

        monkeypatch.setattr(lab._store, "commit", late)
        lab.change_root_key(cheap("x"))
    with opened(url, cheap("x")) as lab:
        prove(lab)
        assert lab.region("ap-northeast-2").decrypt(blobs[0]) == b"x"


@pytest.mark.parametrize("step", ["_rewrap", "settle"])
def test_interrupted_change_loses_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with opened(url) as lab, proven(lab) as prove:
        place: Any = new_root_key if step == "_rewrap" else root_key
        monkeypatch.setattr(place, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            lab.change_root_key()
        monkeypatch.undo()
    for _ in range(2):
        with opened(url) as lab:
            prove(lab)
    with opened(url) as lab:
        lab.change_root_key()
    with opened(url) as lab:
        prove(lab)


def test_two_that_change_the_root_key_at_once_leave_one(url: str, tmp_path: Path) -> None:
    with opened(url) as lab, opened(url) as other, proven(lab) as prove:
        with ThreadPoolExecutor() as pool:
            tried = [pool.submit(each.change_root_key) for each in (lab, other)]
        failed = [each.exception() for each in tried if each.exception()]
        assert len(failed) < 2
        assert all(isinstance(each, RootKeyError) for each in failed)
    with opened(url) as lab:
        prove(lab)


def test_old_store_with_secrets_under_the_root_key_itself_gets_a_new_one(tmp_path: Path) -> None:
    from tests.lab.test_old_stores import check, lay_out

    path = tmp_path / "my.db"
    known = lay_out(5, path)
    with opened(f"sqlite:///{path}") as lab:
        assert "" in domains(lab)
        lab.change_root_key(cheap("x"))
        assert "" not in domains(lab)
    with opened(f"sqlite:///{path}", cheap("x")) as lab:
        assert bytes(lab.service.recipients.root())
        assert hsm_of(lab)
        assert lab._store.find(Key, primary_arn="")
        check(lab, known)
