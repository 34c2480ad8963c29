"""A reader of the book bets as well: what comes between a bet and its answer is folded.

The outputs are folded from the cell with `predict("ID", …)` to the one with `reveal("ID")`. The
code stays in sight, since it says what is about to happen.
"""

import json
import re
from typing import Any

BET = re.compile(r"^predict\(\"([\w-]+)\"", re.MULTILINE)
ANSWER = re.compile(r"^reveal\(\"([\w-]+)\"", re.MULTILINE)
HAPPENED, ANSWERED = "What happened", "The answer"


def fold(notebook: dict[str, Any]) -> None:
    """Adds MyST-NB's tag to the cells whose outputs would tell how a bet ends."""
    waiting: set[str] = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        answers = set(ANSWER.findall(source))
        if waiting or answers:
            label = ANSWERED if answers else HAPPENED
            cell["metadata"].setdefault("tags", []).append("hide-output")
            cell["metadata"]["mystnb"] = {"code_prompt_show": label, "code_prompt_hide": label}
        waiting = (waiting | set(BET.findall(source))) - answers


def fold_answers(app: Any, docname: str, source: list[str]) -> None:
    if app.env.doc2path(docname).suffix == ".ipynb":
        notebook = json.loads(source[0])
        fold(notebook)
        source[0] = json.dumps(notebook)


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", fold_answers)
    return {"parallel_read_safe": True}
