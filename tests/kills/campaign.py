"""Kills `kmslab serve` again and again under load, and says what became of what it acknowledged.

By hand: `python -m tests.kills.campaign 1000`, and `--postgresql` for a store at a server, which is
stopped at once now and then as well. The exit code is 0 if nothing was lost.
"""

import argparse
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kmslab import Lab
from kmslab.kms.contract.events import Event
from kmslab.kms.contract.records import Alias, Grant, Key, Material
from tests.kills.client import ID, SECRET, Client
from tests.kills.ledger import Ledger, check, use
from tests.kills.load import Worker
from tests.postgresql import IMMEDIATE, PostgreSql
from tests.small_disk import SmallDisk

WORKERS = 4
PATIENCE = 10  # seconds that so many answers may take
UNKNOWN = {"AliasName": "alias/x", "TargetKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}
ROOT = Path(__file__).parents[2]
LOST = 1.0  # seconds: an event of a call that changes nothing may be written so late
LATE = 0.3  # seconds more, since the writing takes a moment too, and the answer's way


@dataclass
class Report:
    kills: int = 0
    stops: int = 0  # of the database's server, or of a disk that takes more
    changes: int = 0  # acknowledged
    others: int = 0  # acknowledged calls that change nothing
    resumed: float = 0.0  # seconds from the store's return to kmslab's first answer, at most
    unanswered: int = 0
    refused: int = 0  # while the store was away
    adopted: int = 0
    keys: int = 0
    opened: int = 0  # ciphertexts and data keys
    lost: list[str] = field(default_factory=list)  # changes without their event, and what is worse
    late: int = 0  # events of calls that change nothing, which were not written any more
    latest: float = 0.0  # seconds from the earliest answer whose event was lost to the kill
    seconds: float = 0.0
    cpu: float = 0.0

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.kills} kills of kmslab, and its store was away {self.stops} times, in "
                f"{self.seconds:.0f} s ({self.cpu:.0f} s of CPU)",
                f"{self.changes} acknowledged changes, {len(self.lost)} lost",
                f"{self.others} acknowledged calls that change nothing, {self.late} of their "
                f"events lost, the oldest {self.latest:.2f} s before the kill",
                f"{self.unanswered} calls without an answer; {self.adopted} had made a key, all "
                "of them whole",
                f"{self.refused} calls refused while the store was away; kmslab went on at most "
                f"{self.resumed:.2f} s after it was back",
                f"{self.keys} keys used and {self.opened} ciphertexts opened at the end",
                *self.lost,
            ]
        )


class Zygote:
    """The process that forks servers: see `zygote.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def start(self, log: Path, arguments: list[str]) -> int:
        """Returns the number of the new process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(log), *arguments]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


