"""Which exercises have passed: a small file in the workbook, which no other computer ever sees.

It also keeps a fingerprint of each section as `check` wrote it, so that a section which the learner
has changed by hand is recognised.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from kmslab.course.workbook import WORKBOOK_VARIABLE, write_beside

FILE = ".kmslab-progress.json"  # hidden: JupyterLab does not list it


@dataclass(frozen=True, slots=True)
class Passed:
    """The exercises that have passed, and the fingerprints of the sections as they were written."""

    exercises: frozenset[str] = frozenset()
    written: Mapping[str, str] = field(default_factory=dict)

    def with_pass(self, exercise: str, section: str | None = None) -> "Passed":
        written = (
            self.written if section is None else {**self.written, exercise: _print_of(section)}
        )
        return Passed(self.exercises | {exercise}, written)

    def is_as_written(self, exercise: str, section: str) -> bool:
        return self.written.get(exercise) == _print_of(section)


def workbook() -> Path | None:
    """The learner's workbook; None if this lesson was not opened by `kmslab lab`."""
    named = os.environ.get(WORKBOOK_VARIABLE)
    return Path(named) if named and Path(named).is_dir() else None


def read(folder: Path) -> Passed:
    """What is kept there; nothing if there is no file, or one that cannot be read."""
    kept: Any = None
    with suppress(OSError, ValueError):
        kept = json.loads((folder / FILE).read_text("utf-8"))
    if not isinstance(kept, dict):
        return Passed()
    exercises, written = kept.get("passed"), kept.get("written")
    return Passed(
        frozenset(map(str, exercises)) if isinstance(exercises, list) else frozenset(),
        {str(name): str(text) for name, text in written.items()}
        if isinstance(written, dict)
        else {},
    )


def write(folder: Path, passed: Passed) -> None:
    """Raises OSError if the folder cannot be written to."""
    kept = {"passed": sorted(passed.exercises), "written": dict(passed.written)}
    write_beside(folder / FILE, (json.dumps(kept, indent=1) + "\n").encode())


def _print_of(section: str) -> str:
    return sha256(section.strip().encode()).hexdigest()
