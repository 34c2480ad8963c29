"""The plans for teachers name sections that the lessons have, and their minutes add up."""

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
    part = TEXT.split("### Lessons in exchange\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| .+? \| (\d\d) \| (.+?) \| \d+ \|$", part, re.MULTILINE)
    assert len(rows) == part.count("\n| ") - 1
    for lesson, names in rows:
        planned = names.split(" · ")
        assert [section for section in sections(lesson) if section in planned] == planned


def test_places_where_a_room_sticks_exist():
    part = TEXT.split("## Where a room sticks\n")[1].split("\n## ")[0]
    places = re.findall(r"^\| (\d\d), (.+?) \|", part, re.MULTILINE)
    assert len(places) >= 10
    for lesson, section in places:
        assert section in [*sections(lesson), "first bet"]