class Campaign:
    """One store, and the servers that live and die on it, one after the other."""

    def __init__(self, zygote: "Zygote", folder: Path, url: str) -> None:
        self.report = Report()
        self._folder, self._url = folder, url
        self._root_key = folder / "root.key"
        self._log = folder / "server.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._ledger = Ledger()
        self._workers = [Worker(str(n), self._ledger, self._port) for n in range(WORKERS)]
        self._ends: dict[int, float] = {}  # by life: when it was killed
        self._server = 0  # the process
        self._zygote = zygote

    # --------------------------------------------------------------------------- lives and deaths

    def start(self) -> None:
        store = ["--store", self._url, "--root-key", str(self._root_key)]
        access_key = ["--access-key", f"{ID}:{SECRET}"]
        arguments = ["--port", str(self._port), *store, *access_key]
        self._server = self._zygote.start(self._log, arguments)

    def wait_until_ready(self) -> None:
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._port)).close()
            except ConnectionRefusedError:
                assert _lives(self._server), self._log.read_text()
                time.sleep(0.005)

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self._server, how)
        while _lives(self._server):
            time.sleep(0.002)

    def kill(self) -> None:
        self._ends[self.report.kills] = time.monotonic()
        self.end()
        self.report.kills += 1

    def check(self) -> None:
        client = Client(self._port)
        check(self._ledger, client)
        client.close()

    @contextmanager
    def load(self, changes: bool = True) -> Iterator[None]:
        """Within, the workers ask. They stop when the server does not answer, or at the end."""
        over = threading.Event()
        for worker in self._workers:
            worker.changes = changes
        with ThreadPoolExecutor(WORKERS) as pool:
            running = [pool.submit(each.run, self.report.kills, over) for each in self._workers]
            try:
                yield
            finally:
                over.set()
            for each in running:
                each.result()

    def killed_at_start(self, seconds: float) -> None:
        """A life that ends before it serves, or when it has just begun to."""
        self.start()
        time.sleep(seconds)
        self.kill()

    def killed_under_load(self, answers: int) -> None:
        """At any moment after so many answers, however fast the machine is."""
        self.start()
        self.wait_until_ready()
        self.check()
        wanted, until = len(self._ledger.entries) + answers, time.monotonic() + PATIENCE
        with self.load():
            while len(self._ledger.entries) < wanted and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.005))
            self.kill()

    def killed_while_events_wait(self, seconds: float) -> None:
        """Nothing changes, so events wait until their writer's time has come."""
        self.start()
        self.wait_until_ready()
        self.check()
        with self.load(changes=False):
            time.sleep(seconds)
            self.kill()

    def without_store_under_load(
        self, seconds: float, take_away: Callable[[], object], bring_back: Callable[[], object]
    ) -> None:
        """The store cannot be used for a while. kmslab lives, and goes on by itself."""
        self.start()
        self.wait_until_ready()
        self.check()
        with self.load():
            time.sleep(seconds)
            take_away()
            self.report.stops += 1
            time.sleep(seconds / 2)
            bring_back()
            self._resumed()
            time.sleep(seconds)
        self.check()
        self.end(signal.SIGTERM)

    def _resumed(self) -> None:
        """Wait until kmslab answers again, and note how long that takes."""
        began = time.monotonic()
        client = Client(self._port)
        while client.call("CreateAlias", **UNKNOWN).status >= 500:
            time.sleep(0.005)
        client.close()
        self.report.resumed = max(self.report.resumed, time.monotonic() - began)

    # ---------------------------------------------------------------------------------- the end

    def finish(self, is_whole: Callable[[], str]) -> Report:
        """A last life in which everything is looked at. `is_whole`: "ok", if the database is."""
        self.start()
        self.wait_until_ready()
        self.check()
        self.end(signal.SIGTERM)
        self._look_at_everything()
        if (found := is_whole()) != "ok":
            self.report.lost.append(f"the database is not whole: {found}")
        ledger, report = self._ledger, self.report
        report.unanswered, report.refused = ledger.unanswered, ledger.refused
        report.adopted, report.keys = ledger.adopted, len(ledger.keys)
        return report

    def _look_at_everything(self) -> None:
        with Lab(self._url, root_key=self._root_key) as lab:
            self._open_everything(lab)
            self._find_orphans(lab)
            self._find_events(lab._store.events())

    def _open_everything(self, lab: Lab) -> None:
        """Every ciphertext, by keys that are made usable, and every key once."""
        for key in self._ledger.keys.values():
            if key.facts["state"] == "PendingDeletion":
                lab.kms.cancel_key_deletion(KeyId=key.id)
            if key.facts["state"] in ("PendingDeletion", "Disabled"):
                lab.kms.enable_key(KeyId=key.id)
        client = InProcess(lab)
        for each in self._ledger.sealed:
            answer = client.call(
                "Decrypt", CiphertextBlob=each.blob, EncryptionContext=each.context
            )
            if answer.get("Plaintext") == each.plaintext:
                self.report.opened += 1
            elif answer.get("__type") != "KMSInvalidStateException":  # its material was deleted
                self.report.lost.append(f"{each} does not open: {answer}")
        for key in self._ledger.keys:
            use(client, key)  # type: ignore[arg-type]

    def _find_orphans(self, lab: Lab) -> None:
        store = lab._store
        keys = {key.arn: key for key in store.all(Key)}
        materials = store.all(Material)
        owners = [each.key for each in materials] + [each.key for each in store.all(Grant)]
        owners += [each.target for each in store.all(Alias)]
        self.report.lost += [f"{arn} has parts, and is not there" for arn in {*owners} - {*keys}]
        of_keys = {(each.key, each.id) for each in materials}
        for key in keys.values():
            if key.material and (key.arn, key.material) not in of_keys:
                self.report.lost.append(f"{key.arn} has no material")

    def _find_events(self, events: list[Event]) -> None:
        report = self.report
        stored = Counter(event.request_id for event in events)
        report.lost += [
            f"the event of {name} is there twice" for name, n in stored.items() if n > 1
        ]
        for entry in self._ledger.entries:
            report.changes += entry.changes
            report.others += not entry.changes
            if entry.request_id in stored:
                continue
            before = self._ends.get(entry.life, entry.at) - entry.at
            if entry.changes or before > LOST + LATE:
                report.lost.append(f"{entry}, {before:.2f} s before the kill, has no event")
            else:
                report.late += 1
                report.latest = max(report.latest, before)
        created = Counter(
            event.resources[0].rpartition("/")[2]
            for event in events
            if event.operation == "CreateKey" and not event.error_code
        )
        if created != dict.fromkeys(self._ledger.keys, 1):
            report.lost.append(f"keys and their CreateKey differ: {created}")
        rotated = Counter(
            e.resources[0].rpartition("/")[2] for e in events if e.operation == "RotateKey"
        )
        expected = {
            key.id: n for key in self._ledger.keys.values() if (n := key.facts["rotations"])
        }
        if rotated != expected:
            report.lost.append(f"rotations and their events differ: {rotated}, {expected}")

    def close(self) -> None:
        if self._server and _lives(self._server):
            self.end()


