"""Lines and areas stand out in light themes, and in dark ones, which turn the colours around."""

import re

import pytest
from matplotlib.colors import to_rgb

from kmslab.figures import html
from kmslab.figures.canvas import BLUE, GREEN, INK, PALE, PURPLE, VERMILLION
from tests.figures.contrast import GRAPHICS, worst_contrast


@pytest.mark.parametrize("colour", [BLUE, VERMILLION, GREEN, PURPLE, INK])
@pytest.mark.parametrize("ground", ["white", PALE])
def test_colours_of_lines_and_areas_stand_out_under_both_themes(colour, ground):
    colour, ground = to_rgb(colour), to_rgb(ground)
    least = GRAPHICS if ground == (1, 1, 1) else 2.6  # purple, which never stands there alone
    assert worst_contrast(colour, ground) >= least


def test_only_dark_themes_turn_a_picture_around():
    drawing = html.picture(b"png", 960, "Picture: 1")
    selector, rule = re.search(r"<style>(.*?)\{(.*?)\}", drawing).groups()
    assert "light" not in selector.replace('[data-jp-theme-light="false"]', "")
    assert rule == f"filter:invert({html.INVERTED}) hue-rotate(180deg)"
    assert html.DRAWING in drawing.partition("</style>")[2]
