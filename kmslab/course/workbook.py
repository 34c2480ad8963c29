"""The learner's own copies of the lessons: outputs cleared, copied once and never overwritten.

The files in `workbook/` belong to the learner. `kmslab lab` adds the lessons that are missing there
and leaves the others as they are; a reset keeps the learner's copy under another name.
"""

import json
import os
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from kmslab.course import installed_files
from kmslab.display import PlainError

LESSONS = installed_files.folder("notebooks")
JUPYTER = Path(__file__).parent / "jupyter"  # no news, no updates; Markdown opens rendered
QUIET = ("--ServerApp.log_level=WARN", "--LabApp.log_level=WARN")  # JupyterLab still prints its URL
# The extra `lab`.
NEEDED = ("boto3", "httptools", "ipython", "jupyterlab", "matplotlib", "pillow", "uvicorn")
WORKBOOK_VARIABLE = "KMSLAB_WORKBOOK"  # tells JupyterLab's own terminals which folder it is


class WorkbookError(PlainError):
    """The workbook cannot be made, reset or opened; the text says what the learner can do."""


def lay_out(workbook: Path, lessons: Path = LESSONS) -> list[Path]:
    """Add the lessons and the course's README that `workbook` lacks; return what was added."""
    sources = [*_lessons(lessons), *lessons.glob("README.md")]
    missing = [source for source in sources if not (workbook / source.name).exists()]
    try:
        workbook.mkdir(parents=True, exist_ok=True)
        return [_write(workbook / source.name, _fresh(source)) for source in missing]
    except OSError as error:
        raise WorkbookError(
            f"The lessons can't be laid out in {_refused(workbook, error)}"
        ) from error


def reset(workbook: Path, lesson: str, lessons: Path = LESSONS) -> Path | None:
    """Restore one lesson (`"02"` or its whole name); return the new path of the learner's copy.

    Returns None if there was no copy, or an unchanged one, which is not kept.
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
        raise WorkbookError(
            f"Lesson {source.stem} can't be reset in {_refused(workbook, error)}"
        ) from error
    return kept


def open_lab(workbook: Path, arguments: Sequence[str]) -> None:
    """Run JupyterLab on the workbook until it is stopped."""
    try:
        from jupyterlab.labapp import LabApp  # an extra: copying the lessons works without it
    except ImportError as error:
        raise WorkbookError(
            "JupyterLab is not installed here. In a clone `make lab` installs it; elsewhere: "
            f"python -m pip install {' '.join(NEEDED)}"
        ) from error
    if os.name == "posix" and os.geteuid() == 0 and "--allow-root" not in arguments:
        raise WorkbookError(
            "JupyterLab does not start as root. Use another account, or: kmslab lab -- --allow-root"
        )
    os.environ[WORKBOOK_VARIABLE] = str(workbook.resolve())
    _put_first("JUPYTER_CONFIG_PATH", str(JUPYTER))
    _put_first("JUPYTER_PATH", str(JUPYTER))  # so that the kernel is this Python's
    _put_first("PATH", sysconfig.get_path("scripts"))  # so that its terminals find `kmslab`
    LabApp.launch_instance([str(workbook), *QUIET, *arguments])


def _put_first(variable: str, folder: str) -> None:
    paths = [folder, os.environ.get(variable, "")]
    os.environ[variable] = os.pathsep.join(filter(None, paths))


def _refused(workbook: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        why = "you may not write there"
    elif isinstance(error, FileExistsError | NotADirectoryError):
        why = "there is a file of that name"
    else:
        why = error.strerror or str(error)
    return f"{workbook}: {why}. To use another folder: kmslab lab --folder NAME"


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
    raise WorkbookError(f"There is no lesson {wanted!r}. Give a number, such as 01, from: {names}")


def _fresh(source: Path) -> bytes:
    """The file with its outputs cleared, so that learners bet before they see an answer."""
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
    """Through a file beside it: a half-written lesson would count as the learner's and be kept."""
    beside = target.with_name(f".{target.name}.part")
    beside.write_bytes(content)
    beside.replace(target)
    return target
