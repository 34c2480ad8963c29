"""`progress` shows which exercises have passed, lesson by lesson. Nothing is sent anywhere."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from kmslab.course import installed_files
from kmslab.course.exercises import EXERCISES
from kmslab.course.program import passed
from kmslab.display import Table

DONE, OPEN = "✓", "○"
NOT_KEPT = "Passes are kept only in lessons that `kmslab lab` (or `make lab`) has opened."
ALL_DONE = "All {} exercises passed."
SOME_DONE = "{} of {} exercises passed; the next is `{}`, in lesson {}."


class Progress:
    """A line and a table, in Markdown for a notebook and in plain text for a terminal."""

    def __init__(self, line: str, table: Table) -> None:
        self.line, self.table = line, table

    def __repr__(self) -> str:
        return f"{self.line.replace('`', '')}\n\n{self.table!r}"

    def _repr_markdown_(self) -> str:
        return f"{self.line}\n\n{self.table._repr_markdown_()}"


def progress() -> Progress:
    """Where you are: the lessons, and the exercises of each, with those that have passed."""
    folder = passed.workbook()
    done = passed.read(folder).exercises if folder else frozenset()
    rows = []
    for number, title in _titles().items():
        own = [exercise for exercise in EXERCISES if exercise.startswith(f"{number}-")]
        marked = "  ".join(f"{DONE if each in done else OPEN} {each}" for each in own)
        count = f"{sum(each in done for each in own)} of {len(own)}" if own and folder else ""
        rows.append([title, count, marked])
    return Progress(_line(done, folder), Table(["lesson", "passed", "exercises"], rows))


def _line(done: frozenset[str], folder: Path | None) -> str:
    if folder is None:
        return NOT_KEPT
    in_order = sorted(EXERCISES, key=lambda exercise: exercise[:2])  # keeps a lesson's own order
    ahead = [exercise for exercise in in_order if exercise not in done]
    if not ahead:
        return ALL_DONE.format(len(EXERCISES))
    return SOME_DONE.format(
        len(EXERCISES) - len(ahead), len(EXERCISES), ahead[0], int(ahead[0][:2])
    )


def _titles() -> Mapping[str, str]:
    """The lessons' titles, such as `1 · A key that never leaves`, by number."""
    paths = sorted(installed_files.folder("notebooks").glob("[0-9][0-9]-*.ipynb"))
    return {path.name[:2]: _title(path) for path in paths}


def _title(path: Path) -> str:
    source = json.loads(path.read_text("utf-8"))["cells"][0]["source"]
    first = "".join(source).partition("\n")[0]
    return re.sub("^# ", "", first).strip()
