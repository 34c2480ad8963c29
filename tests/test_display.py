"""An error whose text says what to do needs no traceback, and a notebook must not show a path."""

import unicodedata
from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.display import PlainError, Table
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


@pytest.mark.parametrize(
    ("cell", "columns"),
    [
        ("record", 6),
        ("환자 하나", 9),
        (unicodedata.normalize("NFD", "환자 하나"), 9),  # as macOS writes the names of files
        ("cafe\u0301", 4),
        ("患者", 4),
        ("🔑 key", 6),
        ("✓ –", 3),
        ("", 0),
    ],
)
def test_rows_of_a_table_end_in_the_same_column_of_a_terminal(cell: str, columns: int) -> None:
    lines = str(Table(["a", "b"], [(cell, "|"), ("longer than any", "|")])).splitlines()
    assert lines[2] == cell + " " * (17 - columns) + "|"
    assert lines[1].split()[0] == "─" * 15


def test_column_is_as_wide_as_its_korean_heading() -> None:
    assert str(Table(["환자"], [("a",)])).splitlines()[1] == "────"
