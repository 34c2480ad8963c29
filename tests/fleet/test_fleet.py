"""Several servers on one PostgreSQL: one may die, the database may restart, and nothing is lost."""

import os
import signal
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from kmslab import Lab
from tests.fleet.fleet import RETRY, Fleet, client
from tests.kills.ledger import policy_of
from tests.postgresql import FAST, IMMEDIATE, PostgreSql

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="servers are forked, to start fast"),
]
SOON = 1.0  # seconds until a change holds at every server


@pytest.fixture
def url(postgresql: PostgreSql) -> str:
    return postgresql.new()


def expect_nothing_lost(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    lost = fleet.lost()
    with capsys.disabled():
        print(f"\n{fleet}")  # noqa: T201
    assert lost == []
    assert all(caller.changes and caller.sealed for caller in fleet.callers)


def test_killed_server_costs_callers_a_retry_and_no_error(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Fleet(tmp_path, url) as fleet:
        with fleet.load():
            for server in fleet.servers:
                time.sleep(0.6)
                server.kill()
                time.sleep(0.6)
                server.start()
            time.sleep(0.6)
        assert fleet.errors_outside() == []
        expect_nothing_lost(fleet, capsys)


@pytest.mark.parametrize("how", [FAST, IMMEDIATE])
def test_restarted_database_costs_errors_only_while_it_is_away(
    tmp_path: Path,
    postgresql: PostgreSql,
    url: str,
    how: signal.Signals,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The window: from the stop to the first connection that it accepts, and one retry more."""
    with Fleet(tmp_path, url) as fleet:
        with fleet.load():
            time.sleep(1)
            stopped = time.monotonic()
            postgresql.stop(how)
            postgresql.start()
            back = time.monotonic()
            time.sleep(RETRY + 1)
        assert fleet.errors_outside((stopped, back + RETRY)) == []
        expect_nothing_lost(fleet, capsys)


def refused(kms: Any, key: str) -> str:
    """The error's code; "" if the key encrypts."""
    try:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    except kms.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_change_through_one_server_holds_at_the_other_within_a_second(
    tmp_path: Path, url: str
) -> None:
    with Lab(url, root_key=tmp_path / "root.key") as lab:
        jiho = lab.user("jiho").caller.principal
        pair = lab.iam.access_keys.of(jiho)
    with Fleet(tmp_path, url) as fleet, ExitStack() as clients:

        def at(server: int, *key: tuple[str, str]) -> Any:
            return clients.enter_context(closing(client(fleet.servers[server].url, *key)))

        a, b, as_jiho = at(0), at(1), at(1, (pair.id, pair.secret.decode()))
        off, gone, lent, barred = (a.create_key()["KeyMetadata"]["KeyId"] for _ in range(4))
        lent_arn = a.describe_key(KeyId=lent)["KeyMetadata"]["Arn"]
        grant = a.create_grant(KeyId=lent, GranteePrincipal=jiho, Operations=["Encrypt"])
        time.sleep(SOON)
        assert [refused(b, key) for key in (off, gone, barred)] == ["", "", ""]
        assert refused(as_jiho, lent_arn) == ""
        a.disable_key(KeyId=off)
        a.schedule_key_deletion(KeyId=gone)
        a.revoke_grant(KeyId=lent, GrantId=grant["GrantId"])
        policy = policy_of("x").replace('"kms:*"', '"kms:PutKeyPolicy"')
        a.put_key_policy(KeyId=barred, Policy=policy)
        time.sleep(SOON)
        assert refused(b, off) == "DisabledException"
        assert refused(b, gone) == "KMSInvalidStateException"
        assert refused(b, barred) == "AccessDeniedException"
        assert refused(as_jiho, lent_arn) == "AccessDeniedException"
