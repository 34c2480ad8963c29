"""What JupyterLab makes of a picture: for eyes under both themes, and for a screen reader."""

from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from scripts.notebooks import METADATA, normalise, run
from tests.browser.conftest import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
NAME = "pictures.ipynb"
CELLS = [
    "from kmslab import Lab, figures; key = Lab().create_cmk()",
    "figures.wall(figures.watch(key.encrypt, b'four'))",
    "figures.bill(key.lab.bill())",
]
CAPTIONS = ["Picture: Encrypt took in 4 bytes", "Picture: USD"]  # as they begin


def write(folder: Path) -> None:
    """A notebook in which nothing has been run."""
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate(CELLS)
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    normalise(notebook)
    nbformat.write(notebook, folder / NAME)


@pytest.fixture(params=["light", "dark"])
def scheme(request) -> str:
    return request.param


@pytest.fixture
def page(lab, browser, scheme):
    """The notebook, run to its end."""
    folder, url, token = lab
    write(folder)
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{url}lab/tree/{NAME}?reset&token={token}")
    idle = page.get_by_text("Python 3 (ipykernel) | Idle")
    idle.wait_for(timeout=60_000)
    page.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
    page.locator(".lm-Menu-item").get_by_text("Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea-output img").nth(1).wait_for(timeout=60_000)
    idle.wait_for(timeout=60_000)
    yield page
    page.close()


def spoken(page) -> list[tuple[str, str]]:
    """(role, name) of all that the browser offers to a screen reader."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]


def test_caption_is_the_images_text_and_is_said_once(page, scheme):
    said = spoken(page)
    for caption in CAPTIONS:
        assert [role for role, name in said if name.startswith(caption)] == ["image"]
    assert page.locator(".jp-OutputArea-output img:not([alt^='Picture: '])").count() == 0


def test_caption_is_shown_below_the_picture(page, scheme):
    shown = page.locator(".jp-OutputArea-output figcaption").all_inner_texts()
    assert [text.startswith(caption) for text, caption in zip(shown, CAPTIONS, strict=True)] == [
        True,
        True,
    ]


def lightness(page) -> tuple[int, int]:
    """Of the first picture's empty corner, and of the ink that differs most from it."""
    picture = page.locator(".jp-OutputArea-output img").first
    grey = Image.open(BytesIO(picture.screenshot())).convert("L")
    corner = int(grey.getpixel((10, 10)))
    lowest, highest = grey.getextrema()
    return corner, max(lowest, highest, key=lambda ink: abs(ink - corner))


def test_picture_is_dark_on_light_or_light_on_dark_as_the_theme_is(page, scheme):
    eventually(lambda: page.evaluate("document.body.dataset.jpThemeLight"), 10)
    ground, ink = lightness(page)
    assert (ground > 250 and ink < 60) if scheme == "light" else (ground < 30 and ink > 190)


def test_notebook_of_somebody_else_shows_its_pictures_before_it_is_run(lab, browser):
    """It is not trusted, so JupyterLab sanitises its outputs: style rules go, pictures stay."""
    folder, url, token = lab
    write(folder)
    path = folder / NAME
    notebook = nbformat.read(path, as_version=4)
    run(notebook, folder)
    nbformat.write(notebook, path)
    page = browser.new_page()
    page.goto(f"{url}lab/tree/{NAME}?reset&token={token}")
    pictures = page.locator(".jp-OutputArea-output img[alt^='Picture: ']")
    pictures.nth(1).wait_for(timeout=60_000)
    assert pictures.evaluate_all("all => all.map(each => each.naturalWidth)") == [1920, 1920]
    page.close()
