"""A file as a tree of nodes with their places, so that every error names its line.

Rule: a value stays the text in the file (YAML would make a number of an account and a date of some
hex digits), a name may stand only once, and no error quotes a value that could be a secret.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from kmslab.display import PlainError

DEPTH = 40  # of nodes in nodes; a YAML alias can contain itself
LIMIT = 1024 * 1024  # bytes of a file
NODES = 100_000  # of a file; an alias counts as often as it repeats what it names
TAGS = {"null", "bool", "int", "float", "timestamp", "str", "seq", "map", "merge", "value"}
DIGITS = 9  # of a number, at most
NO_YAML = (
    "Reading YAML needs PyYAML, which is not installed: pip install PyYAML. A seed in "
    "JSON (a file named *.json) needs nothing more."
)

Content = str | dict[str, "Node"] | list["Node"] | None


class SeedError(PlainError):
    """A seed is wrong. The text names the file, the place, and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    path: str = ""  # keys[0].spec
    line: int = 0  # 0: not known

    def wrong(self, text: str) -> NoReturn:
        line = f", line {self.line}" if self.line else ""
        path = f" ({self.path})" if self.path else ""
        raise SeedError(f"{self.file}{line}{path}: {text}") from None  # a parser quotes the file

    def inside(self, name: str | int, line: int = 0) -> "Place":
        step = f"[{name}]" if isinstance(name, int) else f".{name}" if self.path else name
        return Place(self.file, self.path + step, line)


@dataclass(frozen=True, slots=True)
class Node:
    """The content of one place: a text, a list of nodes, or names with a node each."""

    content: Content = field(repr=False)  # it may be a secret
    at: Place

    def wrong(self, text: str) -> NoReturn:
        self.at.wrong(text)

    def text(self) -> str:
        if not isinstance(self.content, str):
            self.wrong("a text is expected here.")
        return self.content

    def number(self) -> int:
        text = self.text()
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
            self.wrong("a whole number is expected here.")
        return int(text)

    def items(self) -> list["Node"]:
        if not isinstance(self.content, list):
            self.wrong("a list is expected here.")
        return self.content

    def names(self) -> dict[str, "Node"]:
        """The names that have a value. One without a value (`keys:` alone) counts as absent."""
        if not isinstance(self.content, dict):
            self.wrong("names with values are expected here (name: value).")
        return {name: node for name, node in self.content.items() if node.content is not None}

    def members(self, *known: str) -> dict[str, "Node"]:
        """The names that have a value, all of which must be known."""
        found = self.names()
        for name, node in found.items():
            if name not in known:
                close = get_close_matches(name, known, 1)
                meant = f" Is {close[0]} meant?" if close else f" Known are: {', '.join(known)}."
                node.wrong(f"{name} means nothing here.{meant}")
        return found

    def plain(self) -> Any:
        """As dicts, lists and texts. A policy document needs no other scalars."""
        if isinstance(self.content, dict):
            return {name: node.plain() for name, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain() for node in self.content]
        return self.text()


def read(path: Path) -> Node:
    """The whole file: JSON if its name ends in `.json`, else YAML. Raises `SeedError`."""
    at = Place(path.name)
    try:
        with path.open("rb") as file:
            written = file.read(LIMIT + 1)
        text = written.decode("utf-8-sig")
    except OSError as error:
        raise SeedError(f"The seed {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SeedError(f"The seed {path} is not a text in UTF-8.") from None
    if len(written) > LIMIT:
        at.wrong(f"a seed has at most {LIMIT:,} bytes. Divide it into several files.")
    try:
        return _json(text, at) if path.suffix == ".json" else _yaml(text, at)
    except RecursionError:
        at.wrong("this is nested too deeply.")


class _Names(list[tuple[str, Any]]):
    """A JSON object's members in order, including repeated names."""


def _json(text: str, at: Place) -> Node:
    try:
        value = json.loads(
            text, object_pairs_hook=_Names, parse_int=str, parse_float=str, parse_constant=str
        )
    except json.JSONDecodeError as error:
        Place(at.file, line=error.lineno).wrong(f"this is not JSON: {error.msg}.")
    return _json_node(value, at)


def _json_node(value: Any, at: Place) -> Node:
    _check_depth(at)
    if isinstance(value, _Names):
        nodes = ((name, at, _json_node(item, at.inside(name))) for name, item in value)
        return Node(_once(nodes), at)
    if isinstance(value, list):
        return Node([_json_node(item, at.inside(place)) for place, item in enumerate(value)], at)
    if isinstance(value, bool):
        return Node(str(value).lower(), at)
    return Node(value, at) if value is None else Node(_whole(value, at), at)


def _yaml(text: str, at: Place) -> Node:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(NO_YAML, name=error.name) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:  # its own text quotes the line, with any secret in it
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        Place(at.file, line=line).wrong(f"this is not YAML: {_problem(error.problem)}.")
    except yaml.YAMLError:
        at.wrong("this is not YAML: it contains characters that a text cannot have.")
    if root and _size(root, {}) > NODES:
        at.wrong(f"this is nested too deeply, or its aliases repeat more than {NODES:,} values.")
    return _yaml_node(root, at) if root else Node(None, at)


def _size(node: Any, known: dict[int, int]) -> int:
    """How many nodes there are with all aliases written out, counted without writing them out."""
    if node.id == "scalar":
        return 1
    if id(node) not in known:
        known[id(node)] = NODES + 1  # an alias inside what it names repeats without end
        parts = node.value if node.id == "sequence" else chain.from_iterable(node.value)
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def _problem(text: str | None) -> str:
    """The parser's message up to its first quotation."""
    return (text or "it cannot be read").partition("'")[0].partition('"')[0].strip()


def _yaml_node(node: Any, at: Place) -> Node:
    _check_depth(at)
    line = node.start_mark.line + 1
    at = Place(at.file, at.path, line)
    if node.tag.removeprefix("tag:yaml.org,2002:") not in TAGS:
        at.wrong("a tag (!) means nothing in a seed. Leave it out.")
    if node.id == "sequence":
        items = enumerate(node.value)
        return Node([_yaml_node(item, at.inside(place, line)) for place, item in items], at)
    if node.id == "mapping":
        return Node(_once(_yaml_name(name, value, at) for name, value in node.value), at)
    return Node(None if node.tag.endswith(":null") else _whole(node.value, at), at)


def _yaml_name(name: Any, value: Any, at: Place) -> tuple[str, Place, Node]:
    place = Place(at.file, at.path, name.start_mark.line + 1)
    if name.id != "scalar":
        place.wrong("a name is expected here, not a list or names.")
    return name.value, place, _yaml_node(value, place.inside(name.value, place.line))


def _once(nodes: Iterable[tuple[str, Place, Node]]) -> dict[str, Node]:
    """Refuses a repeated name. A parser would silently take the last one."""
    found: dict[str, Node] = {}
    for name, at, node in nodes:
        if _whole(name, at) in found:
            at.wrong(f"{name} stands here twice.")
        found[name] = node
    return found


def _whole(text: str, at: Place) -> str:
    """Refuses a lone surrogate, which an escape can write and no store can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        at.wrong("this holds half a character (a lone surrogate).")
    return text


def _check_depth(at: Place) -> None:
    if at.path.count(".") + at.path.count("[") > DEPTH:
        Place(at.file, line=at.line).wrong("this is nested too deeply.")
