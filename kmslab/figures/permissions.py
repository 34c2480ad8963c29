"""Who may do what with one key, and what allows it: each cell is decided as a call would be."""

from collections.abc import Mapping

from kmslab.figures.canvas import PALE_GREEN, VERMILLION, WIDTH, Canvas, Picture
from kmslab.kms.access import Reason
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

MARGIN, HEADER, ROW, PAD, WHO = 16, 40, 44, 10, 180  # CSS pixels; WHO: the names' column
ACTIONS = ("Decrypt", "CreateGrant", "PutKeyPolicy", "DisableKey")
CELL = (WIDTH - 2 * MARGIN - WHO) / len(ACTIONS)
ALLOWED = {
    Reason.KEY_POLICY: "key policy",
    Reason.KEY_AND_IAM: "key policy and IAM",
    Reason.GRANT: "a grant",
}
REFUSED = "refused"


def permissions(
    key: CMK, people: Mapping[str, View], context: Mapping[str, str] | None = None
) -> Picture:
    """Draw what each person (one to eight, by the name to show) may do with the key.

    `context`: the encryption context of their calls. Nothing is called, and nothing is logged.
    """
    rows = {name: _row(key, person, context) for name, person in people.items()}
    canvas = Canvas(MARGIN + HEADER + ROW * len(rows) + MARGIN)
    for column, action in enumerate(ACTIONS):
        middle = _left(column) + CELL / 2
        canvas.label(middle, MARGIN + HEADER / 2, action, CELL - PAD, ha="center", weight="bold")
    for number, (name, texts) in enumerate(rows.items()):
        top = MARGIN + HEADER + ROW * number
        canvas.box(MARGIN, top, WHO, ROW, linewidth=1)
        canvas.label(MARGIN + PAD, top + ROW / 2, name, WHO - 2 * PAD, weight="bold")
        for column, text in enumerate(texts):
            _draw(canvas, text, _left(column), top)
    return Picture(canvas.figure, _caption(key, context, rows))


def _row(key: CMK, person: View, context: Mapping[str, str] | None) -> list[str]:
    verdicts = [person.explain(f"kms:{action}", key, context).verdict for action in ACTIONS]
    return [ALLOWED[each.reason] if each.allowed else REFUSED for each in verdicts]


def _left(column: int) -> float:
    return MARGIN + WHO + CELL * column


def _draw(canvas: Canvas, text: str, left: float, top: float) -> None:
    middle = (left + CELL / 2, top + ROW / 2)
    if text == REFUSED:
        canvas.box(left, top, CELL, ROW, linewidth=1)
        canvas.cross(left + CELL / 2 - 52, top + ROW / 2)
        canvas.label(*middle, text, CELL - PAD, ha="center", color=VERMILLION)
    else:
        canvas.box(left, top, CELL, ROW, linewidth=1, facecolor=PALE_GREEN)
        canvas.label(*middle, text, CELL - PAD, ha="center", weight="bold")


def _caption(key: CMK, context: Mapping[str, str] | None, rows: Mapping[str, list[str]]) -> str:
    said = ", ".join(f"{name}={value}" for name, value in (context or {}).items())
    about = f" with the context `{said}`" if said else ""
    rights = sum(text != REFUSED for texts in rows.values() for text in texts)
    start = (
        f"Picture: who may do what with key `{key.id[:8]}…`{about}; {rights} of "
        f"{len(rows) * len(ACTIONS)} questions are answered with yes."
    )
    return " ".join([start, *(_sentence(name, texts) for name, texts in rows.items())])


def _sentence(name: str, texts: list[str]) -> str:
    pairs = zip(ACTIONS, texts, strict=True)
    return f"**{name}**: {', '.join(f'{action} {_by(text)}' for action, text in pairs)}."


def _by(text: str) -> str:
    return text if text == REFUSED else f"allowed ({text})"
