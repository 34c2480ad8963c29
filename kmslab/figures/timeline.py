"""Rotation as a timeline: when each piece of key material was current, and which blobs need it.

The list of materials comes from ListKeyRotations. When imported material was there and when it was
not comes from the trail: it can expire or be deleted, and until all of it is imported again the key
is PendingImport. Materials have random ids, so they are numbered; material 1 came with the key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kmslab.figures.canvas import GREY, INK, VERMILLION, WIDTH, Canvas, Picture, count
from kmslab.figures.materials import Material, history, named_by
from kmslab.figures.scale import Scale
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

MARGIN, TOP, LANE, BAND, FOOT = 16, 104, 92, 22, 64  # CSS pixels
BARS, BLOBS = (200, 706), 736  # the left and right end of the time axis; where the blobs begin
LINE, DATE, THINNEST = 22, 100, 8  # heights of a line; widths of a date and a bar
IMPORTED, TAKEN = "ImportKeyMaterial", ("DeleteImportedKeyMaterial", "DeleteExpiredKeyMaterial")
MAX_LANES = 6

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Past:
    """One material: when it was current, when it was absent, and the blobs that need it."""

    material: Material
    current: Span
    absent: Sequence[Span]
    blobs: Sequence[tuple[int, int]]  # each blob's number and size


def timeline(key: CMK, *blobs: bytes) -> Picture:
    """Draw the key's materials over time, from its creation to now, and pin each blob to its own.

    None to four blobs of this key. Of more than six materials some are left out that no blob names,
    but not the last ones. ValueError for a blob of another key. Nothing is decrypted.
    """
    if not isinstance(key.lab, View):
        raise TypeError("timeline reads the trail of the key's lab, so it takes a key of a lab")
    created, now = key.metadata["CreationDate"], key.lab.clock.now()
    pasts = _pasts(key, blobs, created, now)
    shown = _shown(pasts)
    ends = [past.material.expires for past in shown if past.material.expires]
    scale = _scale(created, max([now, *ends]))
    absences = [span for past in pasts for span in past.absent]
    gaps = _merged(_before_the_first(key, pasts, created) + absences)
    canvas = Canvas(TOP + LANE * len(shown) + FOOT)
    _draw_key(canvas, scale, key, (created, now), gaps)
    for lane, past in enumerate(shown):
        _draw(canvas, scale, past, now, TOP + LANE * lane)
    bottom = TOP + LANE * len(shown)
    x = scale.at(now.timestamp())
    canvas.axes.plot([x, x], [TOP - 50, bottom], color=INK, linewidth=1, linestyle=":")
    canvas.label(min(x, BARS[1]), bottom + 16, f"now: {now:%Y-%m-%d}", ha="right", weight="bold")
    canvas.label(BLOBS, bottom + 16, "thick: encrypts", color=GREY)
    canvas.label(BLOBS, bottom + 40, "thin: only decrypts", color=GREY)
    if len(shown) < len(pasts):
        canvas.label(MARGIN, bottom + 40, f"{len(pasts) - len(shown)} more materials", color=GREY)
    return Picture(canvas.figure, _caption(key, pasts, shown, (created, now), gaps))


def _scale(first: datetime, last: datetime) -> Scale:
    start, end = first.timestamp(), last.timestamp()
    return Scale(start, max(end, start + 1), *BARS, logarithmic=False)


# --------------------------------------------------------------------------------- what happened


def _pasts(key: CMK, blobs: Sequence[bytes], created: datetime, now: datetime) -> list[Past]:
    """Each material's past; it is current until the next rotation, or until now."""
    materials, events = history(key), _events(key)
    named = named_by(key, blobs, materials)
    starts = [now if each.waits else _start(each, events, created) for each in materials]
    return [
        Past(
            material,
            (start, end),
            list(_absences(material, events, now)),
            [
                (number, len(blob))
                for number, (blob, name) in enumerate(zip(blobs, named, strict=True), 1)
                if name is material
            ],
        )
        for material, start, end in zip(materials, starts, [*starts[1:], now], strict=False)
    ]


def _before_the_first(key: CMK, pasts: Sequence[Past], created: datetime) -> list[Span]:
    """A key for imported material is PendingImport until it gets some."""
    first = pasts[0].current[0] if pasts else key.lab.clock.now()
    return [(created, first)] if first > created else []


def _events(key: CMK) -> list[tuple[datetime, str, str]]:
    """(time, name, material id) of the events that brought or took key material."""
    return [
        (datetime.fromisoformat(event["eventTime"]), event["eventName"], _material_id(event))
        for event in key.lab.trail
        if event["eventName"] in (IMPORTED, *TAKEN)
        and "errorCode" not in event
        and any(resource["ARN"] == key.arn for resource in event["resources"])
    ]


def _material_id(event: Mapping[str, Any]) -> str:
    """Calls answer with it, and the service's own events have it among their details."""
    parts = (event.get("responseElements"), event.get("serviceEventDetails"))
    found = [part["keyMaterialId"] for part in parts if part and "keyMaterialId" in part]
    more = event.get("additionalEventData") or {}
    return str([*found, more.get("keyMaterialId", "")][0])


def _start(
    material: Material, events: Sequence[tuple[datetime, str, str]], created: datetime
) -> datetime:
    """When it became current: by a rotation, by its first import, or with the key."""
    first = next((at for at, name, id in events if name == IMPORTED and id == material.id), None)
    return material.since or first or created


def _absences(
    material: Material, events: Sequence[tuple[datetime, str, str]], now: datetime
) -> Iterator[Span]:
    taken: datetime | None = None
    for at, name, id in events:
        if id == material.id and name in TAKEN:
            taken = taken or at
        elif id == material.id and taken:
            yield taken, at
            taken = None
    if taken:
        yield taken, now


