"""An error whose text says what to do needs no traceback, and a notebook must not show a path."""

from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.display import PlainError
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.store import StoreError


def shown(error: PlainError) -> str:
    return "\n".join(error._render_traceback_())


def test_store_that_cannot_be_opened_shows_its_text_and_no_line_of_ours(tmp_path: Path) -> None:
    (tmp_path / "my.db").write_text("This is a letter, and no database. " * 200)
    with pytest.raises(StoreError) as caught:
        Lab(store=f"sqlite:///{tmp_path / 'my.db'}")
    text = shown(caught.value)
    assert text.startswith("\x1b[1mStoreError\x1b[0m: ")
    assert "line " not in text
    assert ".py" not in text


def test_missing_root_key_shows_what_to_do(tmp_path: Path) -> None:
    with Lab(store=f"sqlite:///{tmp_path / 'my.db'}") as lab:
        lab.create_cmk("orders")
    (tmp_path / "my.db.key").unlink()
    with pytest.raises(RootKeyError) as caught:
        Lab(store=f"sqlite:///{tmp_path / 'my.db'}")
    assert "put the file back" in shown(caught.value).replace("\n", " ")
