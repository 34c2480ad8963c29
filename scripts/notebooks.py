"""The only way a lesson is saved: run from the top in a fresh kernel, rid of what editors leave.

The committed .ipynb is a lesson's only source. Edit it anywhere, then

    make notebooks               all lessons
    make notebooks LESSON=01     one

Timestamps, widget state and an editor's own metadata go; what a reader sees stays. A lesson that
does not run to its end, or in which a cell should fail and does not, is not saved.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
FAILS = "raises-exception"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def normalise(notebook: NotebookNode) -> None:
    """Keep tags, outputs and counts; drop whatever else a program left behind."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5  # the first with cell ids
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})


def run(notebook: NotebookNode, folder: Path) -> None:
    """Execute in place. Raises `CellExecutionError` at the first cell that fails unasked."""
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    ).execute()


def silent_failures(notebook: NotebookNode) -> list[str]:
    """The ids of cells that are tagged to fail and did not."""
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
    if quiet := silent_failures(notebook):
        return f"should fail and did not: {', '.join(quiet)}"
    normalise(notebook)
    nbformat.write(notebook, path)
    return ""


def size(path: Path) -> str:
    """What an author wants to know. A lesson has 1,200–1,700 words, and at most 25 code cells."""
    cells = nbformat.read(path, as_version=4).cells
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    return f"saved; {words:,} words, {sum(cell.cell_type == 'code' for cell in cells)} code cells"


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    paths = sorted(FOLDER.glob(f"{wanted}*.ipynb"))
    if not paths:
        sys.exit(f"There is no lesson {wanted!r} in notebooks/.")
    problems = {path.name: save(path) for path in paths}
    for name, problem in problems.items():
        print(f"{name}: {problem or size(FOLDER / name)}")
    sys.exit(any(problems.values()))


if __name__ == "__main__":
    main()
