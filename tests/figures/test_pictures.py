"""Pictures, drawn from their smallest and their largest objects: nothing is clipped or overlaps."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from itertools import combinations

import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch
from matplotlib.transforms import Bbox
from PIL import Image

from kmslab import Clock, Lab, figures
from kmslab.course import clinic
from kmslab.figures.canvas import COLOURS, LABEL, SCALE, WIDTH
from kmslab.figures.wall import CALLERS
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.model import MODEL
from tests.cases import for_every
from tests.figures import (
    drawn_attempts,
    drawn_bills,
    drawn_contexts,
    drawn_costs,
    drawn_envelopes,
    drawn_hierarchies,
    drawn_intervals,
    drawn_keys,
    drawn_kinds,
    drawn_modes,
    drawn_modules,
    drawn_names,
    drawn_permissions,
    drawn_signatures,
    drawn_throughputs,
    drawn_timelines,
    drawn_timings,
)
from tests.figures.contrast import TEXT, Colour, worst_contrast

TOUCH = 1  # CSS pixels that two boxes may share without looking as if they overlapped


def the_lab() -> Lab:
    return Lab(clock=Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC)))


@cache
def smallest_wall() -> figures.Picture:
    return figures.wall(figures.watch(the_lab().create_cmk("a").encrypt, b"1"))


@cache
def largest_wall() -> figures.Picture:
    """Six lanes: the widest caller, the longest names, the most bytes, and every outcome."""
    lab = the_lab().user("W" * 64, allow("kms:*"))
    key = lab.create_cmk("a")
    page = key.encrypt(b"\0" * 4096)
    through, bounced = (figures.watch(key.encrypt, b"\0" * size) for size in (4096, 4097))
    calls = [
        through,
        bounced,
        replace(through, operation=max(MODEL.operations, key=len)),
        replace(bounced, error=max(EXCEPTIONS, key=len)),
    ]
    key.schedule_deletion(days=7)
    calls.append(figures.watch(lab.decrypt, page))
    return figures.wall(*calls, figures.watch(clinic(until="00")[1].stolen_on_friday().open))


@cache
def smallest_blob() -> figures.Picture:
    return figures.blob_map(the_lab().create_cmk().encrypt(b"1"))


@cache
def largest_blob() -> figures.Picture:
    return figures.blob_map(the_lab().create_cmk().encrypt(b"\0" * 4096))


DRAWINGS = [
    *(smallest_wall, largest_wall, smallest_blob, largest_blob),
    *drawn_attempts.DRAWINGS,
    *drawn_bills.DRAWINGS,
    *drawn_contexts.DRAWINGS,
    *drawn_costs.DRAWINGS,
    *drawn_envelopes.DRAWINGS,
    *drawn_hierarchies.DRAWINGS,
    *drawn_keys.DRAWINGS,
    *drawn_kinds.DRAWINGS,
    *drawn_modes.DRAWINGS,
    *drawn_modules.DRAWINGS,
    *drawn_names.DRAWINGS,
    *drawn_permissions.DRAWINGS,
    *drawn_signatures.DRAWINGS,
    *drawn_throughputs.DRAWINGS,
    *drawn_intervals.DRAWINGS,
    *drawn_timelines.DRAWINGS,
    *drawn_timings.DRAWINGS,
]
PICTURES = for_every("draw", DRAWINGS)
# Drawing is fast, and making a PNG is not.
QUICK_PNGS = {"largest_wall", "largest_bill", "largest_envelope"}
PNGS = for_every("draw", DRAWINGS, long=lambda draw: draw.__name__ not in QUICK_PNGS)


@cache
def drawn(draw):
    return draw()


@cache
def png(draw):
    return drawn(draw).png()


def share(one: Bbox, other: Bbox) -> bool:
    both = Bbox.intersection(one, other)
    return both is not None and both.width > TOUCH and both.height > TOUCH


def holds(outer: Bbox, inner: Bbox) -> bool:
    return bool(
        outer.x0 <= inner.x0 + TOUCH
        and outer.y0 <= inner.y0 + TOUCH
        and outer.x1 >= inner.x1 - TOUCH
        and outer.y1 >= inner.y1 - TOUCH
    )


def texts(picture: figures.Picture) -> list[tuple[str, Bbox]]:
    shown = [text for text in picture.figure.axes[0].texts if text.get_text()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


@PICTURES
def test_no_text_is_clipped(draw):
    picture = drawn(draw)
    sheet = picture.figure.bbox
    assert [text for text, box in texts(picture) if not holds(sheet, box)] == []


@PICTURES
def test_no_two_texts_overlap(draw):
    pairs = combinations(texts(drawn(draw)), 2)
    assert [(one, other) for (one, at), (other, there) in pairs if share(at, there)] == []


@PICTURES
def test_text_is_in_a_box_or_beside_it_never_across_its_edge(draw):
    picture = drawn(draw)
    axes = picture.figure.axes[0]
    boxes = [each.get_window_extent() for each in axes.patches if each.get_alpha() != 0]
    boxes += [line.get_window_extent() for line in axes.lines]
    across = [
        text
        for text, at in texts(picture)
        for box in boxes
        if share(box, at) and not holds(box, at)
    ]
    assert across == []


@PICTURES
def test_labels_have_sixteen_pixels_and_the_font_that_matplotlib_ships(draw):
    for text in drawn(draw).figure.axes[0].texts:
        assert text.get_fontsize() / 72 * 100 >= LABEL - 0.01
        assert text.get_fontfamily() == ["DejaVu Sans"]


def ground(areas: list[tuple[Bbox, Colour]], text: Bbox) -> Colour:
    """The colour of the last area that was drawn under a text; else the sheet's white."""
    x, y = (text.x0 + text.x1) / 2, (text.y0 + text.y1) / 2
    below = [colour for area, colour in areas if area.contains(x, y)]
    return below[-1] if below else (1, 1, 1)


