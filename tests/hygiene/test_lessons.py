import re
from pathlib import Path

import nbformat
import pytest

from scripts.notebooks import last_line, link_all, missing_failures, run, save
from tests.cases import for_every
from tests.hygiene.lessons import FAILS, FOLDER, LESSONS, PATHS, RULES, Lesson, calls

LESSON = pytest.mark.parametrize("lesson", LESSONS, ids=[path.stem for path in PATHS])


def test_there_are_lessons_and_each_has_a_number():
    assert len(PATHS) >= 2
    assert [path.name for path in PATHS if not re.match(r"\d\d-[a-z]", path.name)] == []


@LESSON
@for_every("name", RULES)
def test_lesson_keeps_the_rule(lesson, name):
    assert list(RULES[name](lesson)) == []


def test_contents_page_links_every_lesson():
    contents = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in PATHS if f"({path.name})" not in contents] == []


@LESSON
def test_last_line_is_the_one_that_the_script_writes(lesson):
    """After a new lesson, or a new title: scripts/notebooks.py --links."""
    assert lesson.notebook.cells[-1].source.splitlines()[-1] == last_line(lesson.path)


# ---------------------------------------------------------------------------------- run again


# nbval runs every lesson once; that a cell can be run again, the first lesson shows quickly.
AGAIN = pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(lesson, id=path.stem, marks=[pytest.mark.long] * (lesson.number != "00"))
        for lesson, path in zip(LESSONS, PATHS, strict=True)
    ],
)


@AGAIN
def test_every_cell_runs_twice_and_again_after_the_last_whatever_the_bet(lesson):
    twice = [again(cell, label) for cell in lesson.code for label in ("once", "twice")]
    after = [again(cell, "after") for cell in reversed(lesson.code)]
    bets = [cell for cell in lesson.code if calls(cell, "predict") or calls(cell, "reveal")]
    lost = [again(cell, letter) for letter in "ABC" for cell in bets]
    notebook = nbformat.v4.new_notebook(cells=[*twice, *after, *lost])
    run(notebook, FOLDER)
    assert missing_failures(notebook) == []


def again(cell: nbformat.NotebookNode, label: str) -> nbformat.NotebookNode:
    """The cell under another id; if `label` is a letter, it takes the place of `undecided`."""
    source = cell.source.replace("undecided)", f"{label})" if label in "ABC" else "undecided)")
    return nbformat.from_dict(cell | {"id": f"{cell.id}-{label}", "source": source})


# ------------------------------------------------------------------------- every rule works

TITLE = "# 1 · A key\n\nWords."
LAST = "[previous](00-start.ipynb) · [contents](README.md) · [next](02-next.ipynb)"
PNG = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "", "text/plain": ""}}
IMAGE = {**PNG, "data": {"text/html": '<img alt="" src="data:,">', "text/plain": "Picture: 1"}}
VAGUE = {**PNG, "data": {"text/html": '<img alt="Picture">', "text/plain": "Picture"}}
STDERR = {"output_type": "stream", "name": "stderr", "text": "Warning"}
ERROR = {"output_type": "error", "ename": "KMSError", "evalue": "no", "traceback": []}
LINE = {"output_type": "stream", "name": "stdout", "text": "no (self_test.py:144)"}


def broken(path: Path, kind: str, source: str, **cell) -> Lesson:
    """A lesson that keeps every rule except in one cell."""
    names = ("00-start.ipynb", "01-key.ipynb", "02-next.ipynb")
    made = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}[kind]
    cells = [
        nbformat.v4.new_markdown_cell(TITLE, id="title"),
        made(source, **({"id": "broken"} | cell)),
        nbformat.v4.new_markdown_cell(LAST, id="recap"),
    ]
    if kind == "code":
        cells[1].execution_count = cell.get("execution_count", 1)
    for name in names:
        neighbour = [nbformat.v4.new_markdown_cell(f"# {int(name[:2])} · {name[3:-6]}", id="title")]
        written = cells if name == names[1] else neighbour
        nbformat.write(nbformat.from_dict(nbformat.v4.new_notebook(cells=written)), path / name)
    return Lesson(path / names[1], names)


