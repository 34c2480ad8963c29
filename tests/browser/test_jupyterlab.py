"""Each lesson as a learner meets it: opened in `make lab`'s JupyterLab and run to its end."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kmslab.course.workbook import lay_out
from tests.browser.conftest import eventually
from tests.hygiene.lessons import FAILS, PATHS

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def code_cells(path: Path) -> list[dict[str, Any]]:
    """As saved; none while the file is being written."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except json.JSONDecodeError:
        return []
    return [cell for cell in cells if cell["cell_type"] == "code"]


def is_run(cells: list[dict[str, Any]]) -> bool:
    return bool(cells) and all(cell["execution_count"] for cell in cells)


def failed(cell: dict) -> bool:
    return any(output["output_type"] == "error" for output in cell["outputs"])


@pytest.mark.parametrize("name", [path.name for path in PATHS])
def test_run_all_reaches_the_end_and_asks_nothing_of_the_network(lab, browser, name):
    folder, url, token = lab
    hosts = set()
    page = browser.new_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.goto(f"{url}lab/tree/{name}?reset&token={token}")
    idle = page.get_by_text("Python 3 (ipykernel) | Idle")  # in the status bar
    idle.wait_for(timeout=60_000)
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0

    page.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
    page.locator(".lm-Menu-item").get_by_text("Run All Cells", exact=True).click()

    def saved() -> list[dict[str, Any]] | None:
        idle.wait_for()
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1_000)
        return cells if is_run(cells := code_cells(folder / name)) else None

    cells = eventually(saved, 120)
    assert page.locator(".jp-Dialog").all_inner_texts() == []
    assert cells
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    assert [cell["id"] for cell in cells if failed(cell)] == [
        cell["id"] for cell in cells if FAILS in cell["metadata"].get("tags", [])
    ]
    assert {host for host in hosts if host not in (None, "localhost", "127.0.0.1")} == set()
    page.close()


@pytest.mark.parametrize("name", [path.name for path in PATHS])
def test_a_lesson_that_is_only_opened_is_not_unsaved(lab, browser, name):
    folder, url, token = lab
    fresh = folder / name
    fresh.unlink(missing_ok=True)
    lay_out(folder)
    laid_out = fresh.read_bytes()
    page = browser.new_page()
    page.goto(f"{url}lab/tree/{name}?reset&token={token}")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.wait_for_timeout(1_000)
    assert page.locator(".lm-TabBar-tab.jp-mod-dirty").count() == 0
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1_000)
    assert fresh.read_bytes() == laid_out
    page.close()


@pytest.mark.parametrize(("scheme", "theme"), [("light", "Light"), ("dark", "Dark")])
def test_the_theme_is_the_systems(lab, browser, scheme, theme):
    _, url, token = lab
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{url}?token={token}")
    page.locator(".jp-MarkdownViewer h1").first.wait_for(timeout=60_000)
    assert page.evaluate("document.body.dataset.jpThemeName") == f"JupyterLab {theme}"
    page.close()


def test_the_contents_page_opens_rendered(lab, browser):
    _, url, token = lab
    page = browser.new_page()
    page.goto(f"{url}?token={token}")
    page.locator(".jp-MarkdownViewer h1").first.wait_for(timeout=60_000)
    links = page.locator(".jp-MarkdownViewer a")
    shown = {link.inner_text() for link in links.all()}
    assert shown
    page.close()
