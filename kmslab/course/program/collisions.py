"""Names that have one meaning in an exercise and another elsewhere in `clinic_program.py`.

A helper or an import of one exercise gets a longer name where another exercise has one that
differs. An exercise's own functions keep their names: there the learner has to choose.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kmslab.course.program.imports import by_root, imports_used, root
from kmslab.course.program.renaming import renamed
from kmslab.course.program.sections import defined_by, definitions, outside, sections
from kmslab.course.program.source import COURSES_OWN, Source

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


def without_collisions(text: str, exercise: str, source: Source) -> tuple[str, Source]:
    """The file's text and the new source after names were changed. Raises NotKept."""
    for _ in range(MAX_ROUNDS):
        collision = next(_collisions(text, exercise, source), None)
        if collision is None:
            return text, source
        if collision.ours_may_change:
            source = _with_ours_renamed(source, collision, exercise)
        elif collision.theirs_may_change:
            text = _with_theirs_renamed(text, collision)
        else:
            raise _refusal(collision)
    raise NotKept("too many of its names mean something else elsewhere")


def _collisions(text: str, exercise: str, source: Source) -> Iterator[Collision]:
    yield from _with_sections(text, exercise, source)
    imported, helpers = by_root(source.imports), _may_change(source)
    for name, theirs in defined_by(text, list(outside(text))).items():
        if source.definitions.get(name, theirs) != theirs or name in imported:
            yield Collision(name, "", name in helpers, False)
    for name, known in by_root(imports_used(text, but=exercise)).items():
        other = imported.get(name, known)
        is_function = name in source.functions and known.module != COURSES_OWN
        differs = other != known and (other.name or known.name)  # not: import a.b, import a.c
        if differs or is_function or name in helpers - imported.keys():
            yield Collision(name, "", name in helpers, False)


def _with_sections(text: str, exercise: str, source: Source) -> Iterator[Collision]:
    ours, imported, helpers = source.definitions, by_root(source.imports), _may_change(source)
    for other in sections(text).values():
        for name, theirs in definitions(other.body).items() if other.exercise != exercise else ():
            differs = ours[name] != theirs if name in ours else name in imported
            own = name in other.functions
            if differs and not (own and name in source.functions):
                yield Collision(name, other.exercise, name in helpers, not own)


def _may_change(source: Source) -> set[str]:
    """Helpers, constants and imported names, but for a package's own name (`import a.b`)."""
    imported = {root(each) for each in source.imports if each.name or each.bound != each.module}
    return (source.definitions.keys() | imported) - set(source.functions)


def _with_ours_renamed(source: Source, collision: Collision, exercise: str) -> Source:
    old, new = collision.name, _new_name(collision.name, exercise)
    texts = {
        new if name == old else name: _renamed(text, old, new, collision)
        for name, text in source.definitions.items()
    }
    imports = {replace(each, bound=new) if root(each) == old else each for each in source.imports}
    return replace(source, definitions=texts, imports=imports)


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
