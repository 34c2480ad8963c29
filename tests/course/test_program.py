"""What has passed a check is kept in the learner's own program, and lessons use it."""

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from kmslab import Lab, course
from kmslab.course import workbook
from kmslab.course.exercises import EXERCISES
from kmslab.course.exercises.answers import Wrong
from kmslab.course.program import passed
from kmslab.course.program.courses import by_exercise, by_name
from kmslab.course.program.sections import sections
from kmslab.endpoint.server import running
from scripts.notebooks import run
from tests.cases import for_every
from tests.course.notebook import Notebook, open_notebook
from tests.hygiene.lessons import LESSONS, syntax, tags

THIEF = """\
def thief(files):
    return unlock(files["R-017.sealed"], files["key.bin"])
"""
SEAL = """\
def seal_record(key, record):
    return key.encrypt(record)

def open_record(key, blob):
    return key.decrypt(blob)
"""
VERSIONS = """\
from clinic_program import seal_file, unseal_file

def save_version(key, name, version, data):
    return seal_file(key, name + "{0}" + version, data)

def load_version(key, name, version, sealed):
    return unseal_file(key, name + "{0}" + version, sealed)
"""
FIRST = """\
from kmslab import course
from kmslab.course import check, unlock
lab, clinic = course.clinic(until="{}")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The learner's workbook, as `kmslab lab` tells a kernel."""
    folder = tmp_path / "workbook"
    folder.mkdir()
    monkeypatch.setenv(workbook.WORKBOOK_VARIABLE, str(folder))
    return folder


@pytest.fixture
def program(own: Path) -> Path:
    return own / "clinic_program.py"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Notebook]:
    with open_notebook() as opened:
        yield opened


