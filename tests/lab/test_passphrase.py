"""A root key that is made from a passphrase: it is in no file, and a wrong one opens nothing."""

import json
import unicodedata
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kmslab import Lab, Passphrase
from kmslab.crypto import argon2
from kmslab.crypto.self_test import SelfTestFailed
from kmslab.kms.backing.passphrase import RECOMMENDED
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.backing.root_record import NAME
from kmslab.kms.backing.startup import PassphraseNeeded
from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Damaged

SMALLEST = (1, 1, 8)  # the least that RFC 9106 allows
passphrase = partial(Passphrase, cost_for_tests=SMALLEST)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'my.db'}"


@pytest.fixture
def blob(url: str) -> bytes:
    """A ciphertext of a store whose passphrase is "correct horse"."""
    with Lab(url, root_key=passphrase("correct horse")) as lab:
        return lab.create_cmk("orders").encrypt(b"x")


def record(url: str, **changes: Any) -> None:
    """Change the record of the root key, as nothing in kmslab does."""
    from kmslab.kms.store import open_store

    store = open_store(url)
    setting = store.get(Setting, NAME)
    assert setting is not None
    value = json.loads(setting.value)
    value["argon2id"] |= changes
    store.commit(put=[Setting(name=NAME, value=json.dumps(value), version=setting.version)])
    store.close()


def test_store_opens_with_its_passphrase_and_has_no_key_file(
    url: str, blob: bytes, tmp_path: Path
) -> None:
    with Lab(url, root_key=passphrase("correct horse")) as lab:
        assert lab.decrypt(blob) == b"x"
        assert lab.user("alice").access_key().secret
    assert {path.name for path in tmp_path.iterdir()} <= {"my.db", "my.db-wal", "my.db-shm"}


@pytest.mark.parametrize("wrong", ["correct horse ", "Correct horse", "x" * 10_000, "\0"])
def test_wrong_passphrase_is_an_error_before_anything_is_served(
    url: str, blob: bytes, wrong: str
) -> None:
    with pytest.raises(
        RootKeyError, match=r"^That is not the passphrase of this store\.$"
    ) as caught:
        Lab(url, root_key=passphrase(wrong))
    assert caught.value.__cause__ is None


def test_wrong_passphrase_is_an_error_before_the_first_key(url: str) -> None:
    Lab(url, root_key=passphrase("right")).close()
    with pytest.raises(RootKeyError, match="not the passphrase"):
        Lab(url, root_key=passphrase("wrong"))


@pytest.mark.parametrize("given", [None, "other.key"])
def test_passphrase_that_is_not_given_is_asked_for(
    url: str, blob: bytes, tmp_path: Path, given: str | None
) -> None:
    with pytest.raises(PassphraseNeeded, match="is made from a passphrase"):
        Lab(url, root_key=given and tmp_path / given)
    assert not list(tmp_path.glob("*.key"))


def test_passphrase_for_a_store_with_a_key_file_is_refused(url: str, tmp_path: Path) -> None:
    with Lab(url) as lab:
        blob = lab.create_cmk().encrypt(b"x")
    with pytest.raises(RootKeyError, match="root key is in a file"):
        Lab(url, root_key=passphrase("x"))
    with Lab(url) as lab:
        assert lab.decrypt(blob) == b"x"


