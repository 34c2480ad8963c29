"""Which key each name leads to, today and for the one who asks: every arrow is a call made for it.

A key id, a key ARN, an alias and an alias ARN are looked up with DescribeKey. A ciphertext blob is
decrypted: it names its key itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kmslab.figures.canvas import (
    BLUE,
    GREEN,
    GREY,
    PALE,
    PURPLE,
    VERMILLION,
    Canvas,
    Picture,
    Style,
    count,
)
from kmslab.kms.arn import Arn
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.view import View

MARGIN, HEADER, LANE, BOX = 16, 48, 86, 36  # CSS pixels
NAME, KEY = 540, (672, 272)  # the width of a name's box; left edge and width of a key's
KEY_BOX, ARROWS_APART = 66, 14  # a height; a distance at the arrows' ends
LOOKS = ((GREEN, "-"), (PURPLE, "--"), (BLUE, "-."))
LETTERS = 8  # of a key id

Asked = tuple[View, str | bytes]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Who asked for which name, and the ARN of the key that it led to; else the error's name."""

    account: str
    name: str
    key: str
    error: str = ""


def names(*asked: Asked) -> Picture:
    """Look up one to six names and draw the keys that they lead to, three at most.

    Each of `asked` is a lab, or the view of another caller, and what that caller has: an id, ARN,
    alias or alias ARN of a key as text, or a ciphertext blob. The calls are in the trail. Example:
    `names((lab, "alias/archive"), (busan, "alias/archive"), (busan, archive.arn))`.
    """
    blobs = list(dict.fromkeys(name for _, name in asked if isinstance(name, bytes)))
    lookups = [_look_up(*each, blobs) for each in asked]
    keys = list(dict.fromkeys(each.key for each in lookups if each.key))
    if len(keys) > len(LOOKS):
        raise ValueError(f"names draws {len(LOOKS)} keys at most, and these lead to {len(keys)}")
    canvas = Canvas(HEADER + LANE * max(len(lookups), len(keys)) + MARGIN)
    canvas.label(MARGIN, HEADER / 2, "who asks, and for which name", weight="bold")
    canvas.label(KEY[0], HEADER / 2, "the key that it leads to", weight="bold")
    middles = _middles(len(keys), LANE * max(len(lookups), len(keys)))
    for key, middle, (colour, _) in zip(keys, middles, LOOKS, strict=False):
        _draw_key(canvas, key, middle, colour)
    for lane, each in enumerate(lookups):
        top = HEADER + LANE * lane
        _draw_name(canvas, each, top)
        if each.key:
            same = [lane for lane, other in enumerate(lookups) if other.key == each.key]
            place = keys.index(each.key)
            end = middles[place] + ARROWS_APART * (same.index(lane) - (len(same) - 1) / 2)
            colour, line = LOOKS[place]
            start = (MARGIN + NAME + 4, top + 26 + BOX / 2)
            canvas.arrow(start, (KEY[0] - 4, end), color=colour, linestyle=line)
    return Picture(canvas.figure, _caption(lookups, keys))


def _look_up(view: View, name: str | bytes, blobs: Sequence[bytes]) -> Lookup:
    shown = _blob(name, blobs) if isinstance(name, bytes) else _shortened(name)
    try:
        if isinstance(name, bytes):
            key = view.kms.decrypt(CiphertextBlob=name)["KeyId"]
        else:
            key = view.kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"]
    except KMSError as refusal:
        return Lookup(view.caller.account, shown, "", refusal.code)
    return Lookup(view.caller.account, shown, key)


def _blob(blob: bytes, blobs: Sequence[bytes]) -> str:
    """Several are numbered, as in the timeline."""
    if len(blobs) > 1:
        return f"blob {blobs.index(blob) + 1} ({count(len(blob))})"
    return f"a blob of {count(len(blob))}"


def _shortened(name: str) -> str:
    """A key id is cut; an alias is shown whole."""
    before, slash, last = name.rpartition("/")
    is_key = before.endswith("key") or not slash
    return f"{before}{slash}{last[:LETTERS]}…" if is_key and len(last) > LETTERS else name


def _middles(keys: int, height: float) -> list[float]:
    return [HEADER + height * (number + 0.5) / keys for number in range(keys)]


def _draw_key(canvas: Canvas, key: str, middle: float, colour: str) -> None:
    left, width = KEY
    arn, top = Arn.parse(key), middle - KEY_BOX / 2
    canvas.rounded(left, top, width, KEY_BOX, edgecolor=colour, linewidth=3)
    canvas.label(left + width / 2, middle - 13, f"key {arn.name[:LETTERS]}…", ha="center")
    canvas.label(left + width / 2, middle + 13, f"account {arn.account}", width, ha="center")


def _draw_name(canvas: Canvas, lookup: Lookup, top: float) -> None:
    canvas.label(MARGIN, top + 12, f"account {lookup.account}:", color=GREY)
    canvas.box(MARGIN, top + 26, NAME, BOX, facecolor=PALE, edgecolor="none")
    canvas.label(MARGIN + 10, top + 26 + BOX / 2, lookup.name, NAME - 20)
    if lookup.error:
        right = MARGIN + NAME
        look: Style = {"ha": "right", "color": VERMILLION, "weight": "bold"}
        canvas.label(right - 26, top + 12, lookup.error, **look)
        canvas.cross(right - 10, top + 12)


def _caption(lookups: Sequence[Lookup], keys: Sequence[str]) -> str:
    found, names = sum(bool(each.key) for each in lookups), _number(len(lookups), "name")
    which = names if found == len(lookups) else f"{found or 'none'} of {names}"
    lead = "leads" if len(lookups) == 1 else "lead"
    head = f"Picture: {which} {lead} to {_number(len(keys), 'key') if keys else 'a key'}."
    return " ".join([head, *map(_sentence, lookups)])


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _sentence(lookup: Lookup) -> str:
    if not lookup.key:
        return f"For account {lookup.account}, `{lookup.name}` leads nowhere: `{lookup.error}`."
    key = Arn.parse(lookup.key)
    return (
        f"For account {lookup.account}, `{lookup.name}` leads to key `{key.name[:LETTERS]}…` of "
        f"account {key.account}."
    )
