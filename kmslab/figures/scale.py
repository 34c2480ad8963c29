"""From numbers to pixels along one line: a scale, linear or by powers of ten, and its ticks.

The ticks' labels stand below the lines that they name, so that no line runs through a text.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kmslab.figures.canvas import GREY, Canvas

TICK = "#d4d4d4"
ROOM = 72  # CSS pixels that the label of a tick needs
UNITS = ((1e6, "s"), (1e3, "ms"), (1.0, "µs"), (1e-3, "ns"))


@dataclass(frozen=True, slots=True)
class Scale:
    """`low` lies at `left`, `high` at `right`, which may be on the other side of it."""

    low: float
    high: float
    left: float  # CSS pixels
    right: float
    powers: bool = True

    def at(self, value: float) -> float:
        low, high, here = map(self._even, (self.low, self.high, value))
        return self.left + (self.right - self.left) * (here - low) / (high - low)

    def _even(self, value: float) -> float:
        return math.log10(value) if self.powers else value

    def ticks(self) -> Iterator[float]:
        """Powers of ten, as many as have room; of a linear scale, four to eight round numbers."""
        if self.powers:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            room = abs(self.right - self.left) / math.log10(self.high / self.low)
            step = math.ceil(ROOM / room)
            yield from (10.0**power for power in range(first, last + 1, step))
        else:
            width = _round(self.high - self.low)
            first, last = math.ceil(self.low / width), math.floor(self.high / width)
            yield from (width * number for number in range(first, last + 1))

    def draw(self, canvas: Canvas, top: float, bottom: float, name: Callable[[float], str]) -> None:
        for tick in self.ticks():
            x = self.at(tick)
            canvas.axes.plot([x, x], [top, bottom], color=TICK, linewidth=0.8, zorder=0)
            canvas.label(x, bottom + 14, name(tick), ha="center", color=GREY)


def around(values: list[float], left: float, right: float) -> Scale:
    """By powers of ten, wide enough for all values and a little more."""
    return Scale(min(values) / 1.5, max(values) * 1.5, left, right)


def _round(length: float) -> float:
    """1, 2 or 5 times a power of ten, of which four to eight make the length or so."""
    power = 10.0 ** math.floor(math.log10(length / 4))
    return next(step * power for step in (1, 2, 5, 10) if length / (step * power) <= 8)


def microseconds(value: float) -> str:
    """A time in the unit that suits it, with three figures at most."""
    size, unit = next(((size, unit) for size, unit in UNITS if value >= size), UNITS[-1])
    return f"{float(f'{value / size:.3g}'):,g} {unit}"
