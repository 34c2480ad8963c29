"""Answers to the exercises as a learner may write them: data in tests/solutions, and the hints'.

Each is injected into its lesson: the cells before the exercise are run in a kernel, then each
answer in the exercise's cell, followed by the lesson's own check.
"""

import ast
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

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
    like: str = ""  # another wrong answer, of the same effect, which gets the same message

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
def replies(*answers: Answer, whole: bool = False) -> dict[Answer, str]:
    """What the lessons' checks say to the answers, which are given one by one in one kernel.

    `whole`: run all the cells before the exercise, and not only those that it needs.
    """
    cells, checks = [], {}
    for exercise, group in groupby(answers, lambda answer: answer.exercise):
        given = [*group]
        lesson = next(lesson for lesson in LESSONS if exercise.startswith(lesson.number))
        stub = next(
            index for index, cell in enumerate(lesson.code) if f"exercise:{exercise}" in tags(cell)
        )
        before, check = lesson.code[:stub], lesson.code[stub + 1]
        written = "\n".join([check.source, *(answer.code for answer in given)])
        needs = before if whole else needed(before, nbformat.v4.new_code_cell(written))
        cells += map(nbformat.from_dict, needs)  # copies: a lesson may have several exercises
        for answer in given:
            checks[answer] = nbformat.from_dict(check)
            cells += [nbformat.v4.new_code_cell(answer.code), checks[answer]]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    with TemporaryDirectory() as place, patch.dict(os.environ, TMPDIR=place):
        run(
            nbformat.v4.new_notebook(cells=cells), FOLDER
        )  # what answers write there is gone with it
    return {answer: said(check) for answer, check in checks.items()}


def needed(cells: list[nbformat.NotebookNode], by: nbformat.NotebookNode) -> list:
    """The cells that define what `by` uses, what those use in turn, and so on."""
    used, kept = names(by)[1], []
    for cell in reversed(cells):
        defined, uses = names(cell)
        if defined & used:
            used |= uses
            kept.append(cell)
    return kept[::-1]


def names(cell: nbformat.NotebookNode) -> tuple[set[str], set[str]]:
    """The names that a cell defines, and those that it uses."""
    defined, used = set(), set()
    for node in ast.walk(syntax(cell)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name):
                defined.add(name)
            case ast.Name(id=name):
                used.add(name)
            case ast.alias(name=name, asname=other):
                defined.add(other or name.partition(".")[0])
    return defined, used


def said(cell: nbformat.NotebookNode) -> str:
    """The check's own words, without what the answer printed."""
    shown = (output for output in cell.outputs if output.output_type != "stream")
    return "\n".join(output.data["text/plain"] for output in shown)
