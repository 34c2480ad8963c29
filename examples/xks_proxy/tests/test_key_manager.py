"""The key manager by itself: what is sealed, who may read its file, what each error is called."""

import os
import stat

import pytest
from key_manager import DISABLED, ENABLED, KeyManagerError, main


def refused(name: str):
    return pytest.raises(KeyManagerError, check=lambda error: error.name == name)


def test_what_a_key_sealed_it_opens(keys):
    sealed = keys.encrypt("patients", b"card 4242", b"record 17")
    assert keys.decrypt("patients", sealed, b"record 17") == b"card 4242"


def test_another_key_and_another_binding_open_nothing(keys):
    keys.create("staff")
    sealed = keys.encrypt("patients", b"card 4242", b"record 17")
    for name, aad in (("staff", b"record 17"), ("patients", b"record 18")):
        with refused("InvalidCiphertextException"):
            keys.decrypt(name, sealed, aad)


def test_disabled_key_seals_and_opens_nothing_until_it_is_enabled(keys):
    sealed = keys.encrypt("patients", b"card 4242", b"")
    keys.set_status("patients", DISABLED)
    with refused("InvalidStateException"):
        keys.encrypt("patients", b"card 4242", b"")
    with refused("InvalidStateException"):
        keys.decrypt("patients", sealed, b"")
    keys.set_status("patients", ENABLED)
    assert keys.decrypt("patients", sealed, b"") == b"card 4242"


def test_what_a_deleted_key_sealed_is_lost_even_if_the_name_comes_back(keys):
    sealed = keys.encrypt("patients", b"card 4242", b"")
    keys.delete("patients")
    with refused("KeyNotFoundException"):
        keys.decrypt("patients", sealed, b"")
    keys.create("patients")
    with refused("InvalidCiphertextException"):
        keys.decrypt("patients", sealed, b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_owner_may_read_the_keys(keys):
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "a/b", "a" * 129, "patients"])
def test_a_name_that_kms_could_not_use_or_that_is_taken_is_refused(keys, name):
    with refused("ValidationException"):
        keys.create(name)


def test_the_command_does_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "other.json"))
    assert [main(["create", "staff"]), main(["disable", "staff"]), main(["list"])] == [0, 0, 0]
    assert capsys.readouterr().out == "staff DISABLED\n"
    assert [main(["enable", "gone"]), main(["brew"])] == [1, 2]
    assert "There is no key gone." in capsys.readouterr().err
