"""The sizes of signatures and of the public keys that verify them, one row for each key.

Each signature is really made. HMAC keys make a MAC and have no public key, which the picture shows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kmslab.figures.canvas import BLUE, GREEN, GREY, INK, VERMILLION, WIDTH, Canvas, Picture, count
from kmslab.figures.sizes import size
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.specs import KeyUsage
from kmslab.lab.cmk import CMK

LEFT, BARS, LONGEST, ROW, BAR = 16, 280, 468, 76, 18  # CSS pixels

# By key usage: the name of what the key makes from a report, and how.
SIGN_WITH: dict[KeyUsage, tuple[str, Callable[[CMK, bytes], bytes]]] = {
    KeyUsage.SIGN_VERIFY: ("signature", CMK.sign),
    KeyUsage.GENERATE_VERIFY_MAC: ("MAC", CMK.mac),
}


@dataclass(frozen=True, slots=True)
class SignatureSize:
    spec: str
    kind: str  # "signature" or "MAC"
    size: int  # bytes
    public: int  # bytes of the public key (SubjectPublicKeyInfo); 0 if there is none

    def __str__(self) -> str:
        key = f"public key {self.public:,}" if self.public else "no public key"
        return f"`{self.spec}` {self.kind} {count(self.size)}, {key}"


def signatures(report: bytes, *keys: CMK) -> Picture:
    """Sign `report` with each key (HMAC keys make a MAC) and draw the sizes on one scale."""
    rows = [_sign(key, report) for key in keys]
    canvas = Canvas(ROW * len(rows) + 8)
    longest = max(max(row.size, row.public) for row in rows)
    for number, row in enumerate(rows):
        _draw(canvas, row, 4 + ROW * number, LONGEST / longest)
    listed = "; ".join(map(str, rows))
    return Picture(canvas.figure, f"Picture: a report of {count(len(report))}, signed. {listed}.")


def _sign(key: CMK, report: bytes) -> SignatureSize:
    kind, make = SIGN_WITH[key.usage]
    try:
        public = len(key.public_key().der)
    except EXCEPTIONS["UnsupportedOperationException"]:
        public = 0
    return SignatureSize(key.spec, kind, size(make(key, report)), public)


def _draw(canvas: Canvas, row: SignatureSize, top: float, scale: float) -> None:
    if top > ROW:
        canvas.axes.plot([LEFT, WIDTH - LEFT], [top, top], color=GREY, linewidth=0.6, zorder=0)
    canvas.label(LEFT, top + 25, row.spec, BARS - LEFT - 12, weight="bold")
    _bar(canvas, top + 16, row.size * scale, BLUE, "", f"{row.kind}: {count(row.size)}")
    if row.public:
        canvas.label(LEFT, top + 51, "everybody can check", color=GREEN)
        _bar(canvas, top + 42, row.public * scale, GREEN, "///", f"public key: {count(row.public)}")
    else:
        canvas.label(LEFT, top + 51, "only the KMS can check", color=VERMILLION)
        canvas.cross(BARS + 9, top + 42 + BAR / 2)
        canvas.label(BARS + 28, top + 42 + BAR / 2, "no public key", color=VERMILLION)


def _bar(canvas: Canvas, y: float, width: float, colour: str, hatch: str, text: str) -> None:
    canvas.box(BARS, y, width, BAR, facecolor=colour, edgecolor="white", hatch=hatch)
    canvas.label(BARS + width + 10, y + BAR / 2, text, color=INK)
