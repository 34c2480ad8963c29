"""A picture's caption reaches people who see it and people who hear it, wherever it is shown."""

import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

from kmslab.figures import html

CAPTION = 'Picture: **Encrypt** took `a<b>` & "4" bytes.'
PLAIN = 'Picture: Encrypt took a<b> & "4" bytes.'


def test_alt_is_the_caption_without_markup():
    shown = html.picture(b"png", 960, CAPTION)
    assert unescape(re.search(r'alt="([^"]*)"', shown)[1]) == PLAIN


def test_visible_caption_is_not_said_a_second_time():
    shown = html.picture(b"png", 960, CAPTION)
    assert (
        '<figcaption aria-hidden="true">Picture: <strong>Encrypt</strong> took '
        '<code>a&lt;b&gt;</code> &amp; "4" bytes.</figcaption>'
    ) in shown


def test_nbconvert_shows_the_picture_with_its_text():
    data = {"text/html": html.picture(b"png", 960, "Picture: 4"), "text/plain": "Picture: 4"}
    output = nbformat.v4.new_output("display_data", data)
    cell = nbformat.v4.new_code_cell("figure", outputs=[output])
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    image = re.search(r'<img alt="Picture: 4"[^>]*>', page)[0]
    assert 'src="data:image/png;base64,cG5n"' in image


@pytest.mark.parametrize(("caption", "equal"), [(CAPTION, True), ("Picture: 5", False)])
def test_nbval_compares_the_caption_and_not_the_bytes(caption, equal):
    rules = Path(__file__).parents[1].joinpath("nbval_sanitise.cfg").read_text(encoding="utf-8")
    pairs = re.findall("^regex: (.*)$\n^replace: (.*)$", rules, re.M)  # as nbval reads them
    assert pairs

    def sanitised(text: str) -> str:
        for regex, replace in pairs:
            text = re.sub(regex, replace, text)
        return text

    one = sanitised(html.picture(b"one", 960, CAPTION))
    other = sanitised(html.picture(b"another", 960, caption))
    assert (one == other) is equal
