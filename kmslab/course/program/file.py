"""The text of `clinic_program.py`: a docstring, imports, and a section for each exercise.

Rule: only a section, the imports and an untouched docstring are ever rewritten. What a learner has
added between and around them stays as it is, also if the file is not valid Python.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from kmslab.course.exercises import EXERCISES
from kmslab.course.program.collisions import without_collisions
from kmslab.course.program.imports import outdated, with_imports
from kmslab.course.program.sections import Section, defined_by, is_python, outside, sections
from kmslab.course.program.source import COURSES_OWN, PROGRAM, Import, Source

HEADER = '''"""The clinic's program: my functions, as they passed the checks of kmslab's lessons.

Each section belongs to an exercise, and is written anew when that exercise passes again. What I
write above, between and below the sections stays as it is.

The functions take the handle on a KMS key as their `key`, and any KMS will do: AWS's own, or that
of `kmslab serve`, which prints what to paste into a second terminal so that boto3 finds it. There,
in this folder, with the alias or the ARN of a key that exists:

    import boto3, {program}, kmslab
    key = kmslab.key(boto3.client("kms"), "alias/records")
    {example}
"""
'''
# The docstring's last line, by the functions that it calls; the first that the file has.
EXAMPLES = {
    ("seal", "unseal"): "print({0}.unseal(key, {0}.seal(key, b'a record')))",
    ("seal_record", "open_record"): (
        "print({0}.open_record(key, {0}.seal_record(key, b'a record')))"
    ),
    (): "help({0})",
}


def with_section(text: str, exercise: str, source: Source) -> str:
    """The file's text with the exercise's section in it, new or in the place of the old one.

    Raises NotKept if a name in it has another meaning elsewhere in the file.
    """
    text = text if text.strip() else _header(EXAMPLES[()])
    there = _functions(text, but=exercise) | defined_by(text, list(outside(text))).keys()
    courses = {Import(COURSES_OWN, name, name) for name in source.own - there}
    source = replace(source, imports=source.imports | courses)
    before, source = without_collisions(text, exercise, source)
    parts = _together(list(source.definitions.values()))
    valid = is_python(before)
    if not valid:  # then there is no telling where its imports are
        parts.insert(0, "\n".join(map(str, sorted(source.imports))))
    body = "\n" + "\n\n\n".join(filter(None, parts)) + "\n"
    after = _placed(before, Section(exercise, tuple(source.functions), body))
    if not is_python(after):
        return after
    wanted, written = source.imports if valid else set(), _functions(after)
    courses = {Import(COURSES_OWN, name, name) for name in written}
    after = with_imports(after, wanted, outdated(before, after, wanted) | courses)
    return _with_example(after, written)


def _functions(text: str, but: str = "") -> set[str]:
    """The functions of the file's exercises, of one excepted."""
    found = sections(text).values()
    return {name for each in found if each.exercise != but for name in each.functions}


def _together(definitions: Sequence[str]) -> list[str]:
    """Constants that follow each other stand together."""
    groups = groupby(definitions, lambda text: "\n" in text)
    return [
        text for long, group in groups for text in (list(group) if long else ["\n".join(group)])
    ]


def _placed(text: str, section: Section) -> str:
    """In the place of the old section, or by its number among the others, or at the end."""
    lines, there = text.split("\n"), sections(text)
    if old := there.get(section.exercise):
        return "\n".join([*lines[: old.first], section.text, *lines[old.last + 1 :]])
    later = [each.first for name, each in there.items() if _order(name) > _order(section.exercise)]
    ends = [each.last + 1 for each in there.values()]
    at = min(later) if later else max(ends, default=len(lines))
    before, after = "\n".join(lines[:at]).rstrip(), "\n".join(lines[at:]).strip("\n")
    return "\n\n\n".join(filter(None, [before, section.text, after])) + "\n"


def _order(exercise: str) -> tuple[str, int]:
    """By lesson, then as the exercises follow each other there."""
    known = list(EXERCISES)
    return exercise[:2], known.index(exercise) if exercise in known else len(known)


def _with_example(text: str, functions: set[str]) -> str:
    """With an example in the docstring that fits the functions, if the docstring is one of ours."""
    best = next(example for names, example in EXAMPLES.items() if functions.issuperset(names))
    for example in EXAMPLES.values():
        ours = _header(example)
        if text.startswith(ours):
            return _header(best) + text[len(ours) :]
    return text


def _header(example: str) -> str:
    return HEADER.format(program=PROGRAM, example=example.format(PROGRAM))
