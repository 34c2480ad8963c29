"""Access keys are stored sealed, bound to their principals, and found again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.kms.contract.records import AccessKey
from kmslab.kms.store import Damaged
from tests.waiting import until

ROOT = "arn:aws:iam::111122223333:root"


def record(lab: Lab, key_id: str) -> AccessKey:
    found = lab.iam.access_keys.find(key_id)
    assert found is not None
    return found


def test_a_user_keeps_his_access_key(lab: Lab) -> None:
    pair = lab.user("alice").access_key()
    assert lab.user("alice").region("eu-west-1").access_key() == pair
    assert lab.user("bob").access_key().id != pair.id
    assert (pair.id[:4], len(pair.id), len(pair.secret), pair.token) == ("AKIA", 20, 40, "")
    assert record(lab, pair.id).principal == "arn:aws:iam::111122223333:user/alice"


def test_a_roles_session_gets_a_new_one_with_a_token(lab: Lab) -> None:
    role = lab.role("clerk", session="one")
    pairs = [role.access_key() for _ in range(2)]
    assert pairs[0].id != pairs[1].id
    assert all(pair.id.startswith("ASIA") and pair.token for pair in pairs)
    assert record(lab, pairs[0].id).expires is not None


def test_showing_a_pair_shows_no_secret(lab: Lab) -> None:
    pair = lab.role("clerk").access_key()
    for shown in (repr(pair), f"{pair}", str(pair.secret), repr(record(lab, pair.id))):
        assert pair.secret.decode() not in shown
    assert pair.token not in repr(pair)


def test_a_sealed_secret_opens_for_its_own_key_and_principal_only(lab: Lab) -> None:
    keys = lab.iam.access_keys
    pair, other = lab.user("alice").access_key(), lab.user("mallory").access_key()
    mine = record(lab, pair.id)
    assert keys.secret(mine) == pair.secret
    for swapped in (
        replace(mine, principal=ROOT),
        replace(mine, id=other.id),
        replace(mine, sealed=record(lab, other.id).sealed),
        replace(mine, sealed=mine.sealed[:-1] + bytes([mine.sealed[-1] ^ 1])),
    ):
        with pytest.raises(Damaged):
            keys.secret(swapped)


def test_a_chosen_secret_is_replaced(lab: Lab) -> None:
    keys = lab.iam.access_keys
    keys.put(ROOT, "test", "one")
    version = record(lab, "test").version
    assert keys.put(ROOT, "test", "one").secret == b"one"
    assert record(lab, "test").version == version
    keys.put(ROOT, "test", "two")
    assert keys.secret(record(lab, "test")) == b"two"


@pytest.mark.parametrize("key_id", ["", "a b", "a/b", "a,b", "a=b", "é", "x" * 129])
def test_an_id_that_no_header_could_carry_is_refused(lab: Lab, key_id: str) -> None:
    with pytest.raises(ValueError, match="not an access key id"):
        lab.iam.access_keys.put(ROOT, key_id, "secret")


def test_the_same_access_key_put_by_many_at_once_is_one(lab: Lab) -> None:
    keys = lab.iam.access_keys
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: keys.put(ROOT, "test", f"secret {number % 2}"), range(24)))
    assert bytes(keys.secret(record(lab, "test"))) in (b"secret 0", b"secret 1")


def test_a_reopened_lab_knows_its_access_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lab.db'}"
    with Lab(store=url) as lab:
        pairs = [lab.access_key(), lab.user("alice").access_key()]
    with Lab(store=url) as lab:
        assert [lab.access_key(), lab.user("alice").access_key()] == pairs


def test_a_secret_that_another_process_replaced_counts_soon(tmp_path: Path) -> None:
    """Even without a call in between: a client with the new secret cannot make one before."""
    url = f"sqlite:///{tmp_path / 'lab.db'}"
    with Lab(store=url) as here, Lab(store=url) as there:
        keys = here.iam.access_keys
        keys.put(ROOT, "AKIDCHOSEN", "old")
        assert keys.secret(record(here, "AKIDCHOSEN")) == b"old"
        there.iam.access_keys.put(ROOT, "AKIDCHOSEN", "new")
        until(lambda: keys.secret(record(here, "AKIDCHOSEN")) == b"new")
