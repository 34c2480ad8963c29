"""Keeps what has passed a check: the functions in `clinic_program.py`, the pass in the progress.

It says what it did, and never raises. Nothing is kept unless `kmslab lab` opened the lesson.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kmslab.course.messages import listed
from kmslab.course.program import courses, importing, passed
from kmslab.course.program.collisions import NotKept
from kmslab.course.program.file import with_section
from kmslab.course.program.passed import Passed
from kmslab.course.program.sections import is_python, sections
from kmslab.course.program.source import PROGRAM, Source, source_of
from kmslab.course.workbook import free_name, write_beside

Function = Callable[..., Any]
Passes = Callable[[Sequence[Function]], bool]

FILE = importing.FILE
KEPT = "Kept in your `clinic_program.py`: {}."
UNCHANGED = "Your `clinic_program.py` has {} already, just as written here."
COPIED = "You had changed that part of the file by hand; the file as it was is now `{}`."
UNREADABLE = "The old file was not text in UTF-8; it is now `{}`."
BROKEN = "But Python cannot read that file, because of what stands outside this exercise's part."
OTHER_NAMES = "Later lessons look for {}; under another name they do not find yours."
NOT_KEPT = "Passed, but not kept in your `clinic_program.py`: {}"
MISSING = "{}. What a function works with should come in as its arguments."
NOT_ALONE = (
    "outside this notebook it does not pass. It may use something that an earlier cell has changed."
)
COURSES = "These are the course's own functions, so this pass does not count."


def keep(exercise: str, functions: Sequence[Function], passes: Passes) -> str:
    """What became of the functions, in Markdown; "" outside a workbook.

    `passes` runs the check on other functions: those that the file then has.
    """
    folder = passed.workbook()
    if folder is None:
        return ""
    modules = {getattr(each, "__module__", "") or "" for each in functions}
    if any(module.startswith("kmslab.course.program.courses.") for module in modules):
        return COURSES
    try:
        if modules == {PROGRAM}:
            return _keep_as_it_is(folder, exercise)
        passed.write(folder, passed.read(folder).with_pass(exercise))
        return _keep_functions(folder, exercise, functions, passes)
    except NotKept as why:
        return NOT_KEPT.format(why)
    except OSError as error:
        return NOT_KEPT.format(f"{error.strerror or error} (`{Path(error.filename or '').name}`)")
    except Exception as error:  # the exercise has passed, whatever else goes wrong
        return NOT_KEPT.format(f"`{type(error).__name__}`: {error}")


def _keep_as_it_is(folder: Path, exercise: str) -> str:
    """The functions were imported from the learner's file, as the learner has changed it."""
    text = _decoded((folder / FILE).read_bytes()) or ""
    section = sections(text).get(exercise)
    done = passed.read(folder).with_pass(exercise, section.text if section else None)
    passed.write(folder, done)
    return ""


def _keep_functions(
    folder: Path, exercise: str, functions: Sequence[Function], passes: Passes
) -> str:
    path, source, done = folder / FILE, source_of(functions), passed.read(folder)
    if source.missing:
        raise NotKept(_missing(source))
    old = path.read_bytes() if path.exists() else b""
    before = _decoded(old)
    after = with_section(before or "", exercise, source)
    if is_python(after):
        _check_alone(path, after, source, passes)
    said = [] if is_python(after) else [BROKEN]
    names = listed(source.functions)
    if before is None or _changed_by_hand(done, before, after):
        copy = free_name(path)
        write_beside(copy, old)
        said.append((UNREADABLE if before is None else COPIED).format(copy.name))
    expected = courses.by_exercise().get(exercise, {}).keys()
    if looked_for := [name for name in expected if name not in source.functions]:
        said.append(OTHER_NAMES.format(listed(looked_for)))
    if after != before:
        write_beside(path, after.encode())
    passed.write(folder, _with_fingerprints(done, exercise, before or "", after))
    return " ".join([(KEPT if after != before else UNCHANGED).format(names), *said])


def _missing(source: Source) -> str:
    each = "; ".join(f"`{name}` {why}" for name, why in sorted(source.missing.items()))
    return MISSING.format(each)


def _check_alone(path: Path, text: str, source: Source, passes: Passes) -> None:
    """The functions have to pass in the file too, where no cell has run before them."""
    try:
        there = importing.run(path, text)
    except importing.NotRunnable as error:
        raise NotKept(f"the file would stop at {error}") from error
    if not passes([there[name] for name in source.functions]):
        raise NotKept(NOT_ALONE)


def _changed_by_hand(done: Passed, before: str, after: str) -> bool:
    """Whether a section is replaced that is not as it was written."""
    new = sections(after)
    return any(
        section.body != new[name].body and not done.is_as_written(name, section.text)
        for name, section in sections(before).items()
        if name in new
    )


def _with_fingerprints(done: Passed, exercise: str, before: str, after: str) -> Passed:
    """Of the new section, and of others in which a helper got another name."""
    old, known = sections(before), done
    for name, section in sections(after).items():
        if name in old and known.is_as_written(name, old[name].text):
            done = done.with_pass(name, section.text)
    return done.with_pass(exercise, sections(after)[exercise].text)


def _decoded(content: bytes) -> str | None:
    """With Python's line ends, whatever editor has saved it; None if it is not text."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")