def _merged(spans: list[Span]) -> list[Span]:
    """The times in which at least one of them was: the key was PendingImport."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _shown(pasts: Sequence[Past]) -> list[Past]:
    """All if there is room; else those that blobs need, and the latest others."""
    named = [past for past in pasts if past.blobs]
    others = [past for past in pasts if not past.blobs][::-1]
    chosen = [*named, *others][:MAX_LANES]
    return [past for past in pasts if past in chosen]


# ------------------------------------------------------------------------------------- drawing


def _bar(canvas: Canvas, scale: Scale, span: Span, y: float, height: float, **look: Any) -> None:
    left, right = (scale.at(each.timestamp()) for each in span)
    canvas.box(left, y - height / 2, max(right - left, THINNEST), height, **look)


def _draw_key(canvas: Canvas, scale: Scale, key: CMK, whole: Span, gaps: Sequence[Span]) -> None:
    canvas.label(MARGIN, 30, f"key {key.id[:8]}…", weight="bold")
    middle = 60
    canvas.label(MARGIN, middle, "can be used")
    _bar(canvas, scale, whole, middle, BAND, facecolor=GREY, edgecolor="white")
    for gap in gaps:
        look = {"edgecolor": VERMILLION, "linestyle": "--", "linewidth": 2}
        _bar(canvas, scale, gap, middle, BAND, **look)
    if gaps:
        longest = max(gaps, key=lambda gap: gap[1] - gap[0])
        text = f"PendingImport {_dates(longest)}"
        canvas.label(BARS[0], 30, text, color=VERMILLION, weight="bold")
    else:
        canvas.label(BARS[0], 30, f"from {whole[0]:%Y-%m-%d}")
    canvas.label(BLOBS, 30, "blobs that need it", weight="bold")


def _draw(canvas: Canvas, scale: Scale, past: Past, now: datetime, top: float) -> None:
    material, middle = past.material, top + LANE / 2
    colour, hatch = material.look
    canvas.label(MARGIN, middle - 12, f"material {material.number}", weight="bold")
    canvas.label(MARGIN, middle + 12, material.state, BARS[0] - MARGIN - 6)
    if past.current[1] < now:
        later = (past.current[1], now)
        _bar(canvas, scale, later, middle, 6, facecolor=colour, edgecolor="none")
    look = {
        "facecolor": "white" if material.waits else colour,
        "edgecolor": "white",
        "hatch": hatch,
    }
    _bar(canvas, scale, past.current, middle, BAND, **look)
    for span in past.absent:
        look = {"facecolor": "white", "edgecolor": VERMILLION, "linestyle": "--"}
        _bar(canvas, scale, span, middle, BAND, linewidth=2, **look)
    _draw_dates(canvas, scale, past, scale.at(now.timestamp()), middle)
    _draw_blobs(canvas, past, scale.at(now.timestamp()), middle)


def _draw_dates(canvas: Canvas, scale: Scale, past: Past, now: float, middle: float) -> None:
    """`now` is the line of the present, which no date crosses if there is room to its left."""
    start, expires = past.current[0], past.material.expires
    x, text = scale.at(start.timestamp()), f"{start:%Y-%m-%d}"
    if past.material.waits or x + DATE > now > BARS[0] + DATE:
        text = "waits" if past.material.waits else text
        canvas.label(now - 6, middle - 26, text, ha="right")
    else:
        canvas.label(x + 4, middle - 26, text)
    if expires:
        end = scale.at(expires.timestamp())
        canvas.axes.plot([end, end], [middle - 14, middle + 14], color=VERMILLION, linewidth=3)
        ends = f"expires {expires:%Y-%m-%d}"
        canvas.label(end, middle + 27, ends, ha="right", color=VERMILLION)


def _draw_blobs(canvas: Canvas, past: Past, now: float, middle: float) -> None:
    colour, _ = past.material.look
    if not past.blobs:
        return
    if now < BARS[1]:
        canvas.axes.plot([now, BARS[1]], [middle, middle], color=colour, linestyle=":", zorder=0)
    height = LINE * len(past.blobs)
    room = WIDTH - MARGIN - BLOBS
    canvas.box(BLOBS, middle - height / 2 - 4, room, height + 8, edgecolor=colour, linewidth=2)
    canvas.arrow((BLOBS - 2, middle), (BARS[1] + 4, middle), color=colour)
    for line, (number, size) in enumerate(past.blobs):
        y = middle - height / 2 + LINE * (line + 0.5)
        canvas.label(BLOBS + 10, y, f"blob {number}: {count(size)}", room - 16)


def _caption(
    key: CMK, pasts: Sequence[Past], shown: Sequence[Past], whole: Span, gaps: Sequence[Span]
) -> str:
    number = f"{len(pasts)} piece{'' if len(pasts) == 1 else 's'} of key material"
    head = f"Picture: key `{key.id[:8]}…` from {_dates(whole)}: {number}."
    missing = "".join(f" From {_dates(gap)} material was missing: PendingImport." for gap in gaps)
    return " ".join([head, *map(_sentence, shown)]) + missing


def _dates(span: Span) -> str:
    return f"{span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}"


def _sentence(past: Past) -> str:
    material = past.material
    needs = ", ".join(f"blob {number} ({count(size)})" for number, size in past.blobs)
    current = "waits" if material.waits else f"was current from {_dates(past.current)}"
    parts = [
        f"**Material {material.number}** ({material.state}) {current}",
        f"expires on {material.expires:%Y-%m-%d}" if material.expires else "",
        f"is needed by {needs}" if needs else "",
    ]
    *first, last = filter(None, parts)
    return f"{', '.join(first)} and {last}." if first else f"{last}."
