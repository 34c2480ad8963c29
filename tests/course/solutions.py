"""Answers to the exercises as a learner may write them: data in tests/solutions, and the hints'.

Each is injected into its lesson: the cells before the exercise, without mere pictures, are run in a
kernel, then each answer in the exercise's cell, followed by the lesson's own check.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import nbformat

from kmslab.course.exercises import EXERCISES
from kmslab.course.exercises.hinting import HINTS
from kmslab.course.texts import lesson_texts
from scripts.notebooks import run
from tests.hygiene.lessons import FOLDER, LESSONS, syntax, tags

DATA = Path(__file__).parents[1] / "solutions"
ANOTHER_WAY = "another way"


@dataclass(frozen=True)
class Answer:
    exercise: str
    name: str
    code: str
    says: str  # how the check's reply begins

    @property
    def right(self) -> bool:
        return self.says.startswith("[ OK ]")


def written(exercise: str) -> Iterator[Answer]:
    path = DATA / f"{exercise}.toml"
    for name, answer in tomllib.loads(path.read_text("utf-8")).items():
        yield Answer(exercise, name, **answer)
    second = lesson_texts(HINTS, exercise)["second"]
    yield Answer(exercise, ANOTHER_WAY, second["code"], "[ OK ]")


ANSWERS = {exercise: [*written(exercise)] for exercise in EXERCISES}


def some(exercise: str) -> list[Answer]:
    """Two right answers, the stub as the lesson has it, and the first wrong answer."""
    wrong = next(answer for answer in ANSWERS[exercise] if answer.says.startswith("[FAIL]"))
    names = ("right", ANOTHER_WAY, "unwritten", wrong.name)
    return [answer for answer in ANSWERS[exercise] if answer.name in names]


@cache
def replies(*answers: Answer) -> dict[Answer, str]:
    """What the lessons' checks say to the answers, which are given one by one in one kernel."""
    cells, checks = [], {}
    for exercise, given in groupby(answers, lambda answer: answer.exercise):
        lesson = next(lesson for lesson in LESSONS if exercise.startswith(lesson.number))
        stub = next(
            index for index, cell in enumerate(lesson.code) if f"exercise:{exercise}" in tags(cell)
        )
        cells += [cell for cell in lesson.code[:stub] if not only_a_picture(cell)]
        for answer in given:
            checks[answer] = nbformat.from_dict(lesson.code[stub + 1])
            cells += [nbformat.v4.new_code_cell(answer.code), checks[answer]]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    run(nbformat.v4.new_notebook(cells=cells), FOLDER)
    return {answer: said(check) for answer, check in checks.items()}


def only_a_picture(cell: nbformat.NotebookNode) -> bool:
    """True if the cell draws and defines nothing, so that no later cell needs it."""
    defines = any(isinstance(node, ast.Assign) for node in ast.walk(syntax(cell)))
    return cell.id.startswith("picture") and not defines


def said(cell: nbformat.NotebookNode) -> str:
    return "\n".join(output.data["text/plain"] for output in cell.outputs)
