"""Several processes on one SQLite file, and threads on one lab: one wins, nothing is lost."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmslab import Clock, Lab
from kmslab.crypto import pycryptodome
from kmslab.errors import (
    ConflictException,
    DisabledException,
    KMSInvalidStateException,
    LimitExceededException,
)
from tests.held_library import HeldLibrary

WORKER = Path(__file__).with_name("worker.py")


class Workers:
    """Processes that have opened the lab and wait until all of them may start at once."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, task: str, url: str, *arguments: object) -> None:
        command = [sys.executable, str(WORKER), task, url, *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._processes.append(subprocess.Popen(command, text=True, **pipes))

    def ready(self) -> None:
        for process in self._processes:
            assert process.stdout
            if process.stdout.readline() != "ready\n":
                pytest.fail(f"a worker died: {process.communicate()[1]}")

    def go(self) -> None:
        self.ready()
        for process in self._processes:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()

    def answers(self, code: int = 0) -> list[Any]:
        outputs = [process.communicate(timeout=60) for process in self._processes]
        for process, (_, errors) in zip(self._processes, outputs, strict=True):
            assert process.returncode == code, errors
        self._processes = []
        return [json.loads(output) if output else None for output, _ in outputs]

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.end()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'my.db'}"


def events_of(lab: Lab, name: str) -> list[dict[str, Any]]:
    return [event for event in lab.trail if event["eventName"] == name]


# -------------------------------------------------------------------------------------- processes


@pytest.mark.long  # threads show it quickly
def test_of_processes_that_change_one_key_one_wins(url: str, workers: Workers) -> None:
    with Lab(store=url) as lab:
        keys = {lab.create_cmk().arn for _ in range(20)}
    for _ in range(3):
        workers.start("schedule_all", url)
    workers.go()
    won = [key for answer in workers.answers() for key in answer]
    assert sorted(won) == sorted(keys), "each key has one winner"
    with Lab(store=url) as lab:
        outcomes = Counter(e.get("errorCode", "ok") for e in events_of(lab, "ScheduleKeyDeletion"))
    assert outcomes == {"ok": 20, "KMSInvalidStateException": 40}


def test_processes_that_change_one_key_lose_nothing(url: str, workers: Workers) -> None:
    with Lab(store=url) as lab:
        key = lab.create_cmk().arn
    for name in "abc":
        workers.start("make_aliases", url, key, name, 16)
    workers.go()
    workers.answers()
    with Lab(store=url) as lab:
        made = {alias["AliasName"] for alias in lab.kms.list_aliases(KeyId=key)["Aliases"]}
        assert made == {f"alias/{name}-{number}" for name in "abc" for number in range(16)}
        assert len(events_of(lab, "CreateAlias")) == 48
        assert len(events_of(lab, "UpdateKeyDescription")) == 48
        description = lab.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"]
        assert description in {"a 15", "b 15", "c 15"}


def test_disabled_key_refuses_at_once_here_and_soon_elsewhere(url: str, workers: Workers) -> None:
    """How soon, the store's tests say: it polls every half second."""
    with Lab(store=url) as lab:
        cmk = lab.create_cmk()
        workers.start("encrypt_until_refused", url, cmk.arn)
        workers.ready()
        cmk.encrypt(b"x")
        cmk.disable()
        with pytest.raises(DisabledException):
            cmk.encrypt(b"x")
        assert workers.answers() == ["refused"]


MANY = pytest.mark.parametrize("many", [40, pytest.param(200, marks=pytest.mark.long)])


@MANY
def test_due_deletions_are_done_once_each_by_three_processes(
    url: str, workers: Workers, many: int
) -> None:
    with Lab(store=url) as lab:
        keys = [lab.create_cmk() for _ in range(many)]
        for number, cmk in enumerate(keys):
            cmk.schedule_deletion(7 + number % 20)
        for _ in range(3):
            workers.start("settle", url)
        lab.clock.advance(days=40)
    workers.go()
    workers.answers()
    with Lab(store=url) as lab:
        deleted = Counter(e["resources"][0]["ARN"] for e in events_of(lab, "DeleteKey"))
        assert deleted == {cmk.arn: 1 for cmk in keys}
        assert lab.kms.list_keys()["Keys"] == []


