"""The imports at the top of `clinic_program.py`: what sections need is added to what is there."""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from kmslab.course.program.sections import is_python, outside, sections
from kmslab.course.program.source import Import, parsed, used_names

WIDTH = 100
ImportNode = ast.Import | ast.ImportFrom


def with_imports(text: str, wanted: set[Import], outdated: set[Import]) -> str:
    """With the imports that are wanted and without those that are outdated.

    If there are comments among the imports, all of these stay, and the new ones follow them.
    """
    nodes, lines = import_nodes(text), text.split("\n")
    there = {each for node in nodes for each in imports_of(node)}
    if wanted <= there and not outdated & there:
        return text
    if not nodes:
        at = _docstring_lines(text)
        return _joined(lines[:at], _block(wanted), lines[at:])
    first, last = nodes[0].lineno - 1, _end(nodes[-1])
    of_imports = sum(_end(node) - node.lineno + 1 for node in nodes)
    between = [line for line in lines[first:last] if line.strip()]
    if of_imports != len(between) or any("#" in line for line in between):
        new = [str(each) for each in sorted(wanted - there)]
        return "\n".join([*lines[:last], *new, *lines[last:]])
    return _joined(lines[:first], _block((there | wanted) - outdated), lines[last:])


def outdated(before: str, after: str, wanted: set[Import]) -> set[Import]:
    """The imports that only a replaced section used, or that others of the same name replace."""
    old, new = sections(before), sections(after)
    gone = [section.body for name, section in old.items() if section.body != new[name].body]
    unused = _used(gone) - used_names(_without_imports(after))
    replacing = by_root(wanted)
    return {
        each
        for each in _imports(after)
        if root(each) in unused
        or (replacing.get(root(each), each) != each and (each.name or replacing[root(each)].name))
    }


def imports_used(text: str, but: str) -> set[Import]:
    """The imports at the top, without those that only one exercise's section uses."""
    there = sections(text)
    own = there[but].body if but in there else ""
    others = [section.body for name, section in there.items() if name != but]
    rest = [ast.unparse(node) for node in outside(text) if not isinstance(node, ImportNode)]
    unused = _used([own]) - _used([*others, *rest])
    return {each for each in _imports(text) if root(each) not in unused}


def by_root(imports: Iterable[Import]) -> dict[str, Import]:
    return {root(each): each for each in imports}


def _imports(text: str) -> list[Import]:
    return [each for node in import_nodes(text) for each in imports_of(node)]


def _used(bodies: Iterable[str]) -> set[str]:
    return {name for body in bodies if is_python(body) for name in used_names(body)}


def _without_imports(text: str) -> str:
    lines = text.split("\n")
    for node in import_nodes(text):
        lines[node.lineno - 1 : _end(node)] = [""] * (_end(node) - node.lineno + 1)
    return "\n".join(lines)


def root(each: Import) -> str:
    """The name that an import binds: `import a.b` binds `a`."""
    return each.bound.partition(".")[0]


def import_nodes(text: str) -> list[ImportNode]:
    """The file's imports at its top level, those in sections excepted."""
    return [node for node in outside(text) if isinstance(node, ImportNode)]


def imports_of(node: ImportNode) -> Iterator[Import]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield Import(alias.name, "", alias.asname or alias.name)
        else:
            module = "." * node.level + (node.module or "")
            yield Import(module, alias.name, alias.asname or alias.name)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _docstring_lines(text: str) -> int:
    match parsed(text).body:
        case [ast.Expr(value=ast.Constant(value=str())) as docstring, *_]:
            return _end(docstring)
    return 0


def _joined(before: Sequence[str], block: str, after: Sequence[str]) -> str:
    above, below = "\n".join(before).rstrip(), "\n".join(after).strip("\n")
    start = "\n\n".join(filter(None, [above, block]))
    return "\n\n\n".join(filter(None, [start, below])) + "\n"


def _block(imports: Iterable[Import]) -> str:
    """As isort writes it: Python's own first, then the others."""
    groups: dict[int, list[Import]] = {}
    for each in sorted(imports):
        groups.setdefault(_group(each), []).append(each)
    return "\n\n".join("\n".join(_lines(groups[number])) for number in sorted(groups))


def _group(each: Import) -> int:
    package = each.module.partition(".")[0]
    if package == "__future__":
        return 0
    return 1 if package in sys.stdlib_module_names else 2


def _lines(imports: Sequence[Import]) -> Iterator[str]:
    yield from (str(each) for each in imports if not each.name)
    named = [each for each in imports if each.name]
    for module, group in groupby(named, lambda each: each.module):
        names = [str(each).partition(" import ")[2] for each in group]
        line = f"from {module} import {', '.join(names)}"
        wrapped = ",\n    ".join(names)
        yield line if len(line) <= WIDTH else f"from {module} import (\n    {wrapped},\n)"
