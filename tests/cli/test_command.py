import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from unittest.mock import patch

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from kmslab.cli.app import app, main
from kmslab.course import installed_files, workbook
from kmslab.course.doctor import CHECKS, Diagnosis, Finding
from kmslab.display import this_command, this_python

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def kmslab(monkeypatch, capsys) -> Callable[..., Ended]:
    """The command as a shell runs it in a folder, in this process."""

    def run(folder: Path, *arguments: str) -> Ended:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["kmslab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


def invoke(*arguments: str):
    """The command in this process."""
    return CliRunner().invoke(app, arguments)


SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
posix = pytest.mark.skipif(os.name != "posix", reason="there is no root, and always a screen")


@pytest.fixture
def browser(monkeypatch) -> None:
    """A computer with a screen, and a browser on it."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser("firefox"))


@pytest.fixture
def opened(monkeypatch, browser) -> list[tuple[Path, list[str]]]:
    """What JupyterLab would have been started with."""
    calls = []
    monkeypatch.setattr(workbook, "open_lab", lambda *call: calls.append(call))
    return calls


# ---------------------------------------------------------------------------------------- about


def test_without_a_subcommand_it_shows_the_help():
    result = invoke()
    assert result.exit_code == 0
    assert {"lab", "doctor"} <= set(result.output.split())


def test_it_says_its_version(tmp_path):
    command = [sys.executable, "-m", "kmslab", "--version"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.startswith(f"kmslab {version('kmslab')}, Python 3.")


@pytest.mark.parametrize(
    "arguments", [["lb"], ["lab", "--rest", "01"], ["doctor", "me"], ["lab", "--port", "x"]]
)
def test_a_mistyped_command_exits_with_2_and_words(arguments, opened):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert "Usage: kmslab" in result.stderr
    assert (result.stdout, opened) == ("", [])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "pwsh"])
def test_each_shell_can_learn_to_complete_it(shell, monkeypatch):
    monkeypatch.setenv("_KMSLAB_COMPLETE", f"source_{shell}")
    assert "kmslab" in CliRunner().invoke(app, prog_name="kmslab").output


# ------------------------------------------------------------------------------------------ lab


def test_lab_lays_out_the_real_lessons_and_opens_them(tmp_path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    result = invoke("lab")
    assert result.exit_code == 0
    assert f"Your lessons are in {tmp_path / 'workbook'}" in result.output.replace("\n", "")
    shipped_names = {path.name for path in installed_files.folder("notebooks").glob("*.ipynb")}
    assert shipped_names <= {path.name for path in (tmp_path / "workbook").iterdir()}
    assert opened == [(Path("workbook"), ["--port=8888"])]


def test_options_after_two_dashes_are_jupyterlabs(tmp_path, opened):
    invoke("lab", "--folder", str(tmp_path), "--no-browser", "--port=0", "--", "--allow-root")
    assert opened == [(tmp_path, ["--port=0", "--no-browser", "--allow-root"])]


def test_a_workbook_that_is_there_is_kept_and_what_is_new_is_named(tmp_path, opened):
    invoke("lab", "--folder", str(tmp_path))
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    (first, second, *_) = sorted(tmp_path.glob("*.ipynb"))
    first.write_text("mine", encoding="utf-8")
    second.unlink()
    assert f"New: {second.name}" in invoke("lab", "--folder", str(tmp_path)).output
    assert first.read_text(encoding="utf-8") == "mine"
    assert "New" not in invoke("lab", "--folder", str(tmp_path)).output


def test_a_reset_takes_a_number_without_its_zero(tmp_path):
    result = invoke("lab", "--folder", str(tmp_path), "--reset", "2")
    assert result.output.splitlines()[0] == "Lesson 02 is fresh again."
    assert [path.name[:3] for path in tmp_path.iterdir()] == ["02-"]


def test_a_terminal_in_jupyterlab_uses_the_same_workbook(tmp_path, monkeypatch):
    own = tmp_path / "my course"
    workbook.lay_out(own)
    monkeypatch.setenv(workbook.WORKBOOK_VARIABLE, str(own))
    (lesson,) = own.glob("01-*.ipynb")
    lesson.write_text("mine", encoding="utf-8")
    result = invoke("lab", "--reset", "01")
    kept = own / f"{lesson.stem}.mine-1.ipynb"
    assert "Lesson 01 is fresh again." in result.output
    assert str(kept) in result.output.replace("\n", "")
    assert kept.read_text(encoding="utf-8") == "mine"


def test_jupyterlab_is_started_quietly_and_its_terminals_know_the_command(tmp_path, monkeypatch):
    labapp = pytest.importorskip("jupyterlab.labapp")
    started = []
    monkeypatch.setattr(labapp.LabApp, "launch_instance", started.append)
    for name in ("PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_PATH", workbook.WORKBOOK_VARIABLE):
        monkeypatch.setenv(name, "before")
    workbook.open_lab(tmp_path, ["--allow-root"])
    assert started == [[str(tmp_path), *workbook.QUIET, "--allow-root"]]
    assert os.environ["PATH"].split(os.pathsep) == [sysconfig.get_path("scripts"), "before"]
    assert os.environ["JUPYTER_CONFIG_PATH"].endswith(f"{os.pathsep}before")
    assert os.environ[workbook.WORKBOOK_VARIABLE] == str(tmp_path)


@posix
def test_jupyterlab_is_started_without_what_would_hold_it_up(tmp_path, monkeypatch):
    """Its grammar of IRIs, Node, and an extension that imports IPython took most of its start."""
    program = """
import os, sys
from pathlib import Path
from tornado.platform.asyncio import BaseAsyncIOLoop
from kmslab.course import workbook
def report(loop):
    from jupyter_server.serverapp import ServerApp
    app = ServerApp.instance()
    print([name for name in ("lark", "IPython", "matplotlib") if name in sys.modules])
    print(app.ip, app.open_browser, bool(app.identity_provider.token), os.environ["PATH"])
    sys.stdout.flush()
    os._exit(0)
BaseAsyncIOLoop.start = report  # all is ready then, and waits for requests
workbook.open_lab(Path(), ["--no-browser", "--port=0"])
"""
    node = tmp_path / "bin" / "node"
    node.parent.mkdir()
    node.write_text(f"#!/bin/sh\ntouch '{tmp_path}/asked'\n", encoding="utf-8")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{node.parent}:/bin")
    run = [sys.executable, "-c", program]
    result = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    held_up, rest = result.stdout.splitlines()
    assert held_up == "[]"
    path = f"{sysconfig.get_path('scripts')}:{node.parent}:/bin"
    assert rest == f"localhost False True {path}"
    assert not (tmp_path / "asked").exists()


@posix
@pytest.mark.parametrize("user", [0, 1000])
def test_root_reads_so_and_is_let_in(user, tmp_path, monkeypatch, opened):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    result = invoke("lab", "--folder", str(tmp_path))
    assert result.exit_code == 0
    assert [line[:8] for line in result.output.splitlines()].count("You are ") == (user == 0)
    assert len(opened) == 1


@posix
@pytest.mark.parametrize(("user", "allowed"), [(0, ["--allow-root"]), (1000, [])])
def test_jupyterlab_is_told_that_root_may(user, allowed, tmp_path, monkeypatch):
    labapp = pytest.importorskip("jupyterlab.labapp")
    started = []
    monkeypatch.setattr(labapp.LabApp, "launch_instance", started.append)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with patch.dict(os.environ):
        workbook.open_lab(tmp_path, ["--port=0"])
        workbook.open_lab(tmp_path, ["--allow-root"])
    assert started == [
        [str(tmp_path), *workbook.QUIET, *allowed, "--port=0"],
        [str(tmp_path), *workbook.QUIET, "--allow-root"],
    ]


def test_a_browser_opens_where_there_is_one_and_the_address_is_there_too(tmp_path, opened):
    result = invoke("lab", "--folder", str(tmp_path))
    assert "Your browser opens. If it does not, open the address below in one." in result.output
    assert opened == [(tmp_path, ["--port=8888"])]


@posix
@pytest.mark.parametrize("lacks", ["screen", "browser"])
def test_without_a_screen_or_a_browser_the_address_is_all(lacks, tmp_path, monkeypatch, opened):
    def no_browser():
        raise webbrowser.Error("could not locate runnable browser")

    if lacks == "screen":
        for name in SCREENS:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "platform", "linux")
    else:
        monkeypatch.setattr(webbrowser, "get", no_browser)
    result = invoke("lab", "--folder", str(tmp_path))
    assert "Open the address below in a browser." in result.output
    assert "Your browser opens" not in result.output
    assert opened == [(tmp_path, ["--port=8888", "--no-browser"])]


@pytest.mark.parametrize("home", ["", "file", "file/home"])
def test_a_home_that_cannot_be_written_is_replaced(home, tmp_path, monkeypatch):
    """As in a container whose user has none. JupyterLab would end there with a traceback."""
    labapp = pytest.importorskip("jupyterlab.labapp")
    monkeypatch.setattr(labapp.LabApp, "launch_instance", lambda _: None)
    (tmp_path / "file").write_bytes(b"")
    for name in workbook.OWN_FOLDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != Path.home())
    with patch.dict(os.environ):
        os.environ["HOME"] = str(tmp_path / home) if home else ""
        workbook.open_lab(tmp_path, [])
        places = {Path(os.environ[name]).parent for name in workbook.OWN_FOLDERS}
    (place,) = places
    assert place.name.startswith("kmslab-")
    place.rmdir()


def test_a_reset_opens_nothing(tmp_path, opened):
    assert invoke("lab", "--folder", str(tmp_path / "new"), "--reset", "01").exit_code == 0
    assert opened == []


@pytest.mark.parametrize("lesson", ["99", "", "../01"])
def test_a_reset_of_no_lesson_names_those_that_are(kmslab, tmp_path, lesson):
    result = kmslab(tmp_path, "lab", "--reset", lesson)
    assert (result.returncode, result.stdout) == (1, "")
    assert "00-start-here" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_in_the_workbooks_place_is_reported_in_one_line(kmslab, tmp_path):
    (tmp_path / "workbook").write_text("", encoding="utf-8")
    result = kmslab(tmp_path, "lab")
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "The lessons can't be laid out in workbook: there is a file of that name. "
        f"To use another folder: {this_command()} lab --folder NAME"
    ]


def test_without_jupyterlab_it_says_how_to_get_it(tmp_path):
    program = """
import sys
sys.modules["jupyterlab"] = None  # importing it fails, as if it were not installed
from kmslab.cli.app import main
sys.argv[1:] = ["lab"]
main()
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("JupyterLab is not installed here.")
    assert line.endswith(" ".join([this_python(), "-m pip install", *workbook.NEEDED]))
    assert list(tmp_path.iterdir()) == []  # nothing was laid out, nothing promised
    assert result.stdout == ""


def test_what_it_names_to_install_is_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["lab"]
    found = map(Requirement, extra)
    names = [[each.name, *(f"{each.name}-{part}" for part in each.extras)] for each in found]
    assert [*chain(*names)] == list(workbook.NEEDED)


# --------------------------------------------------------------------------------------- doctor


def test_doctor_is_green_here(kmslab, tmp_path):
    result = kmslab(tmp_path, "doctor")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == len(CHECKS)
    assert {line[:6] for line in result.stdout.splitlines()} == {"[ OK ]"}


def test_doctor_prints_the_same_as_json(kmslab, tmp_path):
    diagnosis = json.loads(kmslab(tmp_path, "doctor", "--json").stdout)
    assert diagnosis["green"] is True
    assert [finding["subject"] for finding in diagnosis["findings"]] == [name for name, _ in CHECKS]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_machine_that_is_not_ready_is_exit_code_1(monkeypatch, form):
    not_ready = Diagnosis([Finding("printer", False, "no ink")])
    monkeypatch.setattr(sys.modules[Diagnosis.__module__], "doctor", lambda: not_ready)
    result = invoke("doctor", *form)
    assert result.exit_code == 1
    assert "no ink" in result.output


def test_a_letter_that_a_pipe_cannot_write_is_no_failure(tmp_path):
    folder = tmp_path / "진료소"
    folder.mkdir()
    command = [sys.executable, "-X", "utf8=0", "-m", "kmslab", "lab", "--reset", "99", "--folder"]
    result = subprocess.run(
        [*command, str(folder)],
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "SYSTEMROOT": "C:\\Windows"},
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr
