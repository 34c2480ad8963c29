"""Names that have one meaning in an exercise and another elsewhere in `clinic_program.py`.

A helper of one exercise gets a longer name where another exercise has one that differs. An
exercise's own functions, and what is imported, keep their names: there the learner has to choose.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kmslab.course.program.imports import import_nodes, imports_of, root
from kmslab.course.program.renaming import renamed
from kmslab.course.program.sections import defined_by, definitions, outside, sections
from kmslab.course.program.source import COURSES_OWN, Import, Source

MAX_ROUNDS = 100


class NotKept(Exception):
    """The section cannot be added; the text says why, and what the learner can do."""


@dataclass(frozen=True, slots=True)
class Collision:
    """A name that the new section and another part of the file define differently."""

    name: str
    where: str  # an exercise, or "" for what stands in no section
    ours_may_change: bool
    theirs_may_change: bool


def without_collisions(
    text: str, exercise: str, source: Source, imports: set[Import]
) -> tuple[str, Source]:
    """The file's text and the new source after helpers were renamed. Raises NotKept."""
    for _ in range(MAX_ROUNDS):
        collision = next(_collisions(text, exercise, source, imports), None)
        if collision is None:
            return text, source
        if collision.ours_may_change:
            source = _with_ours_renamed(source, collision, exercise)
        elif collision.theirs_may_change:
            text = _with_theirs_renamed(text, collision)
        else:
            raise _refusal(collision)
    raise NotKept("too many of its names mean something else elsewhere")


def _collisions(
    text: str, exercise: str, source: Source, imports: set[Import]
) -> Iterator[Collision]:
    imported = {root(each): each for each in imports}
    yield from _with_sections(text, exercise, source, imported)
    helpers = source.definitions.keys() - set(source.functions)
    for name, theirs in defined_by(text, list(outside(text))).items():
        if source.definitions.get(name, theirs) != theirs or name in imported:
            yield Collision(name, "", name in helpers, False)
    for known in (each for node in import_nodes(text) for each in imports_of(node)):
        name = root(known)
        other = imported.get(name, known)
        if other != known and (other.name or known.name):  # not: import a.b, import a.c
            yield Collision(name, "", False, False)
        elif name in helpers or (name in source.functions and known.module != COURSES_OWN):
            yield Collision(name, "", name in helpers, False)


def _with_sections(
    text: str, exercise: str, source: Source, imported: Mapping[str, Import]
) -> Iterator[Collision]:
    ours, functions = source.definitions, source.functions
    for other in sections(text).values():
        for name, theirs in definitions(other.body).items() if other.exercise != exercise else ():
            differs = ours[name] != theirs if name in ours else name in imported
            own = name in other.functions
            if differs and not (own and name in functions):
                may_change = name in ours and name not in functions
                yield Collision(name, other.exercise, may_change, not own)


def _with_ours_renamed(source: Source, collision: Collision, exercise: str) -> Source:
    old, new = collision.name, _new_name(collision.name, exercise)
    texts = {
        new if name == old else name: _renamed(text, old, new, collision)
        for name, text in source.definitions.items()
    }
    return replace(source, definitions=texts)


def _with_theirs_renamed(text: str, collision: Collision) -> str:
    section, lines = sections(text)[collision.where], text.split("\n")
    new = _new_name(collision.name, collision.where)
    body = _renamed(section.body, collision.name, new, collision)
    section_text = replace(section, body=body).text
    return "\n".join([*lines[: section.first], section_text, *lines[section.last + 1 :]])


def _renamed(text: str, old: str, new: str, collision: Collision) -> str:
    changed = renamed(text, old, new)
    if changed is None:
        raise _refusal(collision)
    return changed


def _new_name(name: str, exercise: str) -> str:
    return f"{name}_{exercise.replace('-', '_')}"


def _refusal(collision: Collision) -> NotKept:
    where = f"in exercise `{collision.where}`" if collision.where else "at its top level"
    return NotKept(
        f"`{collision.name}` means something else there, {where}. Give yours another name in the "
        "notebook, or change the file, and run this cell again."
    )