class InProcess:
    """Asks a lab in this process as `Client` asks a server."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def call(self, operation: str, **members: object) -> dict[str, object]:
        from kmslab.kms import wire

        body = json.dumps(members).encode()
        target = wire.PREFIX + operation
        answer = wire.handle(self._lab.service, self._lab.caller, target, body)
        return dict(json.loads(answer.body or b"{}"))

    def ask(self, operation: str, **members: object) -> dict[str, object]:
        answer = self.call(operation, **members)
        assert "__type" not in answer, (operation, members, answer)
        return answer


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _cpu() -> float:
    """Of this process and its ended children."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def kills(campaign: Campaign, count: int) -> None:
    """Every fourth life ends at its start. Every twentieth only encrypts: its events wait."""
    for number in range(count):
        if number % 4 == 0:
            campaign.killed_at_start(random.uniform(0, 0.15))
        elif number % 20 == 9:
            campaign.killed_while_events_wait(random.uniform(0, 1))
        else:
            campaign.killed_under_load(random.randrange(60))


def new_stores(folder: Path, urls: list[str], longest: float = 0.15) -> None:
    """Kill a server while it makes its store. The next one finds no store, or a whole one."""
    with Zygote() as zygote:
        for number, url in enumerate(urls):
            place = folder / str(number)
            place.mkdir()
            Campaign(zygote, place, url).killed_at_start(longest * number / len(urls))
            with Lab(url, root_key=place / "root.key") as lab:
                key = lab.create_cmk()
                assert key.decrypt(key.encrypt(b"x")) == b"x"


def sqlite_is_whole(path: Path) -> str:
    import sqlite3

    with sqlite3.connect(path) as raw:
        found = raw.execute("PRAGMA integrity_check").fetchone()[0]
    raw.close()
    return str(found)


def _report(
    folder: Path, url: str, run: Callable[[Campaign], None], is_whole: Callable[[], str]
) -> Report:
    began, cpu = time.monotonic(), _cpu()
    with Zygote() as zygote:
        campaign = Campaign(zygote, folder, url)
        try:
            run(campaign)
            report = campaign.finish(is_whole)
        finally:
            campaign.close()
    report.seconds, report.cpu = time.monotonic() - began, _cpu() - cpu
    return report


def on_sqlite(count: int, folder: Path) -> Report:
    path = folder / "my.db"
    run, is_whole = partial(kills, count=count), partial(sqlite_is_whole, path)
    return _report(folder, f"sqlite:///{path}", run, is_whole)


def on_full_disk(count: int, disk: SmallDisk, folder: Path) -> Report:
    """The disk of the store's file is full for a while, again and again."""
    path = disk.folder / "my.db"

    def run(campaign: Campaign) -> None:
        for _ in range(count):
            campaign.without_store_under_load(random.uniform(0.1, 0.3), disk.fill, disk.empty)

    return _report(folder, f"sqlite:///{path}", run, partial(sqlite_is_whole, path))


def postgresql_is_whole(url: str) -> str:
    """PostgreSQL's own check of every index against its table."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        raw.execute(
            "SELECT bt_index_check(oid, true) FROM pg_class "
            "WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace"
        )
    return "ok"


def on_postgresql(count: int, stops: int, folder: Path, server: PostgreSql) -> Report:
    def run(campaign: Campaign) -> None:
        kills(campaign, count)
        for _ in range(stops):
            stop = partial(server.stop, IMMEDIATE)
            campaign.without_store_under_load(random.uniform(0.05, 0.3), stop, server.start)

    url = server.new()
    return _report(folder, url, run, partial(postgresql_is_whole, url))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to leave the store and the log")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        if chosen.postgresql:
            server = PostgreSql()
            try:
                report = on_postgresql(
                    chosen.count, chosen.count // 4, Path(folder), server.start()
                )
            finally:
                server.remove()
        else:
            report = on_sqlite(chosen.count, folder)
    print(report)  # noqa: T201
    return bool(report.lost)


if __name__ == "__main__":
    sys.exit(main())