@pytest.mark.long  # threads show it quickly, and deletions
@pytest.mark.parametrize("many", [200])
def test_due_rotations_are_done_once_each_by_three_processes(
    url: str, workers: Workers, many: int
) -> None:
    """Each key twice. A plain retry of what lost the race rotated most of them again."""
    with Lab(store=url) as lab:
        keys = [lab.create_cmk() for _ in range(many // 2)]
        blobs = [cmk.encrypt(b"x") for cmk in keys]
        for number, cmk in enumerate(keys):
            cmk.enable_rotation(90 + number % 20)
        for _ in range(3):
            workers.start("settle", url)
        lab.clock.advance(days=230)
    workers.go()
    workers.answers()
    with Lab(store=url) as lab:
        rotated = Counter(e["resources"][0]["ARN"] for e in events_of(lab, "RotateKey"))
        assert rotated == {cmk.arn: 2 for cmk in keys}
        for number, cmk in enumerate(keys):
            first, second = lab.kms.list_key_rotations(KeyId=cmk.arn)["Rotations"]
            status = lab.kms.get_key_rotation_status(KeyId=cmk.arn)
            period = timedelta(days=90 + number % 20)
            assert second["KeyMaterialState"] == "CURRENT"
            assert second["RotationDate"] - first["RotationDate"] == period
            assert status["NextRotationDate"] - second["RotationDate"] == period
        assert {lab.decrypt(blob) for blob in blobs} == {b"x"}


def test_process_that_comes_too_late_for_a_due_act_goes_on(url: str) -> None:
    """For half a second it still holds as due what another process has done."""
    now = [datetime(2026, 1, 5, 9, 0, tzinfo=UTC)]
    with (
        Lab(store=url, clock=Clock(lambda: now[0])) as one,
        Lab(store=url, clock=Clock(lambda: now[0])) as two,
    ):
        one.create_cmk().schedule_deletion(7)
        two.kms.list_keys()
        now[0] += timedelta(days=8)
        assert one.kms.list_keys()["Keys"] == two.kms.list_keys()["Keys"] == []
        assert len(events_of(two, "DeleteKey")) == 1


# The store's tests try more ways to end.
@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("error", 1),
        pytest.param("end", 0, marks=pytest.mark.long),
        pytest.param("exit", 0, marks=pytest.mark.long),
    ],
)
def test_normal_exit_loses_no_event(url: str, workers: Workers, ending: str, code: int) -> None:
    with Lab(store=url) as lab:
        key = lab.create_cmk().arn
    workers.start("generate", url, key, 200, ending)
    workers.go()
    workers.answers(code)
    with Lab(store=url) as lab:
        assert len(events_of(lab, "GenerateDataKey")) == 200


def start_at_once(url: str, workers: Workers) -> None:
    for _ in range(4):
        workers.start("create", url)
    workers.go()
    made = workers.answers()
    with Lab(store=url) as lab:
        assert sorted(key["KeyArn"] for key in lab.kms.list_keys()["Keys"]) == sorted(made)
        for key in made:
            cmk = lab.cmk(key)
            assert cmk.decrypt(cmk.encrypt(b"x")) == b"x"


def test_four_processes_that_start_at_once_on_a_new_file_all_live(
    url: str, workers: Workers
) -> None:
    start_at_once(url, workers)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_four_processes_that_start_at_once_all_live_again_and_again(
    tmp_path: Path, workers: Workers
) -> None:
    for number in range(20):
        start_at_once(f"sqlite:///{tmp_path / f'{number}.db'}", workers)


# ---------------------------------------------------------------------------------------- threads