@pytest.mark.parametrize(
    ("name", "kind", "source", "cell"),
    [
        ("saved_by_the_script", "code", "1", {"metadata": {"collapsed": True}}),
        ("run_from_top_to_bottom", "code", "1", {"execution_count": 2}),
        ("named_cells", "code", "1", {"id": "2c41e9ab"}),
        ("named_cells", "code", "1", {"id": "deadbeef"}),
        ("known_tags", "code", "1", {"metadata": {"tags": ["nbval-skip"]}}),
        ("small_file", "markdown", "word " * 60_000, {}),
        ("no_local_paths", "markdown", "in `" + "/home" + "/me`", {}),
        ("no_local_paths", "markdown", "<Key at 0x7f>", {}),
        ("no_line_numbers_of_modules", "code", "1", {"outputs": [LINE]}),
        ("fails_only_where_tagged", "code", "1", {"outputs": [ERROR]}),
        ("fails_only_where_tagged", "code", "1", {"metadata": {"tags": [FAILS]}}),
        ("no_warnings", "code", "1", {"outputs": [STDERR]}),
        ("pictures_have_captions_with_numbers", "code", "1", {"outputs": [PNG]}),
        ("pictures_have_captions_with_numbers", "code", "1", {"outputs": [IMAGE]}),
        ("pictures_have_captions_with_numbers", "code", "1", {"outputs": [VAGUE]}),
        ("few_unchecked_outputs", "code", "1", {"metadata": {"tags": ["nbval-ignore-output"]}}),
        ("short_cells", "code", "1\n" * 7, {}),
        ("runs_on_every_system", "code", "!ls", {}),
        ("runs_on_every_system", "code", "%pip install kmslab", {}),
        ("no_path_separators", "code", "open('data/records.csv')", {}),
        ("no_path_separators", "code", r"open('data\\records.csv')", {}),
        ("no_silencing_semicolon", "code", "1;", {}),
        ("no_last_result", "code", "print(_)", {}),
        ("every_bet_is_open_and_revealed", "code", "predict('01-key', undecided)", {}),
        ("every_bet_is_open_and_revealed", "code", "predict('01-a', B); reveal('01-a')", {}),
        ("every_bet_is_open_and_revealed", "code", "predict('7-a', undecided); reveal('7-a')", {}),
        ("every_exercise_is_checked", "code", "1", {"metadata": {"tags": ["exercise:01-seal"]}}),
        ("one_title", "markdown", "# 2 · Another", {}),
        ("one_title", "markdown", "## 1. Numbered", {}),
        ("one_title", "markdown", "### Deep", {}),
        ("relative_links_resolve", "markdown", "[data](../data/README.md)", {}),
        ("five_questions_whose_answers_unfold", "markdown", "No question.", {}),
        ("korean_terms_are_those_of_aws", "markdown", "A *data key* (데이터키).", {}),
        (
            "korean_terms_are_those_of_aws",
            "markdown",
            "A data key is a *data key* (데이터 키).",
            {},
        ),
        ("korean_terms_are_those_of_aws", "markdown", "A *qubit* (큐비트).", {}),
    ],
)
def test_rule_complains_about_a_lesson_that_breaks_it(tmp_path, name, kind, source, cell):
    assert list(RULES[name](broken(tmp_path, kind, source, **cell)))


@pytest.mark.parametrize("last", ["The end.", LAST.replace("02-next", "03-next"), LAST[:-30]])
def test_rule_complains_about_a_last_line_without_the_right_links(tmp_path, last):
    lesson = broken(tmp_path, "markdown", "Words.")
    lesson.notebook.cells[-1].source = last
    assert list(RULES["last_line_links_previous_contents_and_next"](lesson))


def test_a_new_lesson_gets_its_links_and_is_linked_by_its_neighbours(tmp_path):
    before = broken(tmp_path, "markdown", "Words.").path
    new = nbformat.v4.new_markdown_cell("# 3 · A door: and its lock\n\nWords.", id="title")
    nbformat.write(nbformat.v4.new_notebook(cells=[new]), tmp_path / "03-door.ipynb")
    assert link_all(tmp_path) == sorted(path.name for path in tmp_path.iterdir())
    assert link_all(tmp_path) == []
    last = {
        path.name[:2]: nbformat.read(path, as_version=4).cells[-1].source.splitlines()[-1]
        for path in tmp_path.iterdir()
    }
    assert last["03"] == "[previous: next](02-next.ipynb) · [contents](README.md)"
    assert last["02"].endswith(" · [next: A door, and its lock](03-door.ipynb)")
    assert last["01"] == last_line(before)


QUESTION = "<details><summary>Why?</summary>\n\nBecause.\n\n</details>"


@pytest.mark.parametrize("last", [QUESTION * 2, QUESTION.replace("\n\n", "\n")])
def test_rule_complains_about_an_answer_that_does_not_unfold(tmp_path, last):
    lesson = broken(tmp_path, "markdown", "Words.")
    lesson.notebook.cells[1:1] = questions(4) + questions(1, last)
    assert list(RULES["five_questions_whose_answers_unfold"](lesson))


def questions(count: int, source: str = QUESTION) -> list[nbformat.NotebookNode]:
    return [nbformat.v4.new_markdown_cell(source, id=f"question-{n}") for n in range(count)]


@pytest.mark.parametrize("help_", ["", "hint('01-seal', 1)", "hint('00-thief', 0)"])
def test_rule_complains_about_a_check_without_a_hint_or_with_one_shown(tmp_path, help_):
    lesson = broken(tmp_path, "code", "1", metadata={"tags": ["exercise:01-seal"]})
    check = nbformat.v4.new_code_cell(f"check('01-seal')\n{help_}", id="check")
    lesson.notebook.cells.insert(2, check)
    assert list(RULES["every_exercise_is_checked"](lesson))


def test_no_rule_complains_about_a_good_lesson(tmp_path):
    good = "predict('01-key', undecided); reveal('01-key')  # alias/orders, then 1 / 2"
    lesson = broken(tmp_path, "code", good, id="bet-key")
    problem = save(lesson.path)
    assert "NameError" in problem  # a lesson that does not run is not saved
    lesson = broken(tmp_path, "code", "'alias/orders', 'sqlite:///my.db'", id="names")
    lesson.notebook.cells[1:1] = questions(5)
    nbformat.write(lesson.notebook, lesson.path)
    assert save(lesson.path) == ""
    assert [complaint for rule in RULES.values() for complaint in rule(lesson)] == []


def test_a_cell_that_should_fail_and_does_not_is_not_saved(tmp_path):
    lesson = broken(tmp_path, "code", "6 * 7", metadata={"tags": [FAILS]})
    before = lesson.path.read_bytes()
    assert "should fail and did not: broken" in save(lesson.path)
    assert lesson.path.read_bytes() == before
