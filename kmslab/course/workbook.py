"""The learner's own copies of the lessons: outputs cleared, laid out once and never overwritten.

What is in `workbook/` belongs to the learner. A lesson that is there stays as it is, a new one is
added beside it, and a reset keeps the learner's copy under another name.

    python -m kmslab.course.workbook              lay out workbook/ in this folder
    python -m kmslab.course.workbook open         lay it out and open JupyterLab on it
    python -m kmslab.course.workbook reset 02     a fresh lesson 02; yours becomes 02-….mine-1.ipynb
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kmslab.course import shipped

LESSONS = shipped.folder("notebooks")
JUPYTER = Path(__file__).parent / "jupyter"  # no news, no updates; Markdown opens rendered


class WorkbookError(Exception):
    """Something the learner can put right; the text says how."""


def lay_out(workbook: Path, lessons: Path = LESSONS) -> list[Path]:
    """Add the lessons and the course's README that `workbook` lacks; return what was added."""
    sources = [*_lessons(lessons), *lessons.glob("README.md")]
    missing = [source for source in sources if not (workbook / source.name).exists()]
    try:
        workbook.mkdir(parents=True, exist_ok=True)
        return [_write(workbook / source.name, _fresh(source)) for source in missing]
    except OSError as error:
        raise WorkbookError(f"The lessons can't be laid out in {workbook}: {error}") from error


def reset(workbook: Path, lesson: str, lessons: Path = LESSONS) -> Path | None:
    """Restore one lesson (`"02"` or its whole name); return where the learner's copy went.

    An untouched copy needs no keeping: then it is None.
    """
    source = _find(lesson, _lessons(lessons))
    target = workbook / source.name
    fresh = _fresh(source)
    kept = None
    try:
        workbook.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() != fresh:
            kept = _free_name(target)
            target.rename(kept)
        _write(target, fresh)
    except OSError as error:
        raise WorkbookError(f"Lesson {source.stem} can't be reset: {error}") from error
    return kept


def open_lab(workbook: Path, arguments: Sequence[str]) -> None:
    """Run JupyterLab on the workbook until it is stopped."""
    try:
        from jupyterlab.labapp import LabApp  # an extra: a workbook can be laid out without it
    except ImportError as error:
        raise WorkbookError(
            "JupyterLab is not installed here. `make lab` installs it; "
            "without make: python -m pip install 'kmslab[lab]'"
        ) from error
    paths = [str(JUPYTER), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    LabApp.launch_instance([str(workbook), *arguments])


def _lessons(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.ipynb"))
    if not found:
        raise WorkbookError(f"There are no lessons in {folder}.")
    return found


def _find(lesson: str, lessons: list[Path]) -> Path:
    wanted = lesson.strip().removesuffix(".ipynb")
    found = [path for path in lessons if wanted in (path.stem, path.stem.partition("-")[0])]
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.stem for path in lessons)
    raise WorkbookError(f"There is no lesson {wanted!r}. Say which one, such as 01, of: {names}")


def _fresh(source: Path) -> bytes:
    """The file as a learner first meets it: nobody sees an answer before betting."""
    if source.suffix != ".ipynb":
        return source.read_bytes()
    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def _free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.stem}.mine-{number}{path.suffix}")).exists():
        number += 1
    return name


def _write(target: Path, content: bytes) -> Path:
    """Through a file beside it: a half-written lesson would be kept for ever."""
    beside = target.with_name(f".{target.name}.part")
    beside.write_bytes(content)
    beside.replace(target)
    return target


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kmslab.course.workbook",
        description="Your own copies of the lessons. What you have written is never overwritten.",
    )
    parser.add_argument("--into", type=Path, default=Path("workbook"), metavar="FOLDER")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser(
        "open", help="lay the lessons out and open JupyterLab; it gets what follows"
    )
    again = commands.add_parser("reset", help="a fresh copy of one lesson; yours is kept beside it")
    again.add_argument("lesson", help="its number or name: 02")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command != "open":
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if options.command == "reset":
            kept = reset(options.into, options.lesson)
            print(f"Lesson {options.lesson} is fresh again.")
            if kept:
                print(f"Yours is {kept}.")
            return
        for path in lay_out(options.into):
            print(f"laid out {path}")
        if options.command == "open":
            open_lab(options.into, rest)
    except WorkbookError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
