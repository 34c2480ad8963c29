"""The committed lessons, and the rules that each of them must keep.

A rule takes a lesson and yields its complaints. test_lessons.py applies every rule to every lesson,
and shows with a broken lesson for each rule that the rule works.
"""

import ast
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from itertools import pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from scripts.notebooks import FAILS, normalise

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
VARIES = "nbval-ignore-output"
MAX_VARYING = 3  # cells of a lesson whose output no test compares
MAX_CODE_CELLS = 25
MAX_LINES = 6  # of code in a cell; the aim is four
MAX_BYTES = 300_000
QUESTIONS = 5


@dataclass(frozen=True)
class Lesson:
    path: Path
    siblings: tuple[str, ...]  # names of all lessons, in order

    @cached_property
    def notebook(self) -> NotebookNode:
        return nbformat.read(self.path, as_version=4)

    @property
    def number(self) -> str:
        return self.path.name[:2]

    def cells(self, kind: str) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == kind]

    @property
    def code(self) -> list[NotebookNode]:
        return self.cells("code")

    @property
    def prose(self) -> list[NotebookNode]:
        return self.cells("markdown")


LESSONS = [Lesson(path, tuple(path.name for path in PATHS)) for path in PATHS]

Rule = Callable[[Lesson], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def calls(cell: NotebookNode, name: str) -> list[ast.Call]:
    """The calls of a plain name in a code cell, such as `predict(…)`."""
    return [
        node
        for node in ast.walk(syntax(cell))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def syntax(cell: NotebookNode) -> ast.Module:
    """Without lines of IPython's magic; `runs_on_every_system` allows one such line."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M))


def links(markdown: str) -> list[str]:
    """The targets of Markdown links and pictures, except in code."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.S)
    found = re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", text)
    return found + re.findall(r"(?:src|href)=[\"']([^\"']+)", text)


# ------------------------------------------------------------------------------- how it is saved


@rule
def saved_by_the_script(lesson: Lesson) -> Iterator[str]:
    notebook = nbformat.read(lesson.path, as_version=4)
    normalise(notebook)
    if nbformat.writes(notebook) + "\n" != lesson.path.read_text(encoding="utf-8"):
        yield "not saved by `make notebooks`"


@rule
def run_from_top_to_bottom(lesson: Lesson) -> Iterator[str]:
    counts = [cell.execution_count for cell in lesson.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}"


@rule
def named_cells(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.notebook.cells:
        random = re.fullmatch(r"[0-9a-f]{8}", cell.id)
        if random or not re.fullmatch(r"[a-z]+[a-z0-9]*(-[a-z0-9]+)*", cell.id):
            yield f"{cell.id!r} is not a name such as demo-stop"


@rule
def known_tags(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.notebook.cells:
        for tag in tags(cell):
            if tag not in (FAILS, VARIES) and not re.fullmatch(r"exercise:[\w-]+", tag):
                yield f"{cell.id}: unknown tag {tag!r}"


@rule
def small_file(lesson: Lesson) -> Iterator[str]:
    size = lesson.path.stat().st_size
    if size >= MAX_BYTES:
        yield f"{size:,} bytes"


@rule
def no_local_paths(lesson: Lesson) -> Iterator[str]:
    text = lesson.path.read_text(encoding="utf-8")
    for path in re.findall(r"/(?:home|Users|root|tmp|usr|var|\w+/site-packages)/[\w.-]*", text):
        yield f"a path on the computer that ran it: {path}"
    yield from re.findall(r"[A-Z]:\\\\\w+|<[^<>\n]* at 0x[0-9a-f]+>", text)


# ------------------------------------------------------------------------------------ its outputs


@rule
def no_line_numbers_of_modules(lesson: Lesson) -> Iterator[str]:
    """An output with `self_test.py:144` would change with each edit above that line."""
    for cell in lesson.code:
        for numbered in re.findall(r"\w+\.py(?::|\W{1,4}line )\d+", str(cell.outputs)):
            yield f"{cell.id}: {numbered}"


@rule
def fails_only_where_tagged(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed != (FAILS in tags(cell)):
            yield f"{cell.id}: {'fails without' if failed else 'does not fail and has'} the tag"


@rule
def no_warnings(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield f"{cell.id}: writes to stderr"


@rule
def pictures_have_captions_with_numbers(lesson: Lesson) -> Iterator[str]:
    """The caption is an HTML image's text, and the only part of a picture that nbval compares."""
    for cell in lesson.code:
        for data in [output.get("data", {}) for output in cell.outputs]:
            if any(kind.startswith("image/") for kind in data):
                yield f"{cell.id}: an image that JupyterLab shows without a text"
            for image in re.findall(r"<img\b[^>]*>", data.get("text/html", "")):
                text = re.search(r'\balt="([^"]*)"', image)
                if not text or unescape(text[1]) != data.get("text/plain"):
                    yield f"{cell.id}: an image whose alt is not its caption"
                elif not re.search(r"\d", text[1]):
                    yield f"{cell.id}: a caption that does not state the picture's numbers"


@rule
def few_unchecked_outputs(lesson: Lesson) -> Iterator[str]:
    varies = [VARIES in tags(cell) for cell in lesson.code]
    if sum(varies) > MAX_VARYING:
        yield f"{sum(varies)} cells with {VARIES}, at most {MAX_VARYING}"
    for (this, after), cell in zip(pairwise([*varies, True]), lesson.code, strict=True):
        if this and after:
            yield f"{cell.id}: its output varies, and the next cell states no invariant"


# ---------------------------------------------------------------------------------------- its code


@rule
def short_cells(lesson: Lesson) -> Iterator[str]:
    if len(lesson.code) > MAX_CODE_CELLS:
        yield f"{len(lesson.code)} code cells"
    for cell in lesson.code:
        lines = [line for line in cell.source.splitlines() if re.match(r"\s*[^#\s]", line)]
        if len(lines) > MAX_LINES and not any(tag.startswith("exercise:") for tag in tags(cell)):
            yield f"{cell.id}: {len(lines)} lines of code"


@rule
def runs_on_every_system(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        for line in cell.source.splitlines():
            magic = re.match(r"\s*[%!]", line) and line != "%xmode Minimal"
            if magic or re.search(r"\bpip install\b", line):
                yield f"{cell.id}: {line}"


@rule
def no_path_separators(lesson: Lesson) -> Iterator[str]:
    """`alias/orders`, an ARN and `sqlite://` are names, not paths."""
    path = re.compile(r"[A-Za-z]:\\|\\\w|^[~.]*/|^(?!\w+://|alias/|arn:)\S*/\S*\.\w{1,5}$")
    for cell in lesson.code:
        constants = [
            node.value for node in ast.walk(syntax(cell)) if isinstance(node, ast.Constant)
        ]
        for text in constants:
            if isinstance(text, str) and path.search(text):
                yield f"{cell.id}: {text!r}"


@rule
def no_silencing_semicolon(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        if cell.source.rstrip().endswith(";"):
            yield f"{cell.id}: a semicolon at the end has no effect here"


@rule
def no_last_result(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        names = {node.id for node in ast.walk(syntax(cell)) if isinstance(node, ast.Name)}
        for name in names & {"_", "__", "Out", "In"}:
            yield f"{cell.id}: {name} is empty when nbval runs a lesson"


# --------------------------------------------------------------------------------- bets, exercises


def bet(call: ast.Call) -> str:
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) else ast.unparse(first)


@rule
def every_bet_is_open_and_revealed(lesson: Lesson) -> Iterator[str]:
    story = [
        (name, bet(call), call)
        for cell in lesson.code
        for name in ("predict", "reveal")
        for call in calls(cell, name)
    ]
    made = [id for name, id, _ in story if name == "predict"]
    shown = [id for name, id, _ in story if name == "reveal"]
    if made != shown or len(set(made)) != len(made):
        yield f"bets {made}, revealed {shown}"
    for name, id, call in story:
        if not id.startswith(f"{lesson.number}-"):
            yield f"{name}({id!r}) belongs to another lesson"
        if name == "predict" and ast.unparse(call.args[1]) != "undecided":
            yield f"{id}: predict must have `undecided`"


@rule
def every_exercise_is_checked(lesson: Lesson) -> Iterator[str]:
    for cell, after in pairwise([*lesson.code, nbformat.v4.new_code_cell()]):
        for tag in tags(cell):
            kind, _, name = tag.partition(":")
            if kind == "exercise" and name not in [bet(call) for call in calls(after, "check")]:
                yield f"{cell.id}: the next code cell does not check {name!r}"
            elif kind == "exercise" and f"hint('{name}', 0)" not in map(
                ast.unparse, calls(after, "hint")
            ):
                yield f"{after.id}: no hint({name!r}, 0), or it shows a hint"


# --------------------------------------------------------------------------------------- its prose


@rule
def one_title(lesson: Lesson) -> Iterator[str]:
    headings = [
        heading
        for cell in lesson.prose
        for heading in re.findall(
            r"^(#+) (.*)$", re.sub(r"```.*?```", "", cell.source, flags=re.S), re.M
        )
    ]
    titles = [text for level, text in headings if level == "#"]
    if len(titles) != 1 or not re.match(rf"{int(lesson.number)} · \S", titles[0]):
        yield f"H1: {titles}"
    if not lesson.notebook.cells[0].source.startswith("# "):
        yield "the title does not come first"
    for level, text in headings:
        if level == "##" and re.match(r"\d+[.) ]", text):
            yield f"a numbered heading: {text}"
        if len(level) > 2:
            yield f"deeper than H2: {text}"


@rule
def relative_links_resolve(lesson: Lesson) -> Iterator[str]:
    """Links lead to the same folder, because the learner's workbook has no others."""
    for cell in lesson.prose:
        for link in links(cell.source):
            target = link.partition("#")[0]
            if re.match(r"\w+:", link) or not target:
                continue
            if target not in ("README.md", *lesson.siblings):
                yield f"{cell.id}: {link}"


@rule
def last_line_links_previous_contents_and_next(lesson: Lesson) -> Iterator[str]:
    last = lesson.notebook.cells[-1].source.splitlines()[-1]
    here = lesson.siblings.index(lesson.path.name)
    expected = [*lesson.siblings[:here][-1:], "README.md", *lesson.siblings[here + 1 :][:1]]
    if links(last) != expected or last.count(" · ") != len(expected) - 1:
        yield f"it is {last!r}; expected, with · between, links to {expected}"


@rule
def five_questions_whose_answers_unfold(lesson: Lesson) -> Iterator[str]:
    questions = sum("<details" in cell.source for cell in lesson.prose)
    if questions != QUESTIONS:
        yield f"{questions} questions"
    for cell in lesson.prose:
        count = cell.source.count("<details")
        if count > 1:
            yield f"{cell.id}: {count} questions in one cell"
        if count and not re.search(r"</summary>[ ]*\n\n", cell.source):
            yield f"{cell.id}: no blank line after </summary>"


# ----------------------------------------------------------------------------------------- Korean


def glossary() -> dict[str, list[str]]:
    with (Path(__file__).parent / "terms.csv").open(encoding="utf-8", newline="") as file:
        return {row["english"].lower(): row["korean"].split(";") for row in csv.DictReader(file)}


TERM = re.compile(
    r"\*([^*\n]+)\*\s\((?=[^()]*[\uac00-\ud7a3])((?:[^()]|\([^()]*\))*)\)"  # *word* (용어)
)


def singular(word: str) -> str:
    word = word.lower()
    return word if word in glossary() else re.sub(r"(?<=s)es$|s$", "", word)


@rule
def korean_terms_are_those_of_aws(lesson: Lesson) -> Iterator[str]:
    text = "\n".join(cell.source for cell in lesson.prose)
    known = glossary()
    for use in TERM.finditer(text):
        word, term = singular(use[1]), use[2]
        if term not in known.get(word, ()):
            yield f"*{use[1]}* ({term}): terms.csv has {known.get(word, 'no such term')}"
        before = re.sub(r"`[^`\n]*`|^#.*$", "", text[: use.start()], flags=re.M)
        if re.search(rf"\b{re.escape(word)}(e?s)?\b", before, re.I):
            yield f"*{use[1]}* ({term}) is not the word's first use"
