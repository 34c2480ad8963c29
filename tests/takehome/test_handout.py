"""The zip for rooms without network: what it asks of a computer, and what it says to people."""

import ast
import html
import importlib.util
import json
import platform
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import handout
from scripts.handout import COMPUTERS, HANDED_OUT, PYTHONS, Computer, installed, page, pinned
from tests.cases import for_every

START = HANDED_OUT / "start.py"
COMPUTER = pytest.mark.parametrize("computer", COMPUTERS.values(), ids=list(COMPUTERS))
HERE = {
    "name": "this computer",
    "system": sys.platform,
    "machines": [platform.machine().lower()],
    "pythons": [f"{sys.version_info.major}.{sys.version_info.minor}"],
    "pip": "pip-1-py3-none-any.whl",
    "wheels": 1,
    "megabytes": 1,
    "longest_path": 150,
    "kmslab": "0.1.0",
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A handout that fits this computer, with one wheel that is none."""
    place = tmp_path / "kmslab course"
    (place / "wheels").mkdir(parents=True)
    (place / "wheels" / "a.whl").write_bytes(b"")
    (place / "start.py").write_bytes(START.read_bytes())
    made_for(place)
    return place


def made_for(place: Path, **facts) -> None:
    (place / "made-for.json").write_text(json.dumps(HERE | facts), encoding="utf-8")


def start(place: Path, *arguments: str) -> str:
    """What it says when it can't start."""
    result = subprocess.run(
        [sys.executable, str(place / "start.py"), *arguments],
        cwd=place.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stderr


# ------------------------------------------------------------------------------- what start.py says


@pytest.mark.parametrize("missing", ["made-for.json", "wheels/a.whl"])
def test_started_from_inside_the_zip_it_asks_to_unpack_it(folder, missing):
    (folder / missing).unlink()
    assert "Unpack the whole zip into a folder first." in start(folder)


def test_the_wrong_computer_is_named_with_the_right_one(folder):
    made_for(folder, name="Plan 9", system="plan9")
    assert start(folder).startswith("This zip is for Plan 9; this computer is ")


@pytest.mark.parametrize("pythons", [["3.8"], ["3.98", "3.99"]])
def test_the_wrong_python_is_told_how_to_start_with_another(folder, pythons):
    made_for(folder, pythons=pythons)
    said = start(folder)
    assert f"This zip is for Python {', '.join(pythons)} (64 bits); this is " in said
    assert re.search(rf"(py -|python){re.escape(pythons[-1])} start\.py$", said.strip())


def test_a_folder_that_may_not_be_written_is_to_be_copied(folder):
    (folder / "setup.log").mkdir()  # a write fails, even for root
    assert "Copy this folder to your own disk" in start(folder)


def test_a_full_disk_is_told_before_anything_is_installed(folder):
    made_for(folder, megabytes=10**9)
    assert "The course needs 1000000000 MB on this disk" in start(folder)
    assert not (folder / ".venv").exists()


def test_a_failed_set_up_says_so_where_the_rest_is_and_begins_anew(folder):
    for _ in range(2):
        said = start(folder, "doctor")
        assert "That did not work" in said
        assert str(folder / "setup.log") in said


@pytest.fixture
def module(folder):
    spec = importlib.util.spec_from_file_location("start", folder / "start.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(("longest", "allowed"), [(30, False), (300, True)])
def test_windows_takes_a_short_path_or_any_if_it_was_told_to(module, monkeypatch, longest, allowed):
    monkeypatch.setattr(module, "WINDOWS", True)
    monkeypatch.setattr(module, "long_paths_allowed", lambda: allowed)
    module.check_folder(HERE | {"longest_path": longest})


def test_windows_is_asked_for_a_shorter_path_before_it_fails(module, monkeypatch):
    monkeypatch.setattr(module, "WINDOWS", True)
    monkeypatch.setattr(module, "long_paths_allowed", lambda: False)
    with pytest.raises(module.SetupError, match=r"Move it to C:\\kmslab"):
        module.check_folder(HERE | {"longest_path": 300})


def test_an_old_python_can_read_start():
    source = START.read_text(encoding="utf-8")
    assert source.isascii()  # Python 2 takes no other source without a word about it
    tree = ast.parse(source, feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.Nonlocal, ast.AsyncFunctionDef, ast.Starred)
    starred_calls = {
        id(arg) for node in ast.walk(tree) if isinstance(node, ast.Call) for arg in node.args
    }
    assert [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, newer) and id(node) not in starred_calls
    ] == []


# -------------------------------------------------------------------------- what goes into the zip


@COMPUTER
@for_every("python", PYTHONS)
def test_every_pin_for_a_computer_is_exact_hashed_and_without_marker(computer, python):
    pins = list(pinned(computer, python))
    names = {Requirement(pin.partition(" \\")[0]).name for pin in pins}
    assert {"jupyterlab", "matplotlib", "cryptography", "typer", "pip"} <= names
    assert ("colorama" in names) == (computer.system["os_name"] == "nt")
    for pin in pins:
        assert re.fullmatch(r"\S+==\S+( \\\n +--hash=sha256:[0-9a-f]{64})+", pin)


def test_this_computer_is_one_of_those_that_are_known():
    name = handout.this_computer()
    assert name == "" or platform.machine().lower() in COMPUTERS[name].machines


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("kmslab/cli/app.py", "/Lib/site-packages/kmslab/cli/__pycache__/app.cpython-311.pyc"),
        ("kmslab/kms/contract/kms.json", "/Lib/site-packages/kmslab/kms/contract/kms.json"),
        ("jupyterlab-4.data/data/share/jupyter/lab.js", "/share/jupyter/lab.js"),
    ],
)
def test_a_path_is_counted_where_it_will_lie(file, path):
    assert installed(file) == path


