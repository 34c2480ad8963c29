"""Text is legible on what lies under it: in light themes, and in dark ones that turn it around."""

import re

import pytest
from matplotlib.colors import to_rgb

from kmslab.figures import html
from kmslab.figures.canvas import BLUE, GREEN, INK, PALE, PURPLE, VERMILLION
from tests.figures.test_pictures import PICTURES, drawn

CONTRAST = 4.5  # WCAG 2.2, criterion 1.4.3, level AA
GRAPHICS = 3  # criterion 1.4.11
Colour = tuple[float, float, float]


def turned(colour: Colour) -> Colour:
    """invert(…) hue-rotate(180deg), as "Filter Effects Module Level 1" defines them."""
    inverted = [html.INVERTED + (1 - 2 * html.INVERTED) * part for part in colour]
    weights = (0.213, 0.715, 0.072)
    grey = sum(weight * part for weight, part in zip(weights, inverted, strict=True))
    return tuple(min(1, max(0, 2 * grey - part)) for part in inverted)


def luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ground(axes, x: float, y: float) -> Colour:
    """The colour of the last patch that was drawn over this place; else the sheet's white."""
    found = (1.0, 1.0, 1.0)
    for patch in axes.patches:
        red, green, blue, opacity = patch.get_facecolor()
        if opacity and patch.get_window_extent().contains(x, y):
            found = (red, green, blue)
    return found


@PICTURES
def test_text_has_enough_contrast_under_both_themes(draw):
    axes = drawn(draw).figure.axes[0]
    faint = []
    for text in axes.texts:
        box = text.get_window_extent()
        below = ground(axes, (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        colour = to_rgb(text.get_color())
        in_light, in_dark = contrast(colour, below), contrast(turned(colour), turned(below))
        if text.get_text() and min(in_light, in_dark) < CONTRAST:
            faint.append((text.get_text(), round(in_light, 1), round(in_dark, 1)))
    assert faint == []


@pytest.mark.parametrize("colour", [BLUE, VERMILLION, GREEN, PURPLE, INK])
@pytest.mark.parametrize("ground", ["white", PALE])
def test_colours_of_lines_and_areas_stand_out_under_both_themes(colour, ground):
    colour, ground = to_rgb(colour), to_rgb(ground)
    faintest = min(contrast(colour, ground), contrast(turned(colour), turned(ground)))
    assert faintest >= (GRAPHICS if ground == (1, 1, 1) else 2.6)


def test_only_dark_themes_turn_a_picture_around():
    drawing = html.picture(b"png", 960, "Picture: 1")
    selector, rule = re.search(r"<style>(.*?)\{(.*?)\}", drawing).groups()
    assert "light" not in selector.replace('[data-jp-theme-light="false"]', "")
    assert rule == f"filter:invert({html.INVERTED}) hue-rotate(180deg)"
    assert html.DRAWING in drawing.partition("</style>")[2]
