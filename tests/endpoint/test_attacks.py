"""Every attack of `attacks.toml` gets what AWS answers, over a real socket, and changes nothing."""

import json
import re
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmslab import Lab
from kmslab.endpoint.server import Endpoint, running
from kmslab.kms.access import allow
from kmslab.kms.backing.access_keys import AccessKeyPair
from tests.cases import for_every
from tests.endpoint.signing import signed
from tests.endpoint.test_application import JSON, answer, connected, written

TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_name("attacks.toml").read_text("utf-8"))
TEXTS: dict[str, str] = TABLE.pop("texts")
ATTACKS = [(f"{part}: {name}", row) for part, rows in TABLE.items() for name, row in rows.items()]
VARIES = {
    "<stamp>": r"\d{8}T\d{6}Z",
    "<number>": r"\d+",
    "<hash>": r"[A-Za-z0-9+/]{43}=",
    "<any>": ".*",
}
CREATE_KEY = JSON | {"X-Amz-Target": "TrentService.CreateKey"}
BODY = b'{"Description": "a key"}'
OTHER = "444455556666"
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class World:
    """A lab on a socket, and what an attacker of it signs with, by the name of the attack."""

    lab: Lab
    endpoint: Endpoint
    pairs: dict[str, AccessKeyPair]

    def send(self, row: dict[str, Any]) -> bytes:
        """The bytes of an attack."""
        pair = self.pairs[row.get("key", "own")]
        given = {"key_id": pair.id, "secret": pair.secret.decode(), "token": pair.token or None}
        given |= row.get("signed", {})
        headers = CREATE_KEY | given.pop("headers", {})
        body = b"" if "presigned" in given else BODY  # botocore puts a body into the query
        sent = written(signed(body, **given | {"headers": headers}))
        later = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 1))
        values = {"own": self.pairs["own"].id, "later": later, "long": "a" * 20_000}
        values |= {"token": self.pairs["session"].token}
        for pattern, new in row.get("changed", ()):
            new = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], new)
            sent, count = re.subn(pattern.encode(), new.encode("latin-1"), sent, count=1)
            assert count == 1, f"there is no {pattern} to change"
        return sent


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Lab() as lab, running(lab) as endpoint:
        own, other = endpoint.access_key, lab.account(OTHER).access_key()
        builder = lab.role("builder", allow("kms:*"))
        session, second = builder.access_key(), builder.access_key()
        lab.iam.access_keys.put(lab.caller.principal, "AKIAREPLACED", "the first secret")
        lab.iam.access_keys.put(lab.caller.principal, "AKIAREPLACED", "the second secret")
        pairs = {
            "own": own,
            "other": other,
            "lower case": replace(own, id=own.id.lower()),
            "other id": replace(own, id=other.id),
            "other secret": replace(own, secret=other.secret),
            "own with token": replace(own, token=session.token),
            "session": session,
            "other token": replace(session, token=second.token),
            "replaced": AccessKeyPair("AKIAREPLACED", type(own.secret)(b"the first secret")),
            "deleted": lab.user("gone").access_key(),
            "expired": builder.access_key(),
        }
        gone, late = (lab.iam.access_keys.find(pairs[each].id) for each in ("deleted", "expired"))
        assert gone
        assert late
        past = datetime.now(UTC) - timedelta(seconds=1)
        lab._store.commit(put=[replace(late, expires=past)], remove=[gone])
        yield World(lab, endpoint, pairs)


@for_every("row", [row for _, row in ATTACKS], ids=[name for name, _ in ATTACKS])
def test_every_attack_gets_what_aws_answers_and_changes_nothing(
    world: World, row: dict[str, Any]
) -> None:
    events = len(world.lab.trail)
    with connected(world.endpoint) as link:
        link.sendall(world.send(row))
        status, _, body = answer(link)
        if row["gets"] == "nothing":
            assert status == 200, body
            assert row["because"]
            assert len(world.lab.trail) == events + 1
            return
        assert status == 400
        text = row.get("says", "")
        said, code = body.decode(), ""
        if row["gets"]:
            told = json.loads(body)
            code, said = told.pop("__type"), told.pop("message", "")
            assert not told, "an error has a type and a message"
        assert code == row["gets"], said
        assert re.fullmatch(_pattern(TEXTS.get(text, text)), said, re.DOTALL), said
        assert len(world.lab.trail) == events
        assert b"kms:" not in body
        if not row["gets"]:  # what came cannot be told apart, so nothing more is read
            with suppress(ConnectionError):
                assert link.recv(1) == b""


def _pattern(text: str) -> str:
    pattern = re.escape(text)
    for name, form in VARIES.items():
        pattern = pattern.replace(re.escape(name), form)
    return pattern


def test_every_text_of_the_table_is_used() -> None:
    used = {row.get("says") for _, row in ATTACKS}
    assert TEXTS.keys() <= used


def test_a_request_can_be_sent_again_while_its_signature_is_valid(world: World) -> None:
    """As on AWS: the signature says who asks for what, and not how often."""
    sent, before = world.send({}), len(world.lab.trail)
    answers = []
    for _ in range(2):
        with connected(world.endpoint) as link:
            link.sendall(sent)
            answers.append(answer(link))
    assert [status for status, _, _ in answers] == [200, 200]
    assert len(world.lab.trail) == before + 2
    made = {json.loads(body)["KeyMetadata"]["KeyId"] for _, _, body in answers}
    assert len(made) == 2


def test_a_connection_is_nobodys(world: World) -> None:
    """Each request is judged by its own signature, whatever came before it on the connection."""
    who = ["own", "other", "deleted", "session", "own", "replaced", "other"]
    with connected(world.endpoint) as link:
        told = []
        for each in who:
            link.sendall(world.send({"key": each}))
            status, _, body = answer(link)
            told.append(json.loads(body).get("KeyMetadata", {}).get("AWSAccountId", status))
    own = world.lab.caller.account
    assert told == [own, OTHER, 400, own, own, 400, OTHER]


def test_a_refused_request_hides_no_second_one(world: World) -> None:
    """What follows a head that could be read in two ways is not read as a request."""
    second, before = world.send({}), len(world.lab.trail)
    for row in TABLE["smuggling"].values():
        with connected(world.endpoint) as link:
            link.sendall(world.send(row) + b"0\r\n\r\n" + second)
            got = b""
            with suppress(ConnectionError):
                got = b"".join(iter(lambda: link.recv(65_536), b""))
        assert got.count(b"HTTP/1.1 ") <= 1
    assert len(world.lab.trail) == before