def test_what_pip_says_of_a_failed_download_is_short(monkeypatch):
    program = "import sys; sys.exit('much\\nERROR: first\\nERROR: second\\nERROR: no match')"
    with pytest.raises(handout.HandoutError) as trouble:
        handout.run([sys.executable, "-c", program], "No wheels.")
    assert str(trouble.value).splitlines() == ["No wheels.", "ERROR: second", "ERROR: no match"]


def test_a_place_that_cannot_be_written_is_said_before_anything_is_fetched(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    command = [sys.executable, "scripts/handout.py", "--into", str(tmp_path / "file" / "dist")]
    name = handout.this_computer() or next(iter(COMPUTERS))
    result = subprocess.run(
        [*command, "--for", name],
        cwd=handout.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"{tmp_path / 'file' / 'dist'} cannot be made: Not a directory\n"


# --------------------------------------------------------------------------------------- the page


class Reader(HTMLParser):
    """The page's commands, and whether each tag that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.commands, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("code", "pre"):
            self.commands.append(data.strip())


def shown(computer: Computer, pythons=PYTHONS) -> str:
    return page(computer, {"pythons": list(pythons), "kmslab": "0.1.0", "megabytes": 550})


@COMPUTER
def test_page_says_how_to_start_on_that_computer_and_asks_nothing_of_the_network(computer):
    reader = Reader(shown(computer))
    python = computer.system["python"]
    assert reader.open == []
    assert reader.links == []
    assert {f"{python} start.py", f"{python} start.py doctor"} <= set(reader.commands)
    assert any(command.endswith("3.14 start.py") for command in reader.commands)
    assert "$" not in shown(computer)
    assert "NEWEST" not in shown(computer)


def test_page_says_what_start_says():
    """The reader looks for the very words that the terminal shows."""
    text = html.unescape(shown(COMPUTERS["windows-amd64"]))
    source = START.read_text(encoding="utf-8")
    for words in ("This zip is for Python", "setup.log"):
        assert words in text
        assert words in source
    assert f"<code>{handout.FOLDER}</code>" in text
