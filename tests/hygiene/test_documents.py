"""What the documents name exists: files, folders, modules, make's targets, commands, options."""

import importlib
import re
from pathlib import Path

import typer

from kmslab.cli.app import app
from tests.cases import for_every
from tests.hygiene.test_repository import ROOT, tracked

DECISIONS = ROOT / "docs" / "decisions"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
FILES = {path.relative_to(ROOT).as_posix() for path in tracked()}
FOLDERS = {parent.as_posix() for name in FILES for parent in Path(name).parents}
FILE = re.compile(r"(?<![\w./<…-])(?:[\w.-]+/)*[\w-]+\.(?:pyi?|toml|csv|sh|ipynb|lock|yaml)\b")
FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")
MODULE = re.compile(r"\bkmslab(?:\.[A-Za-z_]\w*)+")
TARGET = re.compile(r"(?:`|^ {4})make ([a-z-]+)", re.MULTILINE)
COMMAND = re.compile(r"(?:`|^ {4}(?:\S+/| ?\S+ -m )?)kmslab ([a-z]+)([^`\n]*)", re.MULTILINE)
OPTION = re.compile(r" (--[a-z-]+)")
# Files of a reader's own, or of another project.
OTHERS = {
    "class.yaml",
    "clinic_program.py",
    "my_program.py",
    "tests/seed.yaml",
    "workbook/",
    "alias/",
}


def text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def is_there(name: str, places: set[str]) -> bool:
    """The whole path, or its end: beside a wing's name its files need no more."""
    return any(place == name or place.endswith(f"/{name}") for place in places)


def missing_names(document: str) -> list[str]:
    files = [name for name in FILE.findall(document) if not is_there(name, FILES)]
    folders = [n for n in FOLDER.findall(document) if not is_there(n.strip("/"), FOLDERS)]
    modules = [name for name in MODULE.findall(document) if not resolves(name)]
    targets = [f"make {name}" for name in TARGET.findall(document) if name not in TARGETS]
    found = [*files, *folders, *modules, *targets, *missing_options(document)]
    return [name for name in found if name not in OTHERS]


def missing_options(document: str) -> list[str]:
    """Subcommands of `kmslab` that it does not have, and options that are not the subcommand's."""
    return [
        f"kmslab {name} {word}"
        for name, rest in COMMAND.findall(document)
        for word in ["", *OPTION.findall(f" {rest.split('#')[0]}")]
        if word not in OPTIONS.get(name, ())
    ]


def resolves(dotted: str) -> bool:
    """A module, or a name in one. A file's name, such as kmslab.lock, is neither."""
    head, _, tail = dotted.rpartition(".")
    try:
        importlib.import_module(dotted)
    except ModuleNotFoundError:
        return bool(head) and resolves(head) and hasattr(importlib.import_module(head), tail)
    return True


OPTIONS = {
    name: {
        "",
        *(
            option
            for each in (command, *getattr(command, "commands", {}).values())  # those of a group
            for parameter in each.params
            for option in parameter.opts
        ),
    }
    for name, command in typer.main.get_command(app).commands.items()
}
TARGETS = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))


def named(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@for_every("document", DOCUMENTS, ids=named)
def test_what_a_document_names_is_there(document):
    assert missing_names(text(document)) == []


@for_every(
    "wrong",
    [
        "`kmslab/faces/http.py`",
        "drawn: wire.py → gone.py",
        "in `kms/faces/`",
        "`kmslab.faces`",
        "`kmslab.testing.gone`",
        "run `make gone`",
        "`kmslab gone`",
        "    .venv/bin/kmslab serve --gone",
    ],
)
def test_a_name_that_is_gone_is_found(wrong):
    assert len(missing_names(wrong)) == 1


def test_the_architecture_quotes_rows_of_the_table():
    [rows] = re.findall(r"^```python\n(.*?)^```", text(ROOT / "ARCHITECTURE.md"), re.M | re.S)
    table = {line.strip() for line in text(ROOT / "kmslab/kms/table.py").splitlines()}
    assert set(rows.splitlines()) <= table


def test_the_walks_name_the_files_in_which_their_functions_are():
    steps = re.findall(r"^ *(\S+\.py) {2,}([\w.]+) {2,}\S", text(ROOT / "ARCHITECTURE.md"), re.M)
    assert len(steps) > 10
    for name, function in steps:
        [file] = [place for place in FILES if re.fullmatch(rf"kmslab/(.*/)?{name}", place)]
        assert re.search(rf"\b{function.rpartition('.')[2]}\b", text(ROOT / file)), (name, function)


def test_the_index_of_decisions_lists_each_with_its_title():
    pages = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    titles = [text(page).splitlines()[0].removeprefix("# ").split(". ", 1) for page in pages]
    expected = [
        f"| {number} | [{title}]({page.name}) |"
        for page, (number, title) in zip(pages, titles, strict=True)
    ]
    assert [
        line for line in text(DECISIONS / "README.md").splitlines() if "](0" in line
    ] == expected
    assert [number for number, _ in titles] == [str(n) for n in range(1, len(pages) + 1)]
