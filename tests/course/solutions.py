"""Answers to the exercises as a learner may write them: data in tests/solutions, and the hints'.

Each is injected into its lesson: the cells before the exercise are run once in a kernel, then each
answer in the exercise's cell, followed by the lesson's own check.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat

from kmslab.course.exercises import EXERCISES
from kmslab.course.exercises.hinting import HINTS
from kmslab.course.texts import lesson_texts
from scripts.notebooks import run
from tests.hygiene.lessons import FOLDER, LESSONS, tags

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


ANSWERS = [answer for exercise in EXERCISES for answer in written(exercise)]


@cache
def replies(exercise: str) -> dict[str, str]:
    """What the lesson's check says to each answer, by the answer's name."""
    lesson = next(lesson for lesson in LESSONS if exercise.startswith(lesson.number))
    answers = [answer for answer in ANSWERS if answer.exercise == exercise]
    stub = next(
        index for index, cell in enumerate(lesson.code) if f"exercise:{exercise}" in tags(cell)
    )
    check, taken = lesson.code[stub + 1], lesson.code[:stub]
    judged = []
    for number, answer in enumerate(answers):
        tried = nbformat.v4.new_code_cell(answer.code, id=f"answer-{number}")
        judged.append(nbformat.from_dict(check | {"id": f"check-{number}"}))
        taken += [tried, judged[-1]]
    run(nbformat.v4.new_notebook(cells=taken), FOLDER)
    return {answer.name: said(cell) for answer, cell in zip(answers, judged, strict=True)}


def said(cell: nbformat.NotebookNode) -> str:
    return "\n".join(output.data["text/plain"] for output in cell.outputs)
