"""Who may do what with a key of each kind: every cell shows the answer to a call made for it."""

from kmslab.figures.canvas import GREY, INK, PALE, PALE_GREEN, VERMILLION, WIDTH, Canvas, Picture
from kmslab.figures.key_kind_trials import QUESTIONS, KindResult, TrialResult, try_kinds
from kmslab.lab.lab import Lab

MARGIN, HEADER, ROW, PAD, LINE, CELL = 16, 66, 60, 10, 22, 226  # CSS pixels; CELL: a column
QUESTION = WIDTH - 2 * MARGIN - 3 * CELL
NO_ALIAS = "in no list of yours"
FILLS = {True: PALE_GREEN, False: "white", None: PALE}  # by `TrialResult.good`


def kinds(lab: Lab) -> Picture:
    """Try a customer managed key, an AWS managed key and an AWS owned key.

    Each encrypts an object in a bucket; the caller is the root user of the lab's account. All of it
    happens in a rehearsal and is undone. The lab must be in memory.
    """
    results = try_kinds(lab)
    canvas = Canvas(MARGIN + HEADER + ROW * len(QUESTIONS) + MARGIN)
    canvas.label(MARGIN + PAD, MARGIN + 18, "The account's root", weight="bold")
    canvas.label(MARGIN + PAD, MARGIN + 44, "tries to …", weight="bold")
    for column, each in enumerate(results):
        middle = _left(column) + CELL / 2
        canvas.label(middle, MARGIN + 18, each.kind, CELL - PAD, ha="center", weight="bold")
        alias = each.alias or NO_ALIAS
        canvas.label(middle, MARGIN + 44, alias, CELL - PAD, ha="center", color=GREY)
    for number, question in enumerate(QUESTIONS):
        top = MARGIN + HEADER + ROW * number
        canvas.box(MARGIN, top, QUESTION, ROW, linewidth=1)
        canvas.label(MARGIN + PAD, top + ROW / 2 - LINE / 2, question.wish, weight="bold")
        canvas.label(
            MARGIN + PAD, top + ROW / 2 + LINE / 2, question.method, QUESTION - PAD, color=GREY
        )
        for column, each in enumerate(results):
            _draw(canvas, each.results[number], _left(column), top)
    return Picture(canvas.figure, _caption(results))


def _left(column: int) -> float:
    return MARGIN + QUESTION + CELL * column


def _draw(canvas: Canvas, result: TrialResult, left: float, top: float) -> None:
    canvas.box(left, top, CELL, ROW, linewidth=1, facecolor=FILLS[result.good])
    lines = result.text.replace("Exception", "\nException").splitlines()
    first = top + ROW / 2 - LINE * (len(lines) - 1) / 2
    colour = VERMILLION if result.good is False else INK
    for number, line in enumerate(lines):
        place = (left + CELL / 2, first + LINE * number)
        canvas.label(*place, line, CELL - PAD, ha="center", color=colour, weight="bold")


def _caption(results: list[KindResult]) -> str:
    keys = [f"{each.kind} ({_alias(each)})" for each in results]
    rows = [_sentence(number, results) for number in range(len(QUESTIONS))]
    heading = f"Picture: the account's root tries three kinds of key: {', '.join(keys)}."
    return " ".join([heading, *rows])


def _alias(result: KindResult) -> str:
    return f"`{result.alias}`" if result.alias else NO_ALIAS


def _sentence(number: int, results: list[KindResult]) -> str:
    question = QUESTIONS[number]
    texts = [each.results[number].text for each in results]
    shown = [f"`{text}`" if text.endswith("Exception") else text for text in texts]
    return f"To **{question.wish}** ({question.method}): {'; '.join(shown)}."
