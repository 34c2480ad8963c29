"""A month's bill as bars on one scale: what each key and each class of requests costs."""

from itertools import groupby

from kmslab.figures.canvas import BLUE, GREEN, GREY, VERMILLION, WIDTH, Canvas, Picture
from kmslab.kms.billing import Bill, Line

LEFT, LONGEST, HEAD, ROW, BAR, END = 16, 420, 34, 26, 16, 48  # CSS pixels
MAX_BARS = 12  # if the bill is longer, its largest amounts are drawn

# Colour and hatching, by a line's `what`; the hatching distinguishes them without colour.
LOOKS = {"key": (GREEN, ""), "requests": (VERMILLION, "xx")}
OTHER = (BLUE, "///")


def bill(monthly: Bill) -> Picture:
    """Draw what `lab.bill()` returned: a bar for each line, and the total."""
    largest = sorted(monthly.lines, key=lambda line: line.amount, reverse=True)[:MAX_BARS]
    shown = [line for line in monthly.lines if line in largest][:MAX_BARS]
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
    total = f"total in {monthly.month}: USD {monthly.total:,}"
    if left := len(monthly.lines) - len(shown):
        total += f", with {left:,} smaller lines that are not drawn"
    canvas.label(LEFT, top + 26, total, weight="bold")
    return Picture(canvas.figure, _caption(monthly, shown))


def _draw(canvas: Canvas, line: Line, top: float, scale: float) -> None:
    kind = "requests" if line.subject == "requests" else line.what
    colour, hatch = LOOKS.get(kind, OTHER)
    width, middle = float(line.amount) * scale, top + ROW / 2
    if width:
        look = {"facecolor": colour, "edgecolor": "white", "hatch": hatch}
        canvas.box(LEFT, middle - BAR / 2, width, BAR, **look)
    text = f"{line.what}: {line.amount:.4f} ({_quantity(line)})"
    canvas.label(LEFT + width + 10, middle, text, WIDTH - 2 * LEFT - width - 10)


def _quantity(line: Line) -> str:
    return f"{line.quantity}, free" if line.price == "free" else line.quantity


def _caption(monthly: Bill, shown: list[Line]) -> str:
    listed = "; ".join(
        f"{line.subject}: {line.what} {line.amount:.4f} ({_quantity(line)})" for line in shown
    )
    charges = listed or "nothing was used"
    return f"Picture: **USD {monthly.total:,}** in {monthly.month}: {charges}. {monthly.notes}"
