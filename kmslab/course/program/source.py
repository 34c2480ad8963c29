"""The source of a learner's functions, with all that they need in order to run in a file.

A name that a function uses is looked up where Python would: among the notebook's. What the notebook
defines itself comes along as source, an import as an import. What cannot be written down, such as
a lab or a key of it, is reported as missing.
"""

import ast
import builtins
import inspect
import linecache
import re
import symtable
import sys
import textwrap
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

PROGRAM = "clinic_program"  # the module that has the learner's functions
COURSES_OWN = "kmslab.course.program.courses"  # has the course's own version of each
NOT_BY_DEF = "is not a function that you have written with `def`"
NESTED = "stands inside another function"
NO_SOURCE = "has no source that can be found"
RENAMED = f"was imported from `{PROGRAM}` under another name; import it under its own"
UNKNOWN = "is defined nowhere"
NO_LITERAL = object()
# Objects of these packages belong to a lab or to a session, which no file can hold.
LIVE = (
    *("kmslab.lab", "kmslab.kms", "kmslab.crypto", "kmslab.endpoint", "kmslab.course"),
    *("boto3", "botocore"),
)

Binding = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, order=True, slots=True)
class Import:
    """`from module import name as bound`, or without a name `import module as bound`."""

    module: str
    name: str
    bound: str

    def __str__(self) -> str:
        if not self.name:
            plain = self.bound == self.module
            return f"import {self.module}" + ("" if plain else f" as {self.bound}")
        renamed = "" if self.bound == self.name else f" as {self.bound}"
        return f"from {self.module} import {self.name}{renamed}"


@dataclass(slots=True)
class Source:
    """What a file needs for some functions to run in it, or what is missing for that."""

    functions: list[str] = field(default_factory=list)
    definitions: dict[str, str] = field(default_factory=dict)  # in order: what is used comes first
    imports: set[Import] = field(default_factory=set)
    own: set[str] = field(default_factory=set)  # names that were imported from `clinic_program`
    missing: dict[str, str] = field(default_factory=dict)  # names, and why they cannot be kept


def source_of(functions: Sequence[Callable[..., Any]]) -> Source:
    """The functions' source, that of their helpers and constants, and their imports."""
    found = Source()
    for function in functions:
        written = inspect.unwrap(function)
        name = getattr(written, "__name__", repr(written))
        if not isinstance(written, FunctionType) or name == "<lambda>":
            found.missing[name] = NOT_BY_DEF
        else:
            found.functions.append(name)
            _Collector(found, written).add_function(name, written)
    return found


