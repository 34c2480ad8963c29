"""The plans for teachers name sections that the lessons have, and their minutes add up."""

import ast
import builtins
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
PAUSE = "–"
PLANS = {"Two hours": 120, "Half a day": 210, "A day": 480}


class Step(NamedTuple):
    at: int
    lesson: str
    section: str
    minutes: int


def plan(name: str) -> list[Step]:
    part = TEXT.split(f"### {name}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (\d):(\d\d) \| (\S+) \| (.+?) \| (\d+) \| .* \|", part, re.MULTILINE)
    assert len(rows) == part.count("\n| ") - 1  # without the table's head
    return [
        Step(int(hour) * 60 + int(minute), lesson, section, int(minutes))
        for hour, minute, lesson, section, minutes in rows
    ]


def sections(lesson: str) -> list[str]:
    [path] = (ROOT / "notebooks").glob(f"{lesson}-*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return [name for text in texts for name in re.findall(r"^## (.+)$", text, re.MULTILINE)]


def cells_of(lesson: str, planned: list[str]) -> list[ast.Module]:
    """The code of the lesson's first cells, before any heading, and of these sections."""
    [path] = (ROOT / "notebooks").glob(f"{lesson}-*.ipynb")
    section, taken = "", []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            section = [section, *re.findall(r"^## (.+)$", source, re.MULTILINE)][-1]
        elif section in ["", *planned]:
            taken.append(ast.parse(source))
    return taken


def names(code: ast.Module) -> tuple[set[str], set[str]]:
    """What the cell reads and what it binds, functions' arguments and variables included."""
    read, bound = set(), set()
    for node in ast.walk(code):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case (
                ast.Name(id=name)
                | ast.arg(arg=name)
                | ast.FunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.ExceptHandler(name=str(name))
            ):
                bound.add(name)
            case ast.alias(name=name, asname=other):
                bound.add((other or name).split(".")[0])
    return read, bound


def planned_lessons() -> list[tuple[str, list[str]]]:
    plans = []
    for steps in map(plan, PLANS):
        for lesson in sorted({step.lesson for step in steps} - {PAUSE}):
            plans.append((lesson, [step.section for step in steps if step.lesson == lesson]))
    return plans + exchanged()


def exchanged() -> list[tuple[str, list[str]]]:
    part = TEXT.split("### Lessons in exchange\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| .+? \| (\d\d) \| (.+?) \| \d+ \|$", part, re.MULTILINE)
    assert len(rows) == part.count("\n| ") - 1
    return [(lesson, sections.split(" · ")) for lesson, sections in rows]


@pytest.mark.parametrize(("name", "minutes"), PLANS.items())
def test_each_section_begins_when_the_one_before_it_ends(name: str, minutes: int):
    steps = plan(name)
    ends = [step.at + step.minutes for step in steps]
    assert [step.at for step in steps] == [0, *ends[:-1]]
    assert ends[-1] == minutes


@pytest.mark.parametrize("name", PLANS)
def test_each_section_of_a_plan_is_in_its_lesson_and_in_the_lessons_order(name: str):
    taken = [step for step in plan(name) if step.lesson != PAUSE]
    for lesson in {step.lesson for step in taken}:
        there = sections(lesson)
        planned = [step.section for step in taken if step.lesson == lesson]
        assert [section for section in there if section in planned] == planned


@pytest.mark.parametrize("name", PLANS)
def test_room_has_a_break_at_least_every_hundred_minutes(name: str):
    since = 0
    for step in plan(name):
        since = 0 if step.lesson == PAUSE else since + step.minutes
        assert since <= 100


def test_lessons_in_exchange_have_the_sections_in_that_order():
    for lesson, planned in exchanged():
        assert [section for section in sections(lesson) if section in planned] == planned


@pytest.mark.parametrize(("lesson", "planned"), planned_lessons())
def test_section_of_a_plan_uses_no_name_from_a_section_that_the_plan_leaves_out(
    lesson: str, planned: list[str]
):
    known = set(dir(builtins))
    for cell in cells_of(lesson, planned):
        read, bound = names(cell)
        known |= bound
        assert read <= known


def test_questions_of_the_half_days_recap_are_in_the_lessons_recaps():
    part = TEXT.split("### Half a day\n")[1].split("\n###")[0]
    questions = re.findall(r"^\* (\d\d): \*(.+)\*$", part, re.MULTILINE)
    assert [lesson for lesson, _ in questions] == sorted(
        {step.lesson for step in plan("Half a day")} - {PAUSE}
    )
    for lesson, question in questions:
        [path] = (ROOT / "notebooks").glob(f"{lesson}-*.ipynb")
        assert f"<summary>{question}</summary>" in path.read_text(encoding="utf-8")


def test_places_where_a_room_sticks_exist():
    part = TEXT.split("## Where a room sticks\n")[1].split("\n## ")[0]
    places = re.findall(r"^\| (\d\d), (.+?) \|", part, re.MULTILINE)
    assert len(places) >= 10
    for lesson, section in places:
        assert section in [*sections(lesson), "first bet"]
