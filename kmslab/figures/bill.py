"""A month's bill as bars on one scale: what each key costs, what each class of requests."""

from itertools import groupby

from kmslab.figures.canvas import BLUE, GREEN, GREY, VERMILLION, WIDTH, Canvas, Picture
from kmslab.kms.billing import Bill, Line

LEFT, LONGEST, HEAD, ROW, BAR, END = 16, 420, 34, 26, 16, 48  # CSS pixels
MOST = 12  # bars; of a longer bill the dearest lines are drawn

# Of a line's `what`; each looks different without its colour too.
LOOKS = {"key": (GREEN, ""), "requests": (VERMILLION, "xx")}
OTHERWISE = (BLUE, "///")


def bill(made: Bill) -> Picture:
    """Draw what `lab.bill()` returned: one bar a line, and the total."""
    dearest = sorted(made.lines, key=lambda line: line.amount, reverse=True)[:MOST]
    shown = [line for line in made.lines if line in dearest][:MOST]
    groups = [(subject, list(lines)) for subject, lines in groupby(shown, lambda it: it.subject)]
    canvas = Canvas(HEAD * len(groups) + ROW * len(shown) + END)
    scale = LONGEST / float(max((line.amount for line in shown), default=0) or 1)
    top: float = 0
    for subject, lines in groups:
        canvas.label(LEFT, top + HEAD / 2 + 4, subject, WIDTH - 2 * LEFT, weight="bold")
        top += HEAD
        for line in lines:
            _draw(canvas, line, top, scale)
            top += ROW
    canvas.axes.plot([LEFT, WIDTH - LEFT], [top + 6, top + 6], color=GREY, linewidth=0.6)
    said = f"total in {made.month}: USD {made.total:,}"
    if left := len(made.lines) - len(shown):
        said += f", with {left:,} smaller lines that are not drawn"
    canvas.label(LEFT, top + 26, said, weight="bold")
    return Picture(canvas.figure, _caption(made, shown))


def _draw(canvas: Canvas, line: Line, top: float, scale: float) -> None:
    kind = "requests" if line.subject == "requests" else line.what
    colour, hatch = LOOKS.get(kind, OTHERWISE)
    width, middle = float(line.amount) * scale, top + ROW / 2
    if width:
        look = {"facecolor": colour, "edgecolor": "white", "hatch": hatch}
        canvas.box(LEFT, middle - BAR / 2, width, BAR, **look)
    text = f"{line.what}: {line.amount:.4f} ({_quantity(line)})"
    canvas.label(LEFT + width + 10, middle, text, WIDTH - 2 * LEFT - width - 10)


def _quantity(line: Line) -> str:
    return f"{line.quantity}, free" if line.price == "free" else line.quantity


def _caption(made: Bill, shown: list[Line]) -> str:
    listed = "; ".join(
        f"{line.subject}: {line.what} {line.amount:.4f} ({_quantity(line)})" for line in shown
    )
    said = listed or "nothing was used"
    return f"Picture: **USD {made.total:,}** in {made.month}: {said}. {made.notes}"
