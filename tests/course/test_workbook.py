import json
from pathlib import Path
from unittest.mock import patch

import nbformat
import pytest

from kmslab.course.workbook import KERNEL, WorkbookError, lay_out, reset

CODE = {
    "cell_type": "code",
    "id": "demo",
    "metadata": {"tags": ["raises-exception"]},
    "execution_count": 1,
    "source": ["6 * 7"],
    "outputs": [{"output_type": "stream", "name": "stdout", "text": ["42"]}],
}
PROSE = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# 1 · 키 *key*"]}


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "README.md").write_text("# The course\n", encoding="utf-8")
    for name in ("01-a-key", "02-data-keys"):
        add_lesson(folder, name)
    return folder


@pytest.fixture
def own(tmp_path: Path, lessons: Path) -> Path:
    folder = tmp_path / "workbook"
    lay_out(folder, lessons)
    return folder


def add_lesson(folder: Path, name: str) -> None:
    notebook = {"cells": [PROSE, CODE], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_workbook_has_every_lesson_and_the_readme_and_nothing_else(own):
    assert names(own) == ["01-a-key.ipynb", "02-data-keys.ipynb", "README.md"]


def test_lessons_in_the_workbook_have_no_outputs(own):
    notebook = json.loads((own / "01-a-key.ipynb").read_text(encoding="utf-8"))
    assert notebook["cells"] == [PROSE, CODE | {"outputs": [], "execution_count": None}]


def test_a_lesson_is_what_jupyterlab_would_save_when_it_opens_it(own):
    """Else each lesson would look unsaved as soon as it is opened."""
    kernel = pytest.importorskip("ipykernel.ipkernel").IPythonKernel
    text = (own / "01-a-key.ipynb").read_text(encoding="utf-8")
    saved = nbformat.reads(text, as_version=4)
    assert nbformat.writes(saved) + "\n" == text
    assert saved.metadata.language_info == kernel.language_info
    spec = json.loads(KERNEL.read_text(encoding="utf-8"))
    assert saved.metadata.kernelspec == {
        "display_name": spec["display_name"],
        "language": spec["language"],
        "name": KERNEL.parent.name,
    }


def test_laying_out_again_keeps_what_the_learner_wrote(own, lessons):
    (own / "01-a-key.ipynb").write_text("mine", encoding="utf-8")
    assert lay_out(own, lessons) == []
    assert (own / "01-a-key.ipynb").read_text(encoding="utf-8") == "mine"


def test_a_new_lesson_is_added_beside_the_old_ones(own, lessons):
    add_lesson(lessons, "03-next")
    assert lay_out(own, lessons) == [own / "03-next.ipynb"]


@pytest.mark.parametrize("name", ["02", "2", " 2 ", "02-data-keys", "02-data-keys.ipynb"])
def test_reset_restores_one_lesson_and_keeps_the_learners(own, lessons, name):
    lesson = own / "02-data-keys.ipynb"
    fresh = lesson.read_bytes()
    lesson.write_text("mine", encoding="utf-8")
    kept = reset(own, name, lessons)
    assert kept == own / "02-data-keys.mine-1.ipynb"
    assert kept.read_text(encoding="utf-8") == "mine"
    assert lesson.read_bytes() == fresh


def test_a_second_reset_keeps_both_copies(own, lessons):
    for text in ("first", "second"):
        (own / "01-a-key.ipynb").write_text(text, encoding="utf-8")
        reset(own, "01", lessons)
    kept = [(own / f"01-a-key.mine-{n}.ipynb").read_text(encoding="utf-8") for n in (1, 2)]
    assert kept == ["first", "second"]


def test_resetting_an_untouched_lesson_keeps_no_copy(own, lessons):
    assert reset(own, "01", lessons) is None
    assert names(own) == ["01-a-key.ipynb", "02-data-keys.ipynb", "README.md"]


def test_reset_brings_back_a_deleted_lesson(own, lessons):
    (own / "01-a-key.ipynb").unlink()
    assert reset(own, "01", lessons) is None
    assert (own / "01-a-key.ipynb").exists()


@pytest.mark.parametrize("name", ["99", "", "0", "20", "../01", "key", "2-data-keys"])
def test_an_unknown_lesson_is_refused_with_a_list_of_all(own, lessons, name):
    with pytest.raises(WorkbookError, match=r"no lesson .*01-a-key, 02-data-keys"):
        reset(own, name, lessons)


def test_a_file_with_the_workbooks_name_is_a_clear_error(tmp_path, lessons):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(WorkbookError, match=r"can't be laid out .* there is a file of that name"):
        lay_out(tmp_path / "taken", lessons)


def test_a_folder_without_lessons_is_a_clear_error(tmp_path):
    with pytest.raises(WorkbookError, match="no lessons in"):
        lay_out(tmp_path / "workbook", tmp_path)


def test_a_failed_write_leaves_no_partial_lesson(tmp_path, lessons):
    add_lesson(lessons, "03-cut")
    (tmp_path / "workbook" / ".03-cut.ipynb.part").mkdir(parents=True)
    with pytest.raises(WorkbookError, match="can't be laid out"):
        lay_out(tmp_path / "workbook", lessons)
    assert not (tmp_path / "workbook" / "03-cut.ipynb").exists()


def test_a_folder_in_which_nobody_could_save_is_refused_even_if_all_is_there(own, lessons):
    with (
        patch("os.access", return_value=False),
        pytest.raises(WorkbookError, match="may not write"),
    ):
        lay_out(own, lessons)


def test_a_folder_without_write_permission_is_a_clear_error(tmp_path, lessons, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(
        WorkbookError, match=r"you may not write there\. To use another folder: .*kmslab lab"
    ):
        lay_out(tmp_path / "workbook", lessons)
