"""Pictures of measured times: every sample a dot, on a scale of powers of ten; or beside sizes.

This module does not know what was timed. A line across the dots is their median. If a row has two
operations, the upper dots are round and the lower ones triangles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from kmslab.display import microseconds
from kmslab.figures.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
    Style,
)
from kmslab.figures.scale import Scale, around

LEFT, ROW, TALL_ROW, TOP, FOOT = 16, 48, 92, 34, 40  # CSS pixels
# Colour, marker and CSS pixels downwards, of a row's first and second operation.
LOOKS = ((BLUE, "o", -10), (VERMILLION, "^", 10))
JITTER = (0, 4, -3, 2, -5, 5, -1, 3, -4, 1, -2)  # CSS pixels, so that dots don't hide each other


@dataclass(frozen=True, slots=True)
class OperationTimes:
    """The times of one operation, in microseconds."""

    name: str
    samples: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.samples)

    def __str__(self) -> str:
        return f"{self.name} {microseconds(self.median)}"


@dataclass(frozen=True, slots=True)
class TimingRow:
    """One row: its name, one or two operations, and the size of their output in bytes, if any."""

    name: str
    operations: tuple[OperationTimes, ...]
    size: int = 0

    def __str__(self) -> str:
        return f"{self.name} {', '.join(map(str, self.operations))}"


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """A time to compare the others with, in microseconds."""

    name: str
    time: float


def times(title: str, rows: Sequence[TimingRow], *references: ReferenceTime) -> Picture:
    """Every sample of every row on one scale of powers of ten; references are dashed lines."""
    bottom = TOP + ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    scale = around([*_samples(rows), *(each.time for each in references)], 200, 770)
    scale.draw(canvas, TOP, bottom, microseconds)
    canvas.label(LEFT, 16, title, 180, weight="bold")
    canvas.label(LEFT, bottom + 14, "time of one call", color=GREY)
    _draw_median(canvas, 786, bottom + 14)
    canvas.label(798, bottom + 14, "median", color=GREY)
    for reference in references:
        _draw_reference(canvas, scale, reference, bottom)
    for number, row in enumerate(rows):
        middle = TOP + ROW * (number + 0.5)
        canvas.label(LEFT, middle, row.name, 176)
        for operation, (colour, marker, down) in zip(row.operations, LOOKS, strict=False):
            _draw_samples(canvas, scale, operation, middle + down, colour, marker)
            canvas.label(782, middle + down, str(operation), WIDTH - 782 - 4, color=colour)
    named = [f"{each.name} {microseconds(each.time)}" for each in references]
    medians = "; ".join([*map(str, rows), *named])
    return Picture(canvas.figure, f"Picture: {title}, medians. {medians}.")


def _samples(rows: Sequence[TimingRow]) -> list[float]:
    return [sample for row in rows for operation in row.operations for sample in operation.samples]


def _draw_reference(canvas: Canvas, scale: Scale, reference: ReferenceTime, bottom: float) -> None:
    x = scale.at(reference.time)
    canvas.axes.plot([x, x], [TOP - 4, bottom], color=GREEN, linestyle="--", linewidth=2)
    canvas.label(x, 16, reference.name, color=GREEN, ha="center", weight="bold")


def _draw_samples(
    canvas: Canvas,
    scale: Scale,
    operation: OperationTimes,
    y: float,
    colour: str,
    marker: str,
    height: float = 9,
) -> None:
    xs = [scale.at(sample) for sample in operation.samples]
    ys = [y + JITTER[number % len(JITTER)] * height / 9 for number in range(len(xs))]
    look: Style = {"s": 16, "alpha": 0.5, "linewidths": 0, "zorder": 2}
    canvas.axes.scatter(xs, ys, color=colour, marker=marker, **look)
    _draw_median(canvas, scale.at(operation.median), y, height)


def _draw_median(canvas: Canvas, x: float, y: float, height: float = 9) -> None:
    """The line for a median; also used in the legend."""
    canvas.axes.plot([x, x], [y - height, y + height], color=INK, linewidth=1.6, zorder=3)


def sizes_and_times(title: str, rows: Sequence[TimingRow]) -> Picture:
    """Sizes grow to the left, on a linear scale from 0; times to the right, by powers of ten."""
    bottom = TOP + ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    scale = around([each.median for row in rows for each in row.operations], 580, 900)
    scale.draw(canvas, TOP, bottom, microseconds)
    largest = max(row.size for row in rows)
    canvas.label(372, 16, "bytes", ha="right", color=GREY)
    canvas.label(480, 16, title, 190, ha="center", weight="bold")
    canvas.label(480, bottom + 14, "median time", ha="center", color=GREY)
    _draw_legend(canvas, rows[0])
    for number, row in enumerate(rows):
        y = TOP + ROW * (number + 0.5)
        canvas.label(480, y, row.name, 190, ha="center")
        length = 290 * row.size / largest
        look = {"facecolor": PURPLE, "hatch": "///", "edgecolor": "white"}
        canvas.box(380 - length, y - 9, length, 18, **look)
        canvas.label(372 - length, y, f"{row.size:,}", ha="right")
        _draw_medians(canvas, scale, row, y)
    listed = "; ".join(f"{row}, {row.size:,} bytes" for row in rows)
    return Picture(canvas.figure, f"Picture: {title}. {listed}.")


def _draw_legend(canvas: Canvas, row: TimingRow) -> None:
    for number, (operation, (colour, marker, _)) in enumerate(
        zip(row.operations, LOOKS, strict=False)
    ):
        canvas.axes.scatter([600 + 110 * number], [16], s=60, color=colour, marker=marker)
        canvas.label(612 + 110 * number, 16, operation.name, color=colour)


def _draw_medians(canvas: Canvas, scale: Scale, row: TimingRow, y: float) -> None:
    """A marker for each operation, and a line between them."""
    xs = [scale.at(operation.median) for operation in row.operations]
    canvas.axes.plot([min(xs), max(xs)], [y, y], color=GREY, linewidth=3, zorder=1)
    for x, (colour, marker, _) in zip(xs, LOOKS, strict=False):
        canvas.axes.scatter([x], [y], s=90, color=colour, marker=marker, zorder=3)


def times_with_means(title: str, rows: Sequence[TimingRow]) -> Picture:
    """Times that vary by chance, one operation a row, on a linear scale; with median and mean."""
    bottom = TOP + TALL_ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    scale = Scale(0, max(_samples(rows)) * 1.04, 240, 900, logarithmic=False)
    scale.draw(canvas, TOP, bottom, lambda tick: microseconds(tick) if tick else "0")
    canvas.label(LEFT, 16, title, weight="bold")
    canvas.label(LEFT, bottom + 14, "time each took", color=GREY)
    sentences = [
        _draw_with_mean(canvas, scale, row, TOP + TALL_ROW * (number + 0.5), LOOKS[number % 2])
        for number, row in enumerate(rows)
    ]
    return Picture(canvas.figure, f"Picture: {title}. {'; '.join(sentences)}.")


def _draw_with_mean(
    canvas: Canvas, scale: Scale, row: TimingRow, y: float, look: tuple[str, str, int]
) -> str:
    """Draw the row; returns its sentence for the caption."""
    (operation,), (colour, marker, _) = row.operations, look
    mean = fmean(operation.samples)
    median_text, mean_text = microseconds(operation.median), microseconds(mean)
    longer = sum(sample > mean for sample in operation.samples)
    _draw_samples(canvas, scale, operation, y, colour, marker, 24)
    canvas.cross(scale.at(mean), y)
    canvas.label(LEFT, y - 26, row.name, 200, color=colour)
    _draw_median(canvas, LEFT + 8, y)
    canvas.label(LEFT + 24, y, f"median {median_text}", 180)
    canvas.cross(LEFT + 8, y + 26)
    canvas.label(LEFT + 24, y + 26, f"mean {mean_text}", 180)
    above = f"{longer} of {len(operation.samples)} took longer than the mean"
    return f"{row.name} median {median_text}, mean {mean_text}; {above}"
