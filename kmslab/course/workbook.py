"""The learner's own copies of the lessons: outputs cleared, copied once and never overwritten.

The files in `workbook/` belong to the learner. `kmslab lab` adds the lessons that are missing there
and leaves the others as they are; a reset keeps the learner's copy under another name. JupyterLab
opens them: what it can be refused for is checked before anything is written.
"""

import atexit
import json
import os
import shutil
import sys
import sysconfig
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kmslab.course import installed_files
from kmslab.display import PlainError, this_command, this_python

LESSONS = installed_files.folder("notebooks")
# No news, no updates, no server extension that the course has no use for; Markdown opens rendered,
# the theme is the system's, and only this computer can reach it.
JUPYTER = Path(__file__).parent / "jupyter"
KERNEL = JUPYTER / "kernels" / "python3" / "kernel.json"
QUIET = ("--ServerApp.log_level=WARN", "--LabApp.log_level=WARN")  # JupyterLab still prints its URL
# The extra `lab`.
NEEDED = (
    *("boto3", "httptools", "ipython", "jupyterlab", "matplotlib", "pillow"),
    *("psycopg", "psycopg-binary", "pyarrow", "uvicorn"),
)
WORKBOOK_VARIABLE = "KMSLAB_WORKBOOK"  # the workbook's folder, in JupyterLab's terminals


class WorkbookError(PlainError):
    """The workbook cannot be made, reset or opened; the text says what the learner can do."""


def lay_out(workbook: Path, lessons: Path = LESSONS) -> list[Path]:
    """Add the lessons and the course's README that `workbook` lacks; return what was added."""
    sources = [*_lessons(lessons), *lessons.glob("README.md")]
    missing = [source for source in sources if not (workbook / source.name).exists()]
    try:
        workbook.mkdir(parents=True, exist_ok=True)
        if not os.access(workbook, os.W_OK):  # even if nothing is missing, learners save there
            raise PermissionError
        return [write_beside(workbook / source.name, _fresh(source)) for source in missing]
    except OSError as error:
        raise WorkbookError(
            f"The lessons can't be laid out in {_refused(workbook, error)}"
        ) from error


def reset(workbook: Path, lesson: str, lessons: Path = LESSONS) -> Path | None:
    """Restore the lesson with this number or name; return the new path of the learner's copy.

    Returns None if there was no copy, or an unchanged one, which is not kept.
    """
    source = find(lesson, lessons)
    target = workbook / source.name
    fresh = _fresh(source)
    kept = None
    try:
        workbook.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() != fresh:
            kept = free_name(target)
            target.rename(kept)
        write_beside(target, fresh)
    except OSError as error:
        raise WorkbookError(
            f"Lesson {source.stem} can't be reset in {_refused(workbook, error)}"
        ) from error
    return kept


def open_lab(workbook: Path, arguments: Sequence[str]) -> None:
    """Run JupyterLab on the workbook until it is stopped. Other computers cannot reach it."""
    check_jupyterlab()
    _replace_unwritable_home()
    with _loading_quickly():
        from jupyterlab.labapp import LabApp  # an extra: copying the lessons works without it
    os.environ[WORKBOOK_VARIABLE] = str(workbook.resolve())
    _put_first("JUPYTER_CONFIG_PATH", str(JUPYTER))
    _put_first("JUPYTER_PATH", str(JUPYTER))  # so that the kernel is this Python's
    _put_first("PATH", sysconfig.get_path("scripts"))  # so that its terminals find `kmslab`
    as_root = ["--allow-root"] if is_root() and "--allow-root" not in arguments else []
    LabApp.launch_instance([str(workbook), *QUIET, *as_root, *arguments])


def check_jupyterlab() -> None:
    """Raises `WorkbookError` if JupyterLab is not installed."""
    if find_spec("jupyterlab") is None:
        raise WorkbookError(
            "JupyterLab is not installed here. In a clone `make lab` installs it; elsewhere: "
            f"{this_python()} -m pip install {' '.join(NEEDED)}"
        )


def is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def finds_browser() -> bool:
    """Whether JupyterLab can open a browser. One that fills a terminal does not count."""
    screen = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if os.name == "posix" and sys.platform != "darwin" and not any(map(os.environ.get, screen)):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


@contextmanager
def _loading_quickly() -> Iterator[None]:
    """Without two things that JupyterLab does when it is imported, which take longer than the rest.

    It compiles a grammar of IRIs, which none of its schemas uses, and asks Node, if there is one,
    for the settings with which it would build extensions.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # "not installed"
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = ""
    try:
        yield
    finally:
        os.environ["PATH"] = path


# Where JupyterLab, IPython and matplotlib keep what is theirs: by default all of it in the home.
OWN_FOLDERS = (
    *("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
    "MPLCONFIGDIR",
)


def _replace_unwritable_home() -> None:
    """In a container there may be none; then what would be kept there lasts until the end."""
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)  # an empty one would be the root of all folders
    home = os.path.expanduser("~")
    if os.path.isabs(home) and all(map(_is_writable, (home, *_jupyter_folders()))):
        return
    place = tempfile.mkdtemp(prefix="kmslab-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for name in OWN_FOLDERS:
        os.environ.setdefault(name, os.path.join(place, name.lower()))
    os.environ.setdefault("HOME", place)


def _jupyter_folders() -> list[str]:
    from jupyter_core import paths

    return [paths.jupyter_config_dir(), paths.jupyter_data_dir(), paths.jupyter_runtime_dir()]


def _is_writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


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
    return f"{workbook}: {why}. To use another folder: {this_command()} lab --folder NAME"


def _lessons(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.ipynb"))
    if not found:
        raise WorkbookError(f"There are no lessons in {folder}.")
    return found


def number(lesson: str) -> str:
    """Lesson 2 has the number `02`. A name stays as it is."""
    return lesson.zfill(2) if lesson.isdecimal() else lesson


def find(lesson: str, lessons: Path = LESSONS) -> Path:
    """The lesson with this number (`"02"` or `"2"`) or name. Raises `WorkbookError`."""
    there = _lessons(lessons)
    wanted = number(lesson.strip().removesuffix(".ipynb"))
    found = [path for path in there if wanted in (path.stem, path.stem.partition("-")[0])]
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.stem for path in there)
    raise WorkbookError(f"There is no lesson {wanted!r}. Give a number, such as 01, from: {names}")


def _fresh(source: Path) -> bytes:
    """The file with its outputs cleared, so that learners bet before they see an answer.

    Otherwise it is what JupyterLab would save, or each lesson that is opened would look unsaved.
    """
    if source.suffix != ".ipynb":
        return source.read_bytes()
    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    notebook["metadata"] = _kernel_metadata()
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _kernel_metadata() -> dict[str, Any]:
    """What a notebook says of its kernel once JupyterLab has opened it with this Python's."""
    name = json.loads(KERNEL.read_bytes())["display_name"]
    return {
        "kernelspec": {"display_name": name, "language": "python", "name": "python3"},
        "language_info": {
            "codemirror_mode": {"name": "ipython", "version": 3},
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "nbconvert_exporter": "python",
            "pygments_lexer": "ipython3",
            "version": sys.version.split()[0],
        },
    }


def free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.stem}.mine-{number}{path.suffix}")).exists():
        number += 1
    return name


def write_beside(target: Path, content: bytes) -> Path:
    """Through a file beside it: a half-written lesson would count as the learner's and be kept."""
    beside = target.with_name(f".{target.name}.part")
    beside.write_bytes(content)
    beside.replace(target)
    return target
