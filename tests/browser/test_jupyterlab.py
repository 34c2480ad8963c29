"""Each lesson as a learner meets it: opened in `make lab`'s JupyterLab and run to its end.

A lesson is opened and run once, since a page takes seconds to load. Each test judges what was seen.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kmslab.course.workbook import lay_out
from tests.browser.conftest import eventually
from tests.hygiene.lessons import FAILS, PATHS

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
LOCAL = (None, "localhost", "127.0.0.1")  # None: a data URI


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


def pictures(cells: list[dict[str, Any]]) -> dict[str, int]:
    """How many pictures each cell shows; cells without one are left out."""
    data = [(cell["id"], output.get("data", {})) for cell in cells for output in cell["outputs"]]
    counts: dict[str, int] = {}
    for name, kinds in data:
        here = "".join(kinds.get("text/html", "")).count("<img ") + ("image/png" in kinds)
        counts[name] = counts.get(name, 0) + here
    return {name: count for name, count in counts.items() if count}


@dataclass
class Visit:
    """What a learner's browser showed of one lesson, and what it asked for."""

    committed: list[dict[str, Any]]  # the code cells, with the outputs that they should have
    hosts: set[str | None] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)  # the console's errors
    dialogs: list[str] = field(default_factory=list)
    unsaved: int = 0  # tabs with a dot, when nothing was done yet
    changed_by_saving: bool = False
    cells: list[dict[str, Any]] = field(default_factory=list)  # as saved after the run
    widths: list[int] = field(default_factory=list)  # of the pictures on the page; 0 if broken

    def listen(self, page: Any) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self.hear)

    def hear(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def note_dialogs(self, page: Any) -> None:
        self.dialogs += page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()

    def open(self, page: Any, address: str, path: Path) -> None:
        laid_out = path.read_bytes()
        page.goto(address)
        idle(page).wait_for(timeout=60_000)
        page.wait_for_timeout(1_000)
        self.unsaved = page.locator(".lm-TabBar-tab.jp-mod-dirty").count()
        save(page)
        self.changed_by_saving = path.read_bytes() != laid_out
        self.note_dialogs(page)

    def run_all(self, page: Any, path: Path) -> None:
        page.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
        page.locator(".lm-Menu-item").get_by_text("Run All Cells", exact=True).click()

        def saved() -> list[dict[str, Any]] | None:
            idle(page).wait_for(timeout=60_000)
            save(page)
            return cells if is_run(cells := code_cells(path)) else None

        self.cells = eventually(saved, 120) or code_cells(path)
        self.note_dialogs(page)

    def look_at_pictures(self, page: Any) -> None:
        shown = page.locator(".jp-OutputArea-output img")
        due = sum(pictures(self.committed).values())
        eventually(lambda: shown.count() >= due, 10)
        self.widths = shown.evaluate_all("all => all.map(each => each.naturalWidth)")


def idle(page: Any) -> Any:
    return page.get_by_text("Python 3 (ipykernel) | Idle")  # in the status bar


def save(page: Any) -> None:
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1_000)


def stop_kernels(page: Any, url: str, token: str) -> None:
    """A closed page leaves its kernel running, and fourteen of them fill a small machine."""
    headers = {"Authorization": f"token {token}"}
    for session in page.request.get(f"{url}api/sessions", headers=headers).json():
        page.request.delete(f"{url}api/sessions/{session['id']}", headers=headers)


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def visit(lab, browser, request) -> Visit:
    """One lesson, freshly laid out, opened, saved and run to its end."""
    folder, url, token = lab
    path = folder / request.param.name
    path.unlink(missing_ok=True)
    lay_out(folder)
    visit = Visit(code_cells(request.param))
    page = browser.new_page()
    visit.listen(page)
    try:
        visit.open(page, f"{url}lab/tree/{path.name}?reset&token={token}", path)
        visit.run_all(page, path)
        visit.look_at_pictures(page)
    finally:
        stop_kernels(page, url, token)
        page.close()
    return visit


def test_lesson_that_is_only_opened_is_not_unsaved(visit):
    assert visit.unsaved == 0
    assert not visit.changed_by_saving


def test_run_all_reaches_the_end(visit):
    assert visit.cells
    counts = [cell["execution_count"] for cell in visit.cells]
    assert counts == [*range(1, len(visit.committed) + 1)]


def test_cells_that_fail_are_those_that_should(visit):
    assert [cell["id"] for cell in visit.cells if failed(cell)] == [
        cell["id"] for cell in visit.cells if FAILS in cell["metadata"].get("tags", [])
    ]


def test_each_picture_is_drawn_and_shown(visit):
    due = pictures(visit.committed)
    assert pictures(visit.cells) == due
    assert len(visit.widths) == sum(due.values())
    assert all(visit.widths)


def test_no_dialog_and_no_error_in_the_console(visit):
    assert visit.dialogs == []
    assert visit.complaints == []


def test_lesson_asks_nothing_of_the_network(visit):
    assert visit.hosts
    assert visit.hosts <= set(LOCAL)


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