@PICTURES
def test_text_has_enough_contrast_in_light_themes_and_dark_ones(draw):
    axes = drawn(draw).figure.axes[0]
    filled = [each for each in axes.patches if each.get_facecolor()[3]]
    areas = [(each.get_window_extent(), each.get_facecolor()[:3]) for each in filled]
    shown = [text for text in axes.texts if text.get_text()]
    faint = [
        text.get_text()
        for text in shown
        if worst_contrast(to_rgb(text.get_color()), ground(areas, text.get_window_extent())) < TEXT
    ]
    assert faint == []


@PNGS
def test_png_is_white_twice_as_wide_and_of_few_colours(draw):
    image = Image.open(BytesIO(png(draw)))
    assert image.width == WIDTH * SCALE
    assert len(image.getcolors()) <= COLOURS
    assert image.convert("RGB").getpixel((3, 3)) == (255, 255, 255)


@PNGS
def test_png_is_small_enough_for_a_notebook(draw):
    assert len(png(draw)) < 100_000


def test_refusal_looks_different_without_colour_too():
    picture = figures.wall(figures.watch(the_lab().create_cmk().encrypt, b"\0" * 4097))
    axes = picture.figure.axes[0]
    styles = {arrow.get_linestyle() for arrow in axes.patches if isinstance(arrow, FancyArrowPatch)}
    assert len(styles) == 2  # what went in, and the refusal
    assert any(line.get_marker() == "X" for line in axes.lines)


# ------------------------------------------------------------------------------------- captions


@PICTURES
def test_captions_have_no_markdown_but_bold_and_code(draw):
    bare = re.sub(r"`[^`]+`|\*\*[^*`]+\*\*", "", drawn(draw).caption)
    assert not re.search(r"[*`\[\]#]", bare)


def test_caption_states_the_sizes_that_really_crossed():
    key = the_lab().create_cmk()
    call = figures.watch(key.encrypt, b"\0" * 1234)
    assert (call.sent, call.returned) == (1234, len(key.encrypt(b"\0" * 1234)))
    assert f"1,234 bytes (plaintext) and gave back {call.returned:,} bytes" in repr(
        figures.wall(call)
    )


def test_caption_of_a_refusal_states_the_errors_name_and_text():
    key = the_lab().create_cmk()
    key.disable()
    caption = repr(figures.wall(figures.watch(key.encrypt, b"1")))
    assert f"DisabledException: key {key.id[:8]}… is disabled." in caption


def test_a_watched_call_is_the_one_just_made():
    lab = the_lab()
    key = lab.create_cmk()
    blob = key.encrypt(b"1")
    assert figures.watch(lab.decrypt, blob).operation == "Decrypt"
    jiho = lab.user("jiho", allow("kms:Decrypt"))
    assert figures.watch(jiho.decrypt, blob).caller == "user/jiho"
    assert figures.watch(key.encrypt, b"1").operation == "Encrypt"


def test_a_mistake_in_the_program_is_raised_and_not_kept_as_a_refusal():
    with pytest.raises(TypeError):
        figures.watch(the_lab().create_cmk().encrypt)


@pytest.mark.parametrize("program", [len, lambda _: b"", "text".encode])
def test_only_a_method_of_a_lab_can_be_watched(program):
    with pytest.raises(TypeError, match="watch takes a method of a lab"):
        figures.watch(program, b"1")


def test_a_program_without_a_call_does_not_touch_the_wall():
    call = figures.watch(clinic(until="00")[1].stolen_on_friday().open)
    assert (call.crossed, call.caller, list(call.files)) == (False, "", ["R-017.sealed", "key.bin"])
    assert "without any call. The key lay outside." in repr(figures.wall(call))


def test_blob_map_shows_the_keys_name_and_all_sizes():
    key = the_lab().create_cmk()
    blob = key.encrypt(b"word")
    caption = repr(figures.blob_map(blob))
    assert f"a blob of {len(blob)} bytes" in caption
    assert f"reads {key.id}." in caption
    assert "ciphertext 4 and tag 16" in caption


def test_blob_map_refuses_other_bytes():
    with pytest.raises(ValueError, match="not a ciphertext blob of this lab"):
        figures.blob_map(b"something else")


def test_callers_in_a_picture_have_short_names():
    assert all(len(name) < 15 for name in CALLERS.values())
