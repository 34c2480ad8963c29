"""A picture of any result: a row for each thing measured, and in it a mark for each who did it.

This module does not know what was measured. A mark stands at the median; the pale bar behind it is
the median's interval, which is often shorter than the mark is wide. The scale goes by powers of
ten.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kmslab.figures.canvas import BLUE, GREEN, GREY, PURPLE, VERMILLION, WIDTH, Canvas, Picture
from kmslab.figures.scale import around

LEFT, ROW, TOP, FOOT = 16, 28, 40, 40  # CSS pixels
LABEL, LEGEND, IN_A_LINE = 330, 234, 4  # two widths, and how many names a line has
SCALE = (370, 900)
LOOKS = ((BLUE, "o"), (VERMILLION, "^"), (GREEN, "s"), (PURPLE, "D"), (GREY, "v"), (BLUE, "P"))


@dataclass(frozen=True, slots=True)
class Measured:
    """What one of them took: `text` says the median in words."""

    by: str
    median: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    name: str
    marks: Sequence[Measured]

    def __str__(self) -> str:
        return f"{self.name} {', '.join(f'{mark.by} {mark.text}' for mark in self.marks)}"


def intervals(title: str, rows: Sequence[MeasuredRow], tick: Callable[[float], str]) -> Picture:
    """Draw the rows in their order; `tick` names a number on the scale."""
    makers = dict.fromkeys(mark.by for row in rows for mark in row.marks)
    looks = dict(zip(makers, LOOKS * len(makers), strict=False))
    top = TOP + ROW * ((len(looks) + IN_A_LINE - 1) // IN_A_LINE)
    bottom = top + ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    canvas.label(LEFT, 16, title, WIDTH - LEFT, weight="bold")
    _draw_legend(canvas, looks)
    ends = [value for row in rows for mark in row.marks for value in (mark.low, mark.high)]
    scale = around(ends, *SCALE)
    scale.draw(canvas, top, bottom, tick)
    for number, row in enumerate(rows):
        y = top + ROW * (number + 0.5)
        canvas.label(LEFT, y, row.name, LABEL)
        for mark in row.marks:
            (colour, marker), x = looks[mark.by], scale.at(mark.median)
            reach = [scale.at(mark.low), scale.at(mark.high)]
            canvas.axes.plot(reach, [y, y], color=colour, linewidth=6, alpha=0.4, zorder=1)
            canvas.axes.scatter([x], [y], s=50, color=colour, marker=marker, zorder=3)
    return Picture(canvas.figure, f"Picture: {title}. {'; '.join(map(str, rows))}.")


def _draw_legend(canvas: Canvas, looks: dict[str, tuple[str, str]]) -> None:
    for number, (name, (colour, marker)) in enumerate(looks.items()):
        x = LEFT + LEGEND * (number % IN_A_LINE)
        y = TOP - 4 + ROW * (number // IN_A_LINE + 0.5)
        canvas.axes.scatter([x + 8], [y], s=60, color=colour, marker=marker)
        canvas.label(x + 24, y, name, LEGEND - 30, color=colour)
