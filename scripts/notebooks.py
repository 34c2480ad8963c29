"""Runs lessons from the top in a fresh kernel and saves them: the only way to save one.

The committed .ipynb is a lesson's only source. Edit it in any program, then

    make notebooks                  all lessons
    make notebooks LESSON=01        one
    scripts/notebooks.py --links    none: only the last line of each is written, nothing is run

Timestamps, widget state and an editor's own metadata are removed; what a reader sees is kept. A
lesson is not saved if it does not run to its end, or if a cell that should fail does not. The last
line of each lesson (previous · contents · next) is made of the folder's file names and titles.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from kmslab.course.workbook import WORKBOOK_VARIABLE, WorkbookError, find

FOLDER = Path(__file__).parents[1] / "notebooks"
FAILS = "raises-exception"
LINKS = "--links"
LAST_CELL = "onward"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def normalise(notebook: NotebookNode) -> None:
    """Keep tags, outputs and execution counts; remove all other metadata."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5  # the first with cell ids
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})


def lessons(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ipynb"))


def title(path: Path) -> str:
    """The lesson's title without its number; a colon would look odd after `next:`."""
    heading = nbformat.read(path, as_version=4).cells[0].source.partition("\n")[0]
    return re.sub(r"^# (\d+ · )?", "", heading).strip().replace(": ", ", ")


def last_line(path: Path) -> str:
    """Links to the lesson before this one, to the contents, and to the lesson after it."""
    there = lessons(path.parent)
    here = there.index(path)
    before, after = there[:here][-1:], there[here + 1 :][:1]
    parts = [f"[previous: {title(each)}]({each.name})" for each in before]
    parts += ["[contents](README.md)"]
    parts += [f"[next: {title(each)}]({each.name})" for each in after]
    return " · ".join(parts)


def link(notebook: NotebookNode, path: Path) -> None:
    """Write the last line: in place of the old one, or in a new cell."""
    last = notebook.cells[-1]
    *text, old = last.source.splitlines() or [""]
    if last.cell_type != "markdown" or "(README.md)" not in old:
        notebook.cells.append(nbformat.v4.new_markdown_cell(last_line(path), id=LAST_CELL))
    else:
        last.source = "\n".join([*text, last_line(path)])


def link_all(folder: Path) -> list[str]:
    """Write the last line of every lesson; return the names of those that changed."""
    changed = []
    for path in lessons(folder):
        notebook = nbformat.read(path, as_version=4)
        before = nbformat.writes(notebook)
        link(notebook, path)
        if nbformat.writes(notebook) != before:
            nbformat.write(notebook, path)
            changed.append(path.name)
    return changed


def run(notebook: NotebookNode, folder: Path) -> None:
    """Execute in place. Raises `CellExecutionError` if a cell without the tag fails."""
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    ).execute()


def missing_failures(notebook: NotebookNode) -> list[str]:
    """The ids of cells that have the tag and did not fail."""
    return [
        cell.id
        for cell in notebook.cells
        if FAILS in cell.metadata.get("tags", ())
        and not any(output.output_type == "error" for output in cell.outputs)
    ]


def save(path: Path) -> str:
    """Run and save one lesson; return what went wrong, or ""."""
    notebook = nbformat.read(path, as_version=4)
    try:
        run(notebook, path.parent)
    except CellExecutionError as error:
        return str(error)
    if missing := missing_failures(notebook):
        return f"should fail and did not: {', '.join(missing)}"
    normalise(notebook)
    link(notebook, path)
    nbformat.write(notebook, path)
    return ""


def size(path: Path) -> str:
    """The size of a saved lesson, which should have 1,200–1,700 words and at most 25 code cells."""
    cells = nbformat.read(path, as_version=4).cells
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    return f"saved; {words:,} words, {sum(cell.cell_type == 'code' for cell in cells)} code cells"


def main() -> None:
    os.environ.pop(WORKBOOK_VARIABLE, None)  # else a learner's own program would take part
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        paths = [find(wanted, FOLDER)] if wanted not in ("", LINKS) else lessons(FOLDER)
    except WorkbookError as error:
        sys.exit(str(error))
    failed = False
    for path in paths if wanted != LINKS else ():
        print(path.name, end=": ", flush=True)
        problem = save(path)
        print(problem or size(path))
        failed = failed or bool(problem)
    for name in link_all(FOLDER):
        print(f"{name}: new links in its last line")
    sys.exit(failed)


if __name__ == "__main__":
    main()
