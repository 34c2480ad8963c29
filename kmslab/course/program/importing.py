"""What `import clinic_program` finds once `kmslab.course` is loaded: the learner's or the course's.

The learner's file is the one in the workbook, or else on Python's path. It is read again when it
has changed. An exercise's functions are the learner's if the file has all of them, and otherwise
the course's own: a `seal` of the one and an `unseal` of the other would not fit. A file that cannot
be run is reported once, and the lesson goes on with the course's own functions.
"""

import linecache
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from kmslab.course.messages import show_message
from kmslab.course.program import courses, passed
from kmslab.course.program.sections import defined_by, definitions, outside, sections
from kmslab.course.program.source import PROGRAM

FILE = f"{PROGRAM}.py"
NOT_YET = "<{} as it would be>"
BROKEN = (
    "Your `clinic_program.py` cannot be run: {}. Until that is mended, lessons use the course's "
    "own functions in place of yours."
)

Stamp = tuple[Path, int, int]  # a file, when it was changed, and its size


class ClinicProgram(ModuleType):
    """The module `clinic_program`. It looks a name up anew each time."""

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return sorted(set(self.__dir__()))
        if name == "__file__" and (path := own_file()):
            return str(path)
        if not name.startswith("__"):
            for place in _places(name):
                if name in place:
                    return place[name]
        raise AttributeError(f"module {PROGRAM!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        own = [name for name in _learners() if not name.startswith("_")]
        return sorted({*own, *courses.by_name()})


def _places(name: str) -> Sequence[Mapping[str, Any]]:
    """Where to look for a name, in this order."""
    learners, ours = _learners(), courses.by_name()
    for functions in courses.by_exercise().values():
        if name in functions and not functions.keys() <= learners.keys():
            return [ours]
    return [learners, ours]


def own_file() -> Path | None:
    """The learner's file, if there is one."""
    if folder := passed.workbook():
        return folder / FILE if (folder / FILE).is_file() else None
    found = PathFinder.find_spec(PROGRAM)
    return Path(found.origin) if found and found.origin else None


_loaded: dict[Stamp, Mapping[str, Any]] = {}  # the latest alone


def _learners() -> Mapping[str, Any]:
    """What the learner's file defines; nothing if there is no file, or if it cannot be run."""
    path = own_file()
    if path is None:
        return {}
    try:
        about = path.stat()
    except OSError:
        return {}
    stamp = path, about.st_mtime_ns, about.st_size
    if stamp not in _loaded:
        _loaded.clear()
        _loaded[stamp] = {}  # for the file itself, should it import `clinic_program`
        try:
            there, helpers = run(path), _helpers(path.read_bytes().decode("utf-8-sig", "replace"))
            _loaded[stamp] = {name: there[name] for name in there.keys() - helpers}
        except NotRunnable as error:
            _report(BROKEN.format(error))
    return _loaded[stamp]


class NotRunnable(Exception):
    """The learner's file cannot be run; the text says where and why."""


def run(path: Path, text: str | None = None) -> Mapping[str, Any]:
    """The names that the file defines, or would with this text. Raises NotRunnable."""
    module = ModuleType(PROGRAM)
    module.__file__, name = str(path), str(path)
    if text is not None:  # where `inspect` looks for source, since the file has another text yet
        name = NOT_YET.format(path)
        linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    try:
        exec(compile(text or path.read_bytes(), name, "exec"), vars(module))
    except SyntaxError as error:
        raise NotRunnable(f"line {error.lineno}, {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise NotRunnable(f"`{type(error).__name__}`: {error}") from error
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


def _helpers(text: str) -> set[str]:
    """Of the names that are exercises' functions, those that here only help another exercise."""
    found = sections(text).values()
    kept = {name for section in found for name in section.functions}
    by_hand = defined_by(text, list(outside(text))).keys()
    helping = {name for section in found for name in definitions(section.body)}
    return (helping & courses.by_name().keys()) - kept - by_hand


def _report(text: str) -> None:
    if "IPython" in sys.modules:
        show_message(text)
    else:
        warnings.warn(text, stacklevel=2)


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == PROGRAM else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ClinicProgram(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """It looks its names up itself."""


def install() -> None:
    """From now on `import clinic_program` finds it, however often this is called."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
