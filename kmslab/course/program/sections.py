"""The sections of `clinic_program.py`, found by the marks before and after each."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from kmslab.course.program.source import bound_names, parsed, segment

WIDTH = 79
START = re.compile(r"# -{2,} (\d\d-[\w-]+): ([\w, ]+?) -*\s*")
END = re.compile(r"# -{2,} end of (\d\d-[\w-]+?) -*\s*")


@dataclass(frozen=True, slots=True)
class Section:
    """An exercise's part of the file: lines `first` to `last`, its two marks included."""

    exercise: str
    functions: tuple[str, ...]
    body: str
    first: int = 0
    last: int = 0

    @property
    def text(self) -> str:
        start = f"# ---- {self.exercise}: {', '.join(self.functions)} ".ljust(WIDTH, "-")
        end = f"# ---- end of {self.exercise} ".ljust(WIDTH, "-")
        return f"{start}\n{self.body}\n{end}"


def sections(text: str) -> dict[str, Section]:
    """The sections by exercise. A mark without its other half is an ordinary comment."""
    found: dict[str, Section] = {}
    lines, begun = text.split("\n"), None
    for number, line in enumerate(lines):
        if start := START.fullmatch(line):
            begun = number, start[1], tuple(start[2].split(", "))
        elif begun and (end := END.fullmatch(line)) and end[1] == begun[1]:
            first, exercise, functions = begun
            body = "\n".join(lines[first + 1 : number])
            found[exercise] = Section(exercise, functions, body, first, number)
            begun = None
    return found


def outside(text: str) -> Iterator[ast.stmt]:
    """The statements that stand in no section; none if the file is not valid Python."""
    inside = {line for each in sections(text).values() for line in range(each.first, each.last + 1)}
    yield from (node for node in parsed(text).body if node.lineno - 1 not in inside)


def definitions(body: str) -> dict[str, str]:
    """What a section defines, by name; nothing if it is not valid Python."""
    return defined_by(body, parsed(body).body)


def defined_by(text: str, nodes: list[ast.stmt]) -> dict[str, str]:
    return {
        name: segment(text, node)
        for node in nodes
        if not isinstance(node, ast.Import | ast.ImportFrom)
        for name in bound_names(node)
    }


def is_python(text: str) -> bool:
    with suppress(SyntaxError, ValueError):
        ast.parse(text)
        return True
    return False
