"""The book that `make book` has made, opened as a file, as on a computer without a network."""

import json
import re

import pytest

from tests.hygiene.lessons import PATHS
from tests.hygiene.test_repository import ROOT

BOOK = ROOT / "dist" / "book"
NAMES = [path.stem for path in PATHS]
FOLDED = "details.hide"
MARKUP = re.compile(r"[`*\n\[\]()]|^(?:- )?[ABC] ", re.MULTILINE)

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not BOOK.is_dir(), reason="`make book` has not made it"),
]


@pytest.fixture
def page(browser):
    """A page that may only open files, and fails the test on a console error."""
    page = browser.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert errors == []


def shown_answers(name: str) -> list[str]:
    """What the committed lesson's `reveal` cells say: of each, the longest piece without markup."""
    cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    answers = [cell for cell in cells if "".join(cell["source"]).startswith("reveal(")]
    texts = ["".join(cell["outputs"][0]["data"]["text/plain"]) for cell in answers]
    return [max(MARKUP.split(text), key=len) for text in texts]


def test_first_page_leads_to_the_book_and_each_lesson_is_in_its_contents(page):
    page.goto((BOOK / "index.html").as_uri())
    page.wait_for_url("**/docs/book/index.html")
    links = page.locator(".sidebar-tree a").evaluate_all("all => all.map(each => each.href)")
    assert {f"{name}.html" for name in NAMES} <= {link.rpartition("/")[2] for link in links}


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_folded_until_somebody_unfolds_them(page, name):
    page.goto((BOOK / f"notebooks/{name}.html").as_uri())
    answers = shown_answers(name)
    assert answers
    folded = page.locator(FOLDED)
    assert folded.locator("summary").filter(has_text="The answer").count() == len(answers)
    before = page.locator("article").inner_text()
    folded.evaluate_all("all => all.forEach(each => { each.open = true })")
    after = page.locator("article").inner_text()
    assert [(text in before, text in after) for text in answers] == [(False, True)] * len(answers)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_a_lesson_are_there(page, name):
    page.goto((BOOK / f"notebooks/{name}.html").as_uri())
    lesson = (ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8")
    widths = page.locator("article img").evaluate_all("all => all.map(each => each.naturalWidth)")
    assert len(widths) == lesson.count("data:image/png")
    assert all(widths)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("봉투", "Data keys and envelope encryption"),
        ("patched_boto3", "kmslab.testing.patched_boto3"),
        ("replicas", "Multi-Region keys"),
    ],
    ids=["a Korean term", "a name", "a word"],
)
def test_search_finds(page, words, title):
    page.goto(f"{(BOOK / 'search.html').as_uri()}?q={words}")
    page.locator("#search-results li", has_text=title).first.wait_for()  # they come one by one