class _Collector:
    """Adds to `found` what one function needs, from the notebook in which it was written."""

    def __init__(self, found: Source, function: FunctionType) -> None:
        self._found = found
        self._names = function.__globals__
        self._cells = [_cell_of(function), *_history()]

    def add_function(self, name: str, function: FunctionType) -> None:
        if function.__code__.co_freevars:
            self._found.missing[name] = NESTED
            return None
        cell, line = _cell_of(function), function.__code__.co_firstlineno
        for node in ast.walk(parsed(cell)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                if node.name == function.__name__ and first == line:
                    return self._add_definition(name, cell, node)
        self._found.missing[name] = NO_SOURCE

    def _add_definition(self, name: str, cell: str, node: Binding) -> None:
        """What it uses first; a place is kept for it, since functions may call each other."""
        text = segment(cell, node)
        self._found.definitions[name] = text
        for used in sorted(used_names(text) - {name}):
            self._add(used)
        self._found.definitions[name] = self._found.definitions.pop(name)

    def _add(self, name: str) -> None:
        found = self._found
        known = {each.bound for each in found.imports} | found.own | found.missing.keys()
        if name in known or name in found.definitions:
            return None
        if name not in self._names:
            return self._add_builtin(name)
        value = self._names[name]
        own_name = getattr(value, "__name__", "") == name
        if own_name and str(getattr(value, "__module__", "")).startswith((PROGRAM, COURSES_OWN)):
            found.own.add(name)
        elif own_name and getattr(value, "__globals__", None) is self._names:
            self.add_function(name, value)
        else:
            self._add_from_cells(name, value)

    def _add_from_cells(self, name: str, value: Any) -> None:
        for cell in self._cells:
            for node in reversed(parsed(cell).body):
                if name in bound_names(node):
                    return self._add_bound(name, value, cell, node)
        self._add_value(name, value)

    def _add_builtin(self, name: str) -> None:
        """Nothing, unless IPython has put it among Python's own names."""
        value = getattr(builtins, name, UNKNOWN)
        if value is UNKNOWN:
            self._found.missing[name] = UNKNOWN
        elif str(getattr(value, "__module__", "")).startswith("IPython"):
            self._add_value(name, value)

    def _add_bound(self, name: str, value: Any, cell: str, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._add_import(name, node)
            case ast.Assign() | ast.AnnAssign():
                self._add_assigned(name, value, cell, node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._add_definition(name, cell, node)

    def _add_import(self, name: str, node: ast.Import | ast.ImportFrom) -> None:
        module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if module == PROGRAM:
            self._found.missing[name] = RENAMED
            return
        for alias in node.names:
            bound = alias.asname or alias.name
            if isinstance(node, ast.ImportFrom) and bound == name:
                self._found.imports.add(Import(module, alias.name, bound))
            elif isinstance(node, ast.Import) and bound.partition(".")[0] == name:
                self._found.imports.add(Import(alias.name, "", bound))

    def _add_assigned(
        self, name: str, value: Any, cell: str, node: ast.Assign | ast.AnnAssign
    ) -> None:
        """As it was written, if all that it was made of can be written down; else its value.

        A number or a text has the value that it has now. What the program itself changes begins as
        it was written: a list, a dict, and what a function declares `global`.
        """
        calls = any(isinstance(each, ast.Call) for each in ast.walk(node))
        changed = isinstance(value, Hashable) and _literal(node.value) not in (value, NO_LITERAL)
        by_value = (calls or changed) and _is_literal(value) and not self._is_state(name)
        if _is_live(value) or by_value:
            return self._add_value(name, value)
        before = deepcopy(self._found)
        self._add_definition(name, cell, node)
        if len(self._found.missing) > len(before.missing):
            for part in ("definitions", "imports", "own", "missing"):
                setattr(self._found, part, getattr(before, part))
            self._add_value(name, value)

    def _is_state(self, name: str) -> bool:
        declares = re.compile(rf"^\s+global\b.*\b{re.escape(name)}\b", re.MULTILINE)
        return any(map(declares.search, self._cells))

    def _add_value(self, name: str, value: Any) -> None:
        """What can be said of a value alone: how to import it, or its literal."""
        if isinstance(value, ModuleType):
            self._found.imports.add(Import(value.__name__, "", name))
        elif _is_literal(value):
            self._found.definitions[name] = f"{name} = {value!r}"
        elif importable := _importable(name, value):
            self._found.imports.add(importable)
        else:
            self._found.missing[name] = f"is a `{type(value).__name__}` that only the lesson has"


def _cell_of(function: FunctionType) -> str:
    """The whole cell or file in which a function was written, as it was when it was run."""
    file = function.__code__.co_filename
    linecache.checkcache(file)
    return "".join(linecache.getlines(file, function.__globals__))


def _history() -> Iterator[str]:
    """The cells that this kernel has run, the latest first."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell:
        yield from reversed(shell.history_manager.input_hist_parsed)


def parsed(cell: str) -> ast.Module:
    with suppress(SyntaxError, ValueError):
        return ast.parse(cell)
    return ast.Module([], [])


def bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a cell binds, if it is of a kind that is kept."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        case ast.AnnAssign(value=None):
            return set()
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            within = [each for target in targets for each in ast.walk(target)]
            return {
                each.id
                for each in within
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
    return set()


def segment(cell: str, node: ast.stmt) -> str:
    """The statement with its decorators and the comments right above it."""
    lines = cell.split("\n")
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(each.lineno for each in decorators)]) - 1
    end = node.end_lineno or node.lineno
    after = lines[end - 1].encode()[node.end_col_offset :].decode().strip()
    before = lines[node.lineno - 1].encode()[: node.col_offset].decode().strip()
    if before or (after and not after.startswith("#")):
        return ast.unparse(node)  # it shares a line with another statement
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    text = "\n".join(lines[start:end])
    return textwrap.dedent(text) if node.col_offset else text


def used_names(text: str) -> set[str]:
    """The global names that a statement uses, in its inner functions too."""
    return set(_global_names(symtable.symtable(text, "cell", "exec")))


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if (symbol.is_referenced() and (top or symbol.is_global())) or symbol.is_declared_global():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _global_names(child)


def _is_live(value: Any) -> bool:
    """An instance of a lab's or a client's class. A class or a function is none."""
    if isinstance(value, type | FunctionType | ModuleType):
        return False
    module = type(value).__module__
    return any(module == each or module.startswith(f"{each}.") for each in LIVE)


def _is_literal(value: Any) -> bool:
    with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        read = ast.literal_eval(repr(value))
        return type(read) is type(value) and bool(read == value)
    return False


def _literal(node: ast.expr | None) -> Any:
    with suppress(ValueError, TypeError):
        return ast.literal_eval(node) if node else NO_LITERAL
    return NO_LITERAL


def _importable(name: str, value: Any) -> Import | None:
    module = getattr(value, "__module__", None)
    own = getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(own, str) or module == "__main__":
        return None
    with suppress(ImportError):
        if getattr(import_module(module), own, None) is value:
            return Import(module, own, name)
    return None