def test_each_keyboard_writes_a_letter_its_own_way(url: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é 열쇠") for form in ("NFC", "NFD"))
    assert composed != decomposed
    Lab(url, root_key=passphrase(composed)).close()
    Lab(url, root_key=passphrase(decomposed)).close()


def test_empty_passphrase_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        Passphrase("")


def test_passphrase_and_root_key_are_in_no_text_and_not_in_the_store(
    url: str, blob: bytes, tmp_path: Path
) -> None:
    given = passphrase("correct horse")
    with Lab(url, root_key=given) as lab:
        kept = lab._store.get(Setting, NAME)
        assert kept is not None
        root = bytes(lab.service.backings["AWS_KMS"].domain_keys._root_key)  # type: ignore[index]
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (b"correct horse", root, root.hex().encode(), b64encode(root)):
        assert secret not in content
    assert {repr(given), str(given), f"{given}"} == {"<Passphrase>"}
    assert set(json.loads(kept.value)) == {"check", "argon2id"}


def test_two_stores_with_one_passphrase_have_different_root_keys(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        with Lab(f"sqlite:///{tmp_path / name}", root_key=passphrase("same")) as lab:
            keys.add(bytes(lab.service.backings["AWS_KMS"].domain_keys._root_key))  # type: ignore[index]
    assert len(keys) == 2


def test_of_threads_that_open_a_new_store_together_all_have_one_root_key(url: str) -> None:
    Lab(url.replace("my.db", "other.db")).close()
    with ThreadPoolExecutor(6) as pool:
        opened = [pool.submit(Lab, url, root_key=passphrase("same")) for _ in range(6)]
        labs = [each.result() for each in opened]
    blob = labs[0].create_cmk("orders").encrypt(b"x")
    assert [lab.decrypt(blob) for lab in labs] == [b"x"] * 6
    for lab in labs:
        lab.close()


# ------------------------------------------------------------------------------- what it costs


def test_programs_pay_what_rfc_9106_recommends(url: str, blob: bytes) -> None:
    made = Passphrase("x").new()
    assert (made.iterations, made.lanes, made.memory) == RECOMMENDED == (3, 4, 65_536)
    assert len(made.salt) == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"memory": 2**40},
        {"memory": 0},
        {"memory": 7},
        {"iterations": 10**9},
        {"iterations": -1},
        {"lanes": 1.0},
        {"lanes": "x"},
        {"lanes": None},
        {"salt": ""},
        {"salt": "AAAA"},
        {"salt": 7},
        {"more": 1},
    ],
    ids=str,
)
def test_impossible_costs_in_a_damaged_store_are_one_clear_error(
    url: str, blob: bytes, changes: dict[str, Any]
) -> None:
    record(url, **changes)
    with pytest.raises(Damaged, match="record of its root key cannot be read"):
        Lab(url, root_key=passphrase("correct horse"))


@pytest.mark.parametrize("changes", [{"memory": 16}, {"iterations": 2}, {"salt": "A" * 24}])
def test_other_costs_or_salts_make_another_key(url: str, blob: bytes, changes: Any) -> None:
    record(url, **changes)
    with pytest.raises(RootKeyError, match="not the passphrase"):
        Lab(url, root_key=passphrase("correct horse"))


DAMAGES: dict[str, Any] = {
    "check": lambda value: {**value, "check": "AAAA" + value["check"][4:]},
    "no check": lambda value: {name: it for name, it in value.items() if name != "check"},
    "not an object": lambda value: [],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_record_of_a_key_in_a_file_takes_nothing_with_it(
    url: str, tmp_path: Path, damage: Any
) -> None:
    with Lab(url) as lab:
        blob = lab.create_cmk().encrypt(b"x")
        setting = lab._store.get(Setting, NAME)
        assert setting is not None
        lab._store.commit(
            put=[replace(setting, value=json.dumps(damage(json.loads(setting.value))))]
        )
    with Lab(url) as lab:
        assert lab.decrypt(blob) == b"x"
        assert lab.region("eu-west-1").create_cmk().encrypt(b"x")
        lab.backup(tmp_path / "my.backup")
    (tmp_path / "my.db.key").write_text("00" * 32)
    with pytest.raises(RootKeyError, match="is not the one"):
        Lab(url)


def test_damaged_check_takes_no_passphrase_with_it(url: str, blob: bytes, tmp_path: Path) -> None:
    with Lab(url, root_key=passphrase("correct horse")) as lab:
        setting = lab._store.get(Setting, NAME)
        assert setting is not None
        value = DAMAGES["check"](json.loads(setting.value))
        lab._store.commit(put=[replace(setting, value=json.dumps(value))])
    with pytest.raises(RootKeyError, match="not the passphrase"):
        Lab(url, root_key=passphrase("wrong"))
    for _ in range(2):
        with Lab(url, root_key=passphrase("correct horse")) as lab:
            assert lab.decrypt(blob) == b"x"
            lab.backup(tmp_path / "my.backup", overwrite=True)


def test_wrong_algorithm_fails_its_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2d

    argon2._self_test.cache_clear()
    monkeypatch.setattr(argon2, "Argon2id", Argon2d)
    with pytest.raises(SelfTestFailed):
        argon2.argon2id(b"x", b"s" * 16, 1, 1, 8)
    argon2._self_test.cache_clear()
