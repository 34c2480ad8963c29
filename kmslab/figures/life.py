"""Draws the life of a key: the changes of state (moves) that are possible, and those it has made.

States and moves come from `contract/states.py` (`MOVES`), the moves that the service makes by
itself from THE TABLE, and the moves that the key has made from the trail. This module adds only the
places on the canvas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmslab.figures.canvas import BLUE, GREEN, GREY, INK, PALE, VERMILLION, Canvas, Picture
from kmslab.kms.audit import NAMES
from kmslab.kms.contract.states import MOVES, KeyState, Move
from kmslab.kms.table import SERVICE_TABLE
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

HEIGHT, BOX, LINE = 484, 64, 24  # CSS pixels; heights of the canvas, a state's box, a line
ENABLED, DISABLED, PENDING = KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION
GONE = "gone"


@dataclass(frozen=True, slots=True)
class MoveArrow:
    """Where a move is drawn.

    `label`: the left end of the label's first line, or its right end if `ha` is "right". If the
    label is `above` its arrow, that place is for its last line.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    label: tuple[float, float]
    max_width: float  # of the label
    ha: str = "left"  # horizontal alignment of the label
    above: bool = False


STATES: Mapping[KeyState, tuple[float, float, float, str]] = {  # left, top, width, colour
    ENABLED: (236, 72, 200, GREEN),
    DISABLED: (604, 72, 200, GREY),
    PENDING: (236, 284, 568, VERMILLION),
}
ARROWS: Mapping[Move, MoveArrow] = {
    (None, ENABLED): MoveArrow((36, 104), (234, 104), (48, 80), 176, above=True),
    (ENABLED, DISABLED): MoveArrow((438, 92), (602, 92), (452, 68), 150, above=True),
    (DISABLED, ENABLED): MoveArrow((602, 118), (438, 118), (452, 142), 150),
    (ENABLED, PENDING): MoveArrow((300, 138), (300, 282), (290, 206), 274, "right"),
    (DISABLED, PENDING): MoveArrow((650, 138), (650, 282), (640, 206), 310, "right"),
    (PENDING, DISABLED): MoveArrow((706, 282), (706, 138), (716, 206), 228),
    (PENDING, None): MoveArrow((520, 350), (520, 440), (536, 382), 408),
}
END = (520, 456)
DRAWN = frozenset({None, *STATES})


@dataclass(frozen=True, slots=True)
class Step:
    """A move that the key has made."""

    number: int
    operation: str
    move: Move
    date: str


def life(key: CMK) -> Picture:
    """Draw the states of an ordinary key, all moves between them, and those that `key` has made.

    A deleted key has a picture too, because the trail still has its events. States that only
    imported and multi-Region keys can have are not drawn.
    """
    steps = _steps(key)
    now = steps[-1].move[1] if steps else None
    canvas = Canvas(HEIGHT)
    for state in STATES:
        _draw_state(canvas, state, state is now)
    for move in _moves():
        _draw_move(canvas, move, [step for step in steps if step.move == move])
    canvas.cross(*END)
    end = f"{GONE}: there is no such key" if now is None else GONE
    canvas.label(END[0] + 20, END[1], end, weight="bold")
    return Picture(canvas.figure, _caption(key, steps, now))


def _moves() -> list[Move]:
    """The moves in MOVES between the states that are drawn, with creation and deletion.

    Operations that the trail shows under another name are left out: the steps come from the trail.
    """
    in_trail = [moves for name, moves in MOVES.items() if name not in NAMES]
    moves = {move: None for each in in_trail for move in sorted(each, key=str)}
    return [move for move in moves if DRAWN.issuperset(move)]


def _steps(key: CMK) -> list[Step]:
    """The key's moves in order, from the trail; calls that changed no state are left out."""
    if not isinstance(key.lab, View):
        raise TypeError("life reads the trail of the key's lab, so it takes a key of a lab")
    steps: list[Step] = []
    state: KeyState | None = None
    for event in key.lab.trail:
        name = event["eventName"]
        if name not in MOVES or "errorCode" in event or not _concerns(event, key):
            continue
        possible = (each for each in MOVES[name] if DRAWN.issuperset(each))
        move = next((each for each in possible if each[0] is state), None)
        if move:
            steps.append(Step(len(steps) + 1, name, move, event["eventTime"][:10]))
            state = move[1]
    return steps


def _concerns(event: Mapping[str, Any], key: CMK) -> bool:
    return any(resource["ARN"] == key.arn for resource in event["resources"])


def _draw_state(canvas: Canvas, state: KeyState, is_current: bool) -> None:
    left, top, width, colour = STATES[state]
    look = {"facecolor": PALE if is_current else "white", "edgecolor": colour}
    canvas.rounded(left, top, width, BOX, linewidth=4 if is_current else 1.5, **look)
    middle = left + width / 2
    canvas.label(
        middle, top + (22 if is_current else BOX / 2), state.value, ha="center", weight="bold"
    )
    if is_current:
        canvas.label(middle, top + 45, "the key is here", ha="center")


def _draw_move(canvas: Canvas, move: Move, steps: list[Step]) -> None:
    arrow = ARROWS[move]
    names = [name for name, moves in MOVES.items() if move in moves]
    # The service's own operation is named only if no caller's operation makes this move.
    operations = [name for name in names if name not in SERVICE_TABLE] or names
    by_service = all(name in SERVICE_TABLE for name in operations)
    line = {"linestyle": "--" if by_service else "-", "linewidth": 3 if steps else 1.5}
    canvas.arrow(arrow.start, arrow.end, color=BLUE if steps else GREY, **line)
    text = ", ".join(operations) + (" (the service itself)" if by_service else "")
    look = {"ha": arrow.ha, "color": INK if steps else GREY}
    x, y = arrow.label[0], arrow.label[1] - (LINE if arrow.above and steps else 0)
    canvas.label(x, y, text, arrow.max_width, weight="bold" if steps else "normal", **look)
    dates = ", ".join(f"{step.number}: {step.date}" for step in steps)
    canvas.label(x, y + LINE, dates, arrow.max_width, ha=arrow.ha, color=BLUE)


def _caption(key: CMK, steps: list[Step], now: KeyState | None) -> str:
    made = ", ".join(f"{step.number} **{step.operation}** ({step.date})" for step in steps)
    state = f"is {now}" if now else f"is {GONE}"
    return (
        f"Picture: of the {len(_moves())} moves that an ordinary key can make, key `{key.id[:8]}…` "
        f"has made {len(steps)}: {made}. It {state}."
    )