@pytest.fixture
def answer(kernel: Notebook, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Writes an answer in a new notebook of a lesson; returns what its check says."""

    def give(exercise: str, cell: str, *functions: str) -> str:
        kernel.restart()
        kernel.run(FIRST.format(exercise[:2]))
        kernel.run(cell)
        capsys.readouterr()
        kernel.run(f"check({exercise!r}, clinic, {', '.join(functions)})")
        return capsys.readouterr().out.replace("`", "")

    return give


def thief(answer: Callable[..., str], cell: str = THIEF) -> str:
    return answer("00-thief", cell, "thief")


def imported(name: str) -> object:
    return getattr(importlib.import_module("clinic_program"), name)


def is_courses_own(name: str) -> bool:
    return imported(name) is by_name()[name]


# --------------------------------------------------------------------------- the course's own


@for_every("exercise", by_exercise())
def test_the_courses_own_version_passes_the_check(exercise):
    functions = by_exercise()[exercise]
    lab, clinic = course.clinic(until=exercise[:2])
    with lab.rehearsal():
        try:
            EXERCISES[exercise](clinic, *functions.values())
        except Wrong as why:
            pytest.fail(str(why))


def test_every_exercise_has_the_courses_own_version_of_the_functions_in_its_cell():
    stubs = {
        tag.removeprefix("exercise:"): [
            node.name for node in syntax(cell).body if isinstance(node, ast.FunctionDef)
        ]
        for lesson in LESSONS
        for cell in lesson.code
        for tag in tags(cell)
        if tag.startswith("exercise:")
    }
    assert stubs.keys() == EXERCISES.keys()
    assert stubs == {exercise: list(by_exercise().get(exercise, ())) for exercise in stubs}


def test_no_two_exercises_have_a_function_of_one_name():
    names = [name for functions in by_exercise().values() for name in functions]
    assert sorted(names) == sorted(by_name())


def test_what_lessons_import_from_the_program_is_there():
    wanted = {
        alias.name
        for lesson in LESSONS
        for cell in lesson.code
        for node in ast.walk(syntax(cell))
        if isinstance(node, ast.ImportFrom) and node.module == "clinic_program"
        for alias in node.names
    }
    assert wanted - by_name().keys() == set()


def test_without_a_workbook_the_courses_own_version_stands_in(monkeypatch):
    monkeypatch.delenv(workbook.WORKBOOK_VARIABLE, raising=False)
    assert all(map(is_courses_own, by_name()))
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'clinic_program'"):
        exec("from clinic_program import nothing")


# ------------------------------------------------------------------------------------ keeping


def test_what_passes_is_kept_and_the_learner_is_told(program, answer):
    said = thief(answer)
    assert said.startswith("[ OK ]")
    assert "Kept in your clinic_program.py: thief." in said
    assert "Another way." in said
    assert sections(program.read_text("utf-8"))["00-thief"].body.strip() == THIEF.strip()
    assert not is_courses_own("thief")
    assert is_courses_own("policy")


def test_under_another_name_it_is_kept_and_not_found_by_lessons(program, answer):
    said = answer("00-thief", THIEF.replace("thief", "steal"), "steal")
    assert "Kept in your clinic_program.py: steal. Later lessons look for thief;" in said
    assert is_courses_own("thief")
    assert imported("steal")


def test_a_helper_does_not_pass_for_another_exercises_function(program, answer):
    cell = THIEF.replace("thief", "search") + THIEF.replace("unlock", "search and unlock")
    thief(answer, cell)
    assert "def search(" in program.read_text("utf-8")
    assert is_courses_own("search")
    assert not is_courses_own("thief")


def test_nothing_is_kept_outside_a_workbook(answer, tmp_path, monkeypatch):
    monkeypatch.delenv(workbook.WORKBOOK_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert "clinic_program" not in thief(answer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["    return b''", "    raise NotImplementedError"])
def test_what_does_not_pass_is_not_kept_and_changes_nothing(program, answer, wrong):
    thief(answer)
    before = program.read_bytes()
    assert "clinic_program" not in thief(answer, f"def thief(files):\n{wrong}")
    assert program.read_bytes() == before


def test_a_second_pass_replaces_the_first(program, answer):
    thief(answer)
    said = thief(answer, THIEF.replace("    return", "    # better\n    return"))
    assert "Kept in your clinic_program.py: thief." in said
    assert program.read_text("utf-8").count("def thief(") == 1
    assert "# better" in program.read_text("utf-8")
    assert list(program.parent.glob("clinic_program.mine*")) == []


def test_the_same_again_is_said_to_be_there_already(program, answer):
    thief(answer)
    before = program.stat().st_mtime_ns
    assert "has thief already, just as written here" in thief(answer)
    assert program.stat().st_mtime_ns == before


def test_another_version_of_what_is_restarted_by_its_check_is_kept(program, answer):
    for mark in "#", "!":
        said = answer("12-replay", VERSIONS.format(mark), "save_version", "load_version")
        assert "Kept in your clinic_program.py" in said
        assert f'name + "{mark}"' in program.read_text("utf-8")


def test_exercises_of_several_lessons_are_kept_side_by_side(program, answer):
    thief(answer)
    answer("01-seal", SEAL, "seal_record", "open_record")
    text = program.read_text("utf-8")
    assert list(sections(text)) == ["00-thief", "01-seal"]
    assert "print(clinic_program.open_record(key, clinic_program.seal_record(key, b'a rec" in text


def test_the_courses_own_functions_do_not_count(own, answer):
    said = answer("00-thief", "from clinic_program import thief", "thief")
    assert "These are the course's own functions, so this pass does not count." in said
    assert passed.read(own).exercises == frozenset()


def test_what_is_missing_outside_the_notebook_is_named_and_the_pass_counts(own, program, answer):
    cell = "friday = clinic.stolen_on_friday()\n" + THIEF + "    friday"
    said = thief(answer, cell)
    assert (
        "Passed, but not kept in your clinic_program.py: friday is a Laptop that only the" in said
    )
    assert "should come in as its arguments" in said
    assert not program.exists()
    assert passed.read(own).exercises == {"00-thief"}


def test_a_program_that_passes_only_after_other_cells_is_not_kept(program, answer):
    cell = f"opened = {{}}\n{THIEF.replace('thief', 'really')}\nopened['how'] = 1\n"
    cell += "def thief(files):\n    return really(files) if opened else b''\n"
    assert "outside this notebook it does not pass" in thief(answer, cell)
    assert not program.exists()


def test_a_folder_that_cannot_be_written_to_is_reported(own, answer):
    (own / f".{passed.FILE}.part").mkdir()
    assert "[ OK ]" in (said := thief(answer))
    assert "not kept in your clinic_program.py: Is a directory" in said


# ------------------------------------------------------------------------ the learner's edits


def test_what_the_learner_added_is_kept(program, answer):
    thief(answer)
    own_code = "\n\ndef mine():\n    return 'mine'\n"
    program.write_bytes(("\ufeff" + program.read_text("utf-8") + own_code).encode())
    thief(answer, THIEF + "    # new\n")
    assert own_code in program.read_text("utf-8")
    assert imported("mine")() == "mine"


def test_a_section_changed_by_hand_is_copied_before_it_is_replaced(program, answer):
    thief(answer)
    by_hand = program.read_text("utf-8").replace("    return", "    # by hand\n    return")
    program.write_text(by_hand, "utf-8")
    said = thief(answer, THIEF.replace("files", "found"))
    assert "You had changed that part of the file by hand; the file as it was is now" in said
    copy = program.with_name("clinic_program.mine-1.py")
    assert copy.read_text("utf-8") == by_hand
    assert "# by hand" not in program.read_text("utf-8")


def test_a_change_by_hand_that_passes_counts_as_written(program, answer):
    thief(answer)
    by_hand = program.read_text("utf-8").replace("    return", "    # by hand\n    return")
    program.write_text(by_hand, "utf-8")
    assert answer("00-thief", "from clinic_program import thief", "thief").startswith("[ OK ]")
    thief(answer)
    assert list(program.parent.glob("clinic_program.mine*")) == []


def test_a_change_by_hand_is_seen_at_once(program, answer):
    thief(answer)
    module = importlib.import_module("clinic_program")
    program.write_text("def thief(files):\n    return 'changed by hand'\n", "utf-8")
    assert module.thief({}) == "changed by hand"


def test_half_an_exercise_is_the_courses_own(program, answer):
    answer("01-seal", SEAL, "seal_record", "open_record")
    assert not is_courses_own("seal_record")
    program.write_text("def seal_record(key, record):\n    return record\n", "utf-8")
    assert is_courses_own("seal_record")
    assert is_courses_own("open_record")


@pytest.mark.parametrize(
    ("damage", "report"),
    [
        ("def broken(:\n", "cannot be run: line"),
        ("1 / 0\n", "cannot be run: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit('enough')\n", "cannot be run: SystemExit: enough"),
        ("import no_such_module\n", "cannot be run: ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_run_breaks_no_lesson(program, answer, capsys, damage, report):
    thief(answer)
    program.write_text(program.read_text("utf-8") + damage, "utf-8")
    assert is_courses_own("thief")
    assert report in capsys.readouterr().out
    assert is_courses_own("thief")
    assert capsys.readouterr().out == ""  # once is enough


def test_a_file_in_another_encoding_breaks_no_lesson(program, capsys):
    named = "# coding: cp949\n# 임상\ndef mine():\n    return '임상'\n"
    program.write_bytes(named.encode("cp949"))
    assert imported("mine")() == "임상"
    program.write_bytes(named.partition("\n")[2].encode("cp949"))
    assert is_courses_own("thief")
    assert "cannot be run" in capsys.readouterr().out


def test_a_syntax_error_elsewhere_keeps_nothing_from_being_kept(program, answer):
    program.write_text("def broken(:\n", "utf-8")
    said = thief(answer)
    assert "Kept in your clinic_program.py: thief. But Python cannot read that file" in said
    assert program.read_text("utf-8").startswith("def broken(:\n")
    program.write_text(program.read_text("utf-8").replace("(:", "():\n    pass"), "utf-8")
    assert not is_courses_own("thief")


def test_a_file_that_is_not_text_is_put_aside(program, answer):
    program.write_bytes("# 임상\n".encode("cp949"))
    said = thief(answer)
    assert "The old file was not text in UTF-8; it is now clinic_program.mine-1.py." in said
    assert program.with_name("clinic_program.mine-1.py").read_bytes() == "# 임상\n".encode("cp949")
    assert not is_courses_own("thief")


def test_a_failed_write_leaves_the_file_as_it_was(program, answer):
    thief(answer)
    before = program.read_bytes()
    (program.parent / ".clinic_program.py.part").mkdir()
    assert "Passed, but not kept" in thief(answer, THIEF.replace("files", "found"))
    assert program.read_bytes() == before


# ----------------------------------------------------------------------------------- progress


def test_progress_names_lessons_exercises_and_the_next_one(own, answer):
    thief(answer)
    shown = course.progress()
    total = len(EXERCISES)
    first = [exercise for exercise in EXERCISES if exercise.startswith("00-")][1]
    assert f"1 of {total} exercises passed; the next is {first}, in lesson 0." in repr(shown)
    assert "✓ 00-thief" in repr(shown)
    assert f"○ {first}" in repr(shown)
    assert all(
        lesson.notebook.cells[0].source.splitlines()[0][2:] in repr(shown) for lesson in LESSONS
    )
    markdown = shown._repr_markdown_()
    assert "| lesson | passed | exercises |" in markdown
    assert f"the next is `{first}`" in markdown


def test_progress_is_done_when_all_have_passed(own):
    passed.write(own, passed.Passed(frozenset(EXERCISES)))
    assert f"All {len(EXERCISES)} exercises passed." in repr(course.progress())


def test_progress_outside_a_workbook_says_why_it_is_empty(monkeypatch):
    monkeypatch.delenv(workbook.WORKBOOK_VARIABLE, raising=False)
    assert "Passes are kept only in lessons that kmslab lab" in repr(course.progress())


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"passed": 3, "written": []}', b"\xff"])
def test_a_damaged_record_of_progress_is_begun_anew(own, answer, content):
    (own / passed.FILE).write_bytes(content)
    assert "0 of" in repr(course.progress())
    thief(answer)
    assert "✓ 00-thief" in repr(course.progress())


def test_progress_and_program_survive_a_reset_of_the_lesson(own, program, answer):
    workbook.lay_out(own)
    thief(answer)
    before = program.read_bytes()
    workbook.reset(own, "00")
    workbook.lay_out(own)
    assert program.read_bytes() == before
    assert "✓ 00-thief" in repr(course.progress())


@pytest.mark.long  # two kernels
def test_kernels_that_start_anew_find_what_has_passed(own):
    """In Jupyter's own kernels: one passes the exercise, another uses it."""
    write = [FIRST.format("01"), SEAL, "check('01-seal', clinic, seal_record, open_record)"]
    use = [
        FIRST.format("02"),
        "import clinic_program, inspect\nfrom clinic_program import seal_record, open_record",
        "key = lab.create_cmk()\nprint(open_record(key, seal_record(key, b'a record')))",
        "print(inspect.getsource(seal_record))\ncourse.progress()",
    ]
    outputs = [[*outputs_of(cells, own)] for cells in (write, use)]
    assert "Kept in your clinic_program.py: seal_record and open_record" in outputs[0][-1]
    assert outputs[1][0] == "b'a record'\n"
    assert outputs[1][1].strip() == SEAL.partition("\n\n")[0]
    assert "✓ 01-seal" in outputs[1][2]


def outputs_of(cells: list[str], folder: Path) -> Iterator[str]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    run(notebook, folder)
    for cell in notebook.cells:
        for output in cell.outputs:
            yield output.get("text") or output.data["text/plain"]


# --------------------------------------------------------------------------- outside Jupyter


def test_the_kept_program_runs_outside_jupyter_as_its_docstring_says(program, answer):
    answer("01-seal", SEAL, "seal_record", "open_record")
    docstring = ast.get_docstring(ast.parse(program.read_text("utf-8")))
    example = "\n".join(line.strip() for line in docstring.splitlines() if line[:4] == "    ")
    assert len(example.splitlines()) == 3
    with Lab() as lab, running(lab) as served:
        lab.create_cmk("records")
        done = in_fresh_python(example, program.parent, served.environment)
        assert "Decrypt" in {event["eventName"] for event in lab.trail}
    assert (done.stdout, done.stderr) == ("b'a record'\n", "")


def test_outside_jupyter_the_learners_file_is_an_ordinary_module(program, answer):
    thief(answer)
    source = "import clinic_program; print(clinic_program.__file__)"
    for more in ("", "import kmslab.course; "):
        done = in_fresh_python(more + source, program.parent, {})
        assert Path(done.stdout.strip()).samefile(program)


def in_fresh_python(
    source: str, folder: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run in the folder, as a learner would there; the workbook's variable is not set."""
    environment = {name: value for name, value in os.environ.items() if name[:6] != "KMSLAB"}
    return subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
