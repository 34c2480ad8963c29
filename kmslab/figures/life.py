"""The life of a key: every move that an ordinary key can make, and the way that one has taken.

States and moves come from `contract/states.py` (`MOVES`), the service's own moves from THE TABLE,
the way from the trail. This module adds only where each of them stands on the sheet.
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

HEIGHT, BOX, LINE = 484, 64, 24  # CSS pixels; the height of a state and of a line
ENABLED, DISABLED, PENDING = KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a move is drawn. Its label starts at `at`, or ends there if it is right-aligned.

    A label `above` its arrow has its last line there, any other its first.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    at: tuple[float, float]
    most: float  # the widest that the label may be
    ha: str = "left"
    above: bool = False


STATES: Mapping[KeyState, tuple[float, float, float, str]] = {  # left, top, width, colour
    ENABLED: (236, 72, 200, GREEN),
    DISABLED: (604, 72, 200, GREY),
    PENDING: (236, 284, 568, VERMILLION),
}
MOVED: Mapping[Move, Place] = {
    (None, ENABLED): Place((36, 104), (234, 104), (48, 80), 176, above=True),
    (ENABLED, DISABLED): Place((438, 92), (602, 92), (452, 68), 150, above=True),
    (DISABLED, ENABLED): Place((602, 118), (438, 118), (452, 142), 150),
    (ENABLED, PENDING): Place((300, 138), (300, 282), (290, 206), 274, "right"),
    (DISABLED, PENDING): Place((650, 138), (650, 282), (640, 206), 310, "right"),
    (PENDING, DISABLED): Place((706, 282), (706, 138), (716, 206), 228),
    (PENDING, None): Place((520, 350), (520, 440), (536, 382), 408),
}
END = (520, 456)


@dataclass(frozen=True, slots=True)
class Step:
    """A move that the key has made."""

    number: int
    operation: str
    move: Move
    date: str


def life(key: CMK) -> Picture:
    """Draw the states of an ordinary key, all moves between them, and those that `key` has made.

    A key that is gone has a picture too: the trail still knows its way. States that only imported
    and multi-Region keys can have are not drawn.
    """
    steps = _way(key)
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
    """What MOVES knows between the states that are drawn, birth and end included.

    Not of acts that the trail shows under another name: the way is read from the trail.
    """
    drawn = {None, *STATES}
    named = [moves for name, moves in MOVES.items() if name not in NAMES]
    every = {move: None for moves in named for move in sorted(moves, key=str)}
    return [move for move in every if drawn.issuperset(move)]


def _way(key: CMK) -> list[Step]:
    """The trail's events that moved this key, in order; a call that changed no state is no step."""
    if not isinstance(key.lab, View):
        raise TypeError("life takes a key that belongs to a lab, whose trail it reads")
    steps: list[Step] = []
    state: KeyState | None = None
    for event in key.lab.trail:
        name = event["eventName"]
        if name not in MOVES or "errorCode" in event or not _concerns(event, key):
            continue
        move = next((each for each in MOVES[name] if each[0] is state), None)
        if move:
            steps.append(Step(len(steps) + 1, name, move, event["eventTime"][:10]))
            state = move[1]
    return steps


def _concerns(event: Mapping[str, Any], key: CMK) -> bool:
    return any(resource["ARN"] == key.arn for resource in event["resources"])


def _draw_state(canvas: Canvas, state: KeyState, now: bool) -> None:
    left, top, width, colour = STATES[state]
    look = {"facecolor": PALE if now else "white", "edgecolor": colour}
    canvas.rounded(left, top, width, BOX, linewidth=4 if now else 1.5, **look)
    middle = left + width / 2
    canvas.label(middle, top + (22 if now else BOX / 2), state.value, ha="center", weight="bold")
    if now:
        canvas.label(middle, top + 45, "the key is here", ha="center")


def _draw_move(canvas: Canvas, move: Move, steps: list[Step]) -> None:
    place = MOVED[move]
    every = [name for name, moves in MOVES.items() if move in moves]
    # What callers may do is told; what the service does by itself only where nobody else can.
    operations = [name for name in every if name not in SERVICE_TABLE] or every
    own = all(name in SERVICE_TABLE for name in operations)
    line = {"linestyle": "--" if own else "-", "linewidth": 3 if steps else 1.5}
    canvas.arrow(place.start, place.end, color=BLUE if steps else GREY, **line)
    words = ", ".join(operations) + (" (the service itself)" if own else "")
    look = {"ha": place.ha, "color": INK if steps else GREY}
    x, y = place.at[0], place.at[1] - (LINE if place.above and steps else 0)
    canvas.label(x, y, words, place.most, weight="bold" if steps else "normal", **look)
    taken = ", ".join(f"{step.number}: {step.date}" for step in steps)
    canvas.label(x, y + LINE, taken, place.most, ha=place.ha, color=BLUE)


def _caption(key: CMK, steps: list[Step], now: KeyState | None) -> str:
    way = ", ".join(f"{step.number} **{step.operation}** ({step.date})" for step in steps)
    here = f"is {now}" if now else f"is {GONE}"
    return (
        f"Picture: of the {len(_moves())} moves that an ordinary key can make, key `{key.id[:8]}…` "
        f"has made {len(steps)}: {way}. It {here}."
    )