@pytest.fixture(params=["memory", "file"])
def lab(request: pytest.FixtureRequest, url: str) -> Iterator[Lab]:
    with Lab(store=None if request.param == "memory" else url) as lab:
        yield lab


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """`act(0)` … `act(count - 1)`, each in a thread of its own, started at once."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_threads_that_change_one_key_lose_nothing(lab: Lab) -> None:
    cmk = lab.create_cmk()

    def act(number: int) -> None:
        for step in range(6):
            lab.kms.create_alias(AliasName=f"alias/{number}-{step}", TargetKeyId=cmk.arn)
            lab.kms.update_key_description(KeyId=cmk.arn, Description=f"{number}-{step}")
            cmk.decrypt(cmk.encrypt(b"x"))

    together(8, act)
    listed = lab.kms.list_aliases(KeyId=cmk.arn, Limit=100)["Aliases"]
    names = {alias["AliasName"] for alias in listed}
    assert names == {f"alias/{number}-{step}" for number in range(8) for step in range(6)}
    counts = Counter(event["eventName"] for event in lab.trail if "errorCode" not in event)
    for name in ("CreateAlias", "UpdateKeyDescription", "Encrypt", "Decrypt"):
        assert counts[name] == 48, name


def test_of_threads_that_change_one_key_one_wins(lab: Lab) -> None:
    keys = [lab.create_cmk() for _ in range(10)]

    def act(_: int) -> int:
        won = 0
        for cmk in keys:
            try:
                cmk.schedule_deletion()
                won += 1
            except KMSInvalidStateException:
                pass
        return won

    assert sum(together(6, act)) == 10


def test_disabled_key_refuses_every_thread_at_once(lab: Lab) -> None:
    """A read that began earlier must not put the enabled key back into the cache."""
    cmk = lab.create_cmk()
    late: list[int] = []

    def act(number: int) -> None:
        if number == 0:
            for _ in range(20):
                cmk.disable()
                try:
                    cmk.encrypt(b"x")
                    late.append(number)
                except DisabledException:
                    pass
                cmk.enable()
        else:
            for _ in range(60):
                with suppress(DisabledException):
                    cmk.encrypt(b"x")

    together(4, act)
    assert late == []
    cmk.encrypt(b"x")


def test_threads_settle_each_due_thing_once(lab: Lab) -> None:
    keys = [lab.create_cmk() for _ in range(30)]
    for cmk in keys:
        cmk.schedule_deletion(7)
    lab.clock.advance(days=8)
    together(6, lambda _: lab.kms.list_keys())
    deleted = Counter(e["resources"][0]["ARN"] for e in events_of(lab, "DeleteKey"))
    assert deleted == {cmk.arn: 1 for cmk in keys}


def test_threads_rotate_each_due_key_once(lab: Lab) -> None:
    keys = [lab.create_cmk() for _ in range(30)]
    for cmk in keys:
        cmk.enable_rotation(90)
    lab.clock.advance(days=91)
    together(6, lambda _: lab.kms.list_keys())
    rotated = Counter(e["resources"][0]["ARN"] for e in events_of(lab, "RotateKey"))
    assert rotated == {cmk.arn: 1 for cmk in keys}


def test_every_accepted_rotation_of_one_key_by_many_threads_happens(lab: Lab) -> None:
    """Each call is accepted, or refused because another rotation is in progress; 25 are allowed."""
    cmk = lab.create_cmk()

    def act(_: int) -> int:
        done = 0
        for _ in range(8):
            with suppress(ConflictException, LimitExceededException):
                cmk.rotate()
                done += 1
            lab.decrypt(cmk.encrypt(b"x"))
        return done

    done = sum(together(4, act))
    assert len(events_of(lab, "RotateKey")) == done
    for _ in range(done, 25):
        cmk.rotate()
    with pytest.raises(LimitExceededException):
        cmk.rotate()
    assert len(lab.kms.list_key_rotations(KeyId=cmk.arn)["Rotations"]) == 25


@pytest.mark.parametrize("where", ["memory", "file"])
def test_making_an_rsa_key_stops_no_other_call(url: str, where: str) -> None:
    """It may take seconds, and no lock and no transaction is held meanwhile."""
    library = HeldLibrary()
    with Lab(store=None if where == "memory" else url, backends=(library, pycryptodome)) as lab:
        cmk = lab.create_cmk()
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(lab.create_cmk, spec="RSA_2048", usage="SIGN_VERIFY")
            library.begun.wait()
            for number in range(5):
                cmk.tag({"round": str(number)})
                assert lab.decrypt(cmk.encrypt(b"x")) == b"x"
            assert not made.done()
            library.let_go()
        assert made.result().verify(b"x", made.result().sign(b"x"))


def test_first_calls_of_many_threads_agree_on_a_key(lab: Lab) -> None:
    """A Region's domain key is made with its first KMS key, by the first thread that makes one."""
    view = lab.region("eu-west-1")
    blobs = together(8, lambda _: view.create_cmk().encrypt(b"x"))
    assert [view.decrypt(blob) for blob in blobs] == [b"x"] * 8
