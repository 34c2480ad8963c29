"""The same blob under the same key, tried with several encryption contexts: which of them opens it.

Each lane is a call to Decrypt that is really made. Its strip shows what the blob's tag is checked
over: the rest of the blob, and the context that the caller names now, as the lab encodes it (AWS
does not publish its own encoding).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kmslab.crypto import encode_context
from kmslab.crypto.backend import GCM_TAG
from kmslab.figures.canvas import (
    BLUE,
    BRICK,
    GREEN,
    GREY,
    PALE,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
    count,
)
from kmslab.kms.backing import blob
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.cmk import CMK

MARGIN, HEADER, LANE, LINE = 16, 48, 8 * BRICK, 22  # CSS pixels
CONTEXT, STRIP, WALL, KEY = (16, 250), (284, 352), (658, 36), 744  # left edges and widths; a ring
MAX_LINES = 4  # of a context
NONE = "no context"


@dataclass(frozen=True, slots=True)
class Trial:
    """A context and what Decrypt answered with it."""

    context: Mapping[str, str]
    size: int  # of the plaintext; 0 if it was refused
    error: str = ""

    @property
    def pairs(self) -> list[str]:
        return [_printable(f"{name}: {value}") for name, value in self.context.items()] or [NONE]


def contexts(key: CMK, sealed: bytes, *tried: Mapping[str, str]) -> Picture:
    """Decrypt `sealed`, a blob of the symmetric key `key`, with each context (one to five).

    `{}` stands for no context. A refusal is drawn. The calls are in the trail, as any others.
    Example: `contexts(records, blob, {"record": "R-017"}, {"record": "R-018"}, {})`.
    """
    if blob.parse(sealed) is None:
        raise ValueError("contexts takes a ciphertext blob that a symmetric key of a lab made")
    trials = [_try(key, sealed, context) for context in tried]
    canvas = Canvas(HEADER + LANE * len(trials) + MARGIN)
    _draw_background(canvas, len(trials))
    for lane, trial in enumerate(trials):
        _draw(canvas, trial, len(sealed) - GCM_TAG, HEADER + LANE * lane)
    middle = HEADER + LANE * len(trials) / 2
    canvas.key(KEY, middle - 8)
    canvas.label(KEY - 16, middle + 34, f"key {key.id[:8]}…", WIDTH - MARGIN - KEY)
    return Picture(canvas.figure, _caption(key, sealed, trials))


def _try(key: CMK, sealed: bytes, context: Mapping[str, str]) -> Trial:
    try:
        return Trial(context, len(key.decrypt(sealed, context=context)))
    except KMSError as refusal:
        return Trial(context, 0, type(refusal).__name__)


def _printable(text: str) -> str:
    return (text if text.isprintable() else ascii(text)[1:-1]).replace("`", "'")


def _draw_background(canvas: Canvas, lanes: int) -> None:
    height, inside = LANE * lanes, WALL[0] + WALL[1]
    canvas.box(inside, HEADER, WIDTH - MARGIN - inside, height, facecolor=PALE, edgecolor="none")
    canvas.bricks(WALL[0], HEADER, WALL[1], height)
    canvas.label(CONTEXT[0], HEADER / 2, "the caller's context", weight="bold")
    canvas.label(STRIP[0], HEADER / 2, "the tag is checked over", weight="bold")
    canvas.label(WALL[0] + WALL[1] / 2, HEADER / 2, "the wall", weight="bold", ha="center")
    canvas.label(WIDTH - MARGIN, HEADER / 2, "inside the KMS", weight="bold", ha="right")


def _draw(canvas: Canvas, trial: Trial, rest: int, top: float) -> None:
    colour = VERMILLION if trial.error else GREEN
    look = {"edgecolor": colour, "linewidth": 2.5, "linestyle": "--" if trial.error else "-"}
    _draw_context(canvas, trial, top, look)
    left, width = STRIP
    first = width * 0.55
    canvas.box(left, top + 16, first, 34, edgecolor=BLUE, linewidth=2.5)
    canvas.label(left + first / 2, top + 33, f"rest of blob: {rest:,}", first - 8, ha="center")
    canvas.box(left + first, top + 16, width - first, 34, **look)
    second = f"context: {len(encode_context(trial.context)):,}"
    centre, room = left + (first + width) / 2, width - first - 8
    canvas.label(centre, top + 33, second, room, ha="center")
    if trial.error:
        _draw_refusal(canvas, trial, top)
    else:
        _draw_opening(canvas, trial, top)


def _draw_context(canvas: Canvas, trial: Trial, top: float, look: Mapping[str, object]) -> None:
    left, width = CONTEXT
    canvas.rounded(left, top + 10, width, LANE - 20, **look)
    lines = trial.pairs
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], f"and {len(lines) - MAX_LINES + 1} more pairs"]
    first = top + LANE / 2 - LINE * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        colour = GREY if line == NONE else "black"
        place = (left + width / 2, first + LINE * number)
        canvas.label(*place, line, width - 20, ha="center", color=colour)


def _draw_opening(canvas: Canvas, trial: Trial, top: float) -> None:
    gate = {"facecolor": "white", "edgecolor": "none"}
    canvas.box(WALL[0] - 1, top + 3 * BRICK, WALL[1] + 2, 4 * BRICK, **gate)
    canvas.arrow((STRIP[0], top + 68), (KEY - 28, top + 68))
    canvas.arrow((KEY - 28, top + 98), (STRIP[0], top + 98), color=GREEN)
    canvas.label(STRIP[0], top + 118, f"opens: {count(trial.size)}", color=GREEN, weight="bold")


def _draw_refusal(canvas: Canvas, trial: Trial, top: float) -> None:
    canvas.arrow((STRIP[0], top + 68), (WALL[0] - 14, top + 68))
    canvas.cross(WALL[0] - 6, top + 68)
    canvas.arrow((WALL[0] - 14, top + 78), (STRIP[0], top + 98), color=VERMILLION, linestyle="--")
    room = WALL[0] - STRIP[0] - 8
    canvas.label(STRIP[0], top + 118, trial.error, room, color=VERMILLION, weight="bold")


def _caption(key: CMK, sealed: bytes, trials: Sequence[Trial]) -> str:
    return " ".join(
        [
            f"Picture: the same blob ({count(len(sealed))}) of key `{key.id[:8]}…`, tried with "
            f"{len(trials)} {'context' if len(trials) == 1 else 'contexts'}. Its tag is checked "
            f"over the rest of the blob ({count(len(sealed) - GCM_TAG)}) and the context.",
            *map(_sentence, trials),
        ]
    )


def _sentence(trial: Trial) -> str:
    size = count(len(encode_context(trial.context)))
    named = ", ".join(f"`{pair}`" for pair in trial.pairs) if trial.context else NONE
    result = f"refused, `{trial.error}`" if trial.error else f"opened, {count(trial.size)}"
    return f"With {named} ({size}): {result}."
