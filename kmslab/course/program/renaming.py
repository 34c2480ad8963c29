"""Gives a name at the top of some source another name, where that is safe."""

import ast
import re
import symtable
from collections.abc import Iterator


def renamed(text: str, old: str, new: str) -> str | None:
    """The source with each use of a global name renamed, or None if that is not safe.

    It is not safe where a function has a local name of the same spelling, a `global` statement
    names it, or a use cannot be found in the text.
    """
    if not re.search(rf"\b{re.escape(old)}\b", text):
        return text
    tree = ast.parse(text)
    local, used = _is_local(symtable.symtable(text, "cell", "exec"), old)
    if not used:
        return text
    places = sorted(set(_places(tree, text, old)), reverse=True)
    if local or re.search(rf"\b{re.escape(new)}\b", text):
        return None
    lines = [line.encode() for line in text.split("\n")]
    size = len(old.encode())
    for line, start in places:
        if lines[line][start : start + size] != old.encode():
            return None
        lines[line] = lines[line][:start] + new.encode() + lines[line][start + size :]
    changed = b"\n".join(lines).decode()
    return changed if _is_gone(changed, old) else None


def _is_local(table: symtable.SymbolTable, name: str) -> tuple[bool, bool]:
    """Whether some function has a local of this name, and whether the global one is used."""
    local = used = False
    for symbol in table.get_symbols():
        if symbol.get_name() == name:
            top = table.get_type() == "module"
            is_global = top or symbol.is_global()
            local, used = local or not is_global, used or is_global
            local = local or (symbol.is_declared_global() and not top)
    for child in table.get_children():
        child_local, child_used = _is_local(child, name)
        local, used = local or child_local, used or child_used
    return local, used


def _places(tree: ast.Module, text: str, name: str) -> Iterator[tuple[int, int]]:
    """The line and the byte in it at which each use begins, both counted from zero."""
    lines = text.split("\n")
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=used) if used == name:
                yield node.lineno - 1, node.col_offset
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node.name == name:
                start = node.lineno - 1
                word = re.search(rf"\b{re.escape(name)}\b", lines[start])
                if word:
                    yield start, len(lines[start][: word.start()].encode())


def _is_gone(text: str, name: str) -> bool:
    return not any(
        (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name)
        for node in ast.walk(ast.parse(text))
    )
