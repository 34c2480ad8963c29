"""Who may do what with a key of each kind: every cell is the answer to a call, made for it."""

from kmslab.figures.canvas import GREEN, GREY, INK, PALE, VERMILLION, WIDTH, Canvas, Picture
from kmslab.figures.key_kind_trials import QUESTIONS, Answer, Tried, try_kinds
from kmslab.lab.lab import Lab

MARGIN, HEADER, ROW, PAD, LINE, CELL = 16, 66, 60, 10, 22, 226  # CSS pixels; CELL: a column
NAMES = WIDTH - 2 * MARGIN - 3 * CELL
NO_LIST = "in no list of yours"
FILLS = {True: GREEN, False: "white", None: PALE}


def kinds(lab: Lab) -> Picture:
    """Try a key that the customer manages, one that AWS manages and one that AWS owns.

    Each guards an object in a bucket meanwhile; the caller is the root user of the lab's account.
    Nothing of it stays: it happens in a rehearsal, as a check does. For a lab in memory.
    """
    tried = try_kinds(lab)
    canvas = Canvas(MARGIN + HEADER + ROW * len(QUESTIONS) + MARGIN)
    canvas.label(MARGIN + PAD, MARGIN + 18, "The account's root", weight="bold")
    canvas.label(MARGIN + PAD, MARGIN + 44, "tries to …", weight="bold")
    for column, each in enumerate(tried):
        middle = _left(column) + CELL / 2
        canvas.label(middle, MARGIN + 18, each.kind, CELL - PAD, ha="center", weight="bold")
        alias = each.alias or NO_LIST
        canvas.label(middle, MARGIN + 44, alias, CELL - PAD, ha="center", color=GREY)
    for number, (wanted, how, _) in enumerate(QUESTIONS):
        top = MARGIN + HEADER + ROW * number
        canvas.box(MARGIN, top, NAMES, ROW, linewidth=1)
        canvas.label(MARGIN + PAD, top + ROW / 2 - LINE / 2, wanted, weight="bold")
        canvas.label(MARGIN + PAD, top + ROW / 2 + LINE / 2, how, NAMES - PAD, color=GREY)
        for column, each in enumerate(tried):
            _draw(canvas, each.answers[number], _left(column), top)
    return Picture(canvas.figure, _caption(tried))


def _left(column: int) -> float:
    return MARGIN + NAMES + CELL * column


def _draw(canvas: Canvas, answer: Answer, left: float, top: float) -> None:
    canvas.box(left, top, CELL, ROW, linewidth=1, facecolor=FILLS[answer.good])
    lines = answer.words.replace("Exception", "\nException").splitlines()
    first = top + ROW / 2 - LINE * (len(lines) - 1) / 2
    colour = VERMILLION if answer.good is False else INK
    for number, line in enumerate(lines):
        place = (left + CELL / 2, first + LINE * number)
        canvas.label(*place, line, CELL - PAD, ha="center", color=colour, weight="bold")


def _caption(tried: list[Tried]) -> str:
    keys = [f"{each.kind} ({_called(each)})" for each in tried]
    rows = [_sentence(number, tried) for number in range(len(QUESTIONS))]
    tried_on = f"Picture: the account's root tries three kinds of key: {', '.join(keys)}."
    return " ".join([tried_on, *rows])


def _called(each: Tried) -> str:
    return f"`{each.alias}`" if each.alias else NO_LIST


def _sentence(number: int, tried: list[Tried]) -> str:
    wanted, how, _ = QUESTIONS[number]
    answers = [each.answers[number].words for each in tried]
    shown = [f"`{words}`" if words.endswith("Exception") else words for words in answers]
    return f"To **{wanted}** ({how}): {'; '.join(shown)}."
