"""The course taken home: from its wheel and from the handout, where there is no network."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kmslab.course.doctor import CHECKS, EXTRAS

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name != "posix", reason="it starts and stops as a POSIX shell does"),
]
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LESSONS = sorted(path.name for path in (ROOT / "notebooks").iterdir() if path.is_file())
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = getattr(sys, "_base_executable", sys.executable)  # not the one of the tests' environment
ALONE = ["unshare", "--map-root-user", "--net", sys.executable, str(HERE / "alone.py")]
DEAD = "http://127.0.0.1:9"  # the discard port: nobody answers


def can_be_cut() -> bool:
    return bool(
        sys.platform == "linux"
        and shutil.which("unshare")
        and subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0
    )


CUT = can_be_cut()


def offline(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a network namespace of its own, or else behind a proxy that nobody is."""
    proxies = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    away = {} if CUT else dict.fromkeys(proxies, DEAD)
    return subprocess.run(
        [*(ALONE if CUT else []), *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"} | away,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def visit(command: list[str], folder: Path) -> dict:
    """What somebody sees who opens the course with that command, and stops it."""
    result = offline([sys.executable, str(HERE / "visitor.py"), *command], folder)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def judge(seen: dict) -> None:
    assert seen.get("lessons") == LESSONS, seen["said"]
    assert seen["program"] is True
    assert seen["stopped"] == 0, seen["said"]
    assert seen["cut_off"] or not CUT


@pytest.fixture(scope="module")
def handout(tmp_path_factory) -> Path:
    """The zip unpacked in a folder with a space and Korean letters in its name."""
    made = tmp_path_factory.mktemp("made")
    make = [sys.executable, "scripts/handout.py", "--python", PYTHON, "--into", str(made)]
    subprocess.run(make, cwd=ROOT, check=True)
    (zipped,) = made.glob("*.zip")
    room = tmp_path_factory.mktemp("room") / "my room 교실"
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(room)
    zipped.unlink()
    return room / "kmslab-course"


def test_the_handout_sets_itself_up_opens_the_course_and_stops(handout):
    start = [BASE, "start.py"]
    examined = offline([*start, "doctor"], handout)
    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert "about a minute" in examined.stdout
    assert examined.stdout.count("[ OK ]") == len(CHECKS)
    assert "[FAIL]" not in examined.stdout

    judge(visit([*start, "lab", "--no-browser", "--port=0"], handout))

    lesson = handout / "workbook" / "00-start-here.ipynb"
    lesson.write_text("mine", encoding="utf-8")
    reset = offline([*start, "lab", "--reset", "00"], handout)
    assert reset.stdout.splitlines()[0] == "Lesson 00 is fresh again."
    assert "about a minute" not in reset.stdout
    assert lesson.with_stem("00-start-here.mine-1").read_text(encoding="utf-8") == "mine"


def test_a_damaged_file_is_found_and_told_in_words(handout, tmp_path):
    damaged = tmp_path / "kmslab-course"
    shutil.copytree(handout, damaged, ignore=shutil.ignore_patterns(".venv", "workbook"))
    (own,) = (damaged / "wheels").glob("kmslab-*.whl")
    content = bytearray(own.read_bytes())
    content[len(content) // 2] ^= 1
    own.write_bytes(content)
    started = offline([BASE, "start.py"], damaged)
    assert started.returncode == 1
    assert "A file of this folder is damaged." in started.stderr
    assert not (damaged / "workbook").exists()


def test_the_wheel_alone_runs_in_an_empty_environment(handout, tmp_path):
    venv, wheels = tmp_path / "venv", handout / "wheels"
    (own,) = wheels.glob("kmslab-*.whl")
    (pip,) = wheels.glob("pip-*.whl")
    subprocess.run([BASE, "-m", "venv", "--without-pip", str(venv)], check=True)
    python, kmslab = str(venv / "bin" / "python"), str(venv / "bin" / "kmslab")
    install = [python, str(pip / "pip"), "install", "--quiet", "--no-index"]
    installed = offline([*install, "--find-links", str(wheels), f"{own}[lab]"], tmp_path)
    assert installed.returncode == 0, installed.stderr

    examined = offline([kmslab, "doctor", "--json"], tmp_path)
    assert examined.returncode == 0, examined.stdout
    assert json.loads(examined.stdout)["green"] is True

    judge(visit([kmslab, "lab", "--no-browser", "--port=0"], tmp_path))
    lesson = "workbook/01-a-key-that-never-leaves.ipynb"
    taken = offline([python, "-m", "jupyter", "execute", lesson], tmp_path)
    assert taken.returncode == 0, taken.stderr


def test_without_jupyterlab_the_command_says_how_to_get_it(handout, tmp_path):
    venv, wheels = tmp_path / "venv", handout / "wheels"
    (own,) = wheels.glob("kmslab-*.whl")
    (pip,) = wheels.glob("pip-*.whl")
    subprocess.run([BASE, "-m", "venv", "--without-pip", str(venv)], check=True)
    install = [str(venv / "bin" / "python"), str(pip / "pip"), "install", "--quiet", "--no-index"]
    offline([*install, "--find-links", str(wheels), str(own)], tmp_path)
    opened = offline([str(venv / "bin" / "kmslab"), "lab"], tmp_path)
    assert opened.returncode == 1
    assert opened.stderr.startswith("JupyterLab is not installed here.")
    examined = offline([str(venv / "bin" / "kmslab"), "doctor"], tmp_path)
    assert examined.returncode == 0
    assert examined.stdout.count("[    ] extra ") == len(EXTRAS)
    assert "[FAIL]" not in examined.stdout
