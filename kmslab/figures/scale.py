"""A horizontal scale, linear or logarithmic, with its ticks: from numbers to pixels.

The labels of the ticks are below their lines, so that no line crosses a label.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kmslab.figures.canvas import GREY, Canvas

TICK = "#d4d4d4"
LABEL_WIDTH = 72  # CSS pixels that the label of a tick needs


@dataclass(frozen=True, slots=True)
class Scale:
    """`low` is drawn at `left` and `high` at `right`, which may be the smaller of the two."""

    low: float
    high: float
    left: float  # CSS pixels
    right: float
    logarithmic: bool = True

    def at(self, value: float) -> float:
        low, high, position = map(self._position, (self.low, self.high, value))
        return self.left + (self.right - self.left) * (position - low) / (high - low)

    def _position(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def ticks(self) -> Iterator[float]:
        """Powers of ten, as many as have room; on a linear scale, four to eight round numbers."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            decade = abs(self.right - self.left) / math.log10(self.high / self.low)
            every = math.ceil(LABEL_WIDTH / decade)
            yield from (10.0**power for power in range(first, last + 1, every))
        else:
            step = _round_step(self.high - self.low)
            first, last = math.ceil(self.low / step), math.floor(self.high / step)
            yield from (step * number for number in range(first, last + 1))

    def draw(self, canvas: Canvas, top: float, bottom: float, name: Callable[[float], str]) -> None:
        for tick in self.ticks():
            x = self.at(tick)
            canvas.axes.plot([x, x], [top, bottom], color=TICK, linewidth=0.8, zorder=0)
            canvas.label(x, bottom + 14, name(tick), ha="center", color=GREY)


def around(values: list[float], left: float, right: float) -> Scale:
    """A logarithmic scale that is a little wider than the values need."""
    return Scale(min(values) / 1.5, max(values) * 1.5, left, right)


def _round_step(length: float) -> float:
    """1, 2 or 5 times a power of ten, such that the length has about four to eight steps."""
    power = 10.0 ** math.floor(math.log10(length / 4))
    return next(step * power for step in (1, 2, 5, 10) if length / (step * power) <= 8)
