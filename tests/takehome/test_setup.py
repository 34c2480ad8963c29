"""scripts/setup.sh: what is wrong with a machine is said before anything is installed.

The machine is one of small programs in a folder of their own, which is all of its path.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="it is a shell script")
ROOT = Path(__file__).parents[2]
TOOLS = ("awk", "cat", "cksum", "df", "dirname", "rm", "sleep")
NEW = """#!/bin/sh
case "$*" in *--version*) echo "Python 3.13.0" ;; esac
"""
OLD = """#!/bin/sh
case "$*" in *--version*) echo "Python 3.10.13" ;; *version_info*) exit 1 ;; esac
"""
WITHOUT_VENV = """#!/bin/sh
case "$*" in *ensurepip*) exit 1 ;; esac
"""
# It makes .venv with itself in it, and its pip fails.
WITHOUT_NETWORK = """#!/bin/sh
case "$*" in
    "-m venv"*) /bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python" ;;
    "-m pip"*) echo "ERROR: no network" >&2; exit 1 ;;
esac
"""
ELSEWHERE = "If you have another one elsewhere: make lab PYTHON=/where/it/is/python3"


@pytest.fixture
def clone(tmp_path) -> Path:
    """As much of a clone as the script reads, in a folder with a space and Korean letters."""
    folder = tmp_path / "교실 one" / "kmslab"
    for name in (
        "scripts/setup.sh",
        "pyproject.toml",
        "requirements/lab.lock",
        "requirements/test.lock",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    return folder


def program(clone: Path, name: str, text: str) -> Path:
    made = clone.parents[1] / "bin" / name
    made.unlink(missing_ok=True)
    made.write_text(text, encoding="utf-8")
    made.chmod(0o755)
    return made


def set_up(clone: Path, lock: str = "lab", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "scripts/setup.sh", lock],
        cwd=clone,
        env={"PATH": str(clone.parents[1] / "bin"), "LANG": "C.UTF-8"} | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def refused(clone: Path, **variables: str) -> list[str]:
    """What it says when it changes nothing."""
    before = sorted(clone.rglob("*"))
    done = set_up(clone, **variables)
    assert done.returncode == 1
    assert done.stdout == ""
    assert sorted(clone.rglob("*")) == before
    return done.stderr.splitlines()


def test_an_old_python_is_named_with_what_is_needed(clone):
    program(clone, "python3", OLD)
    needed = "kmslab needs Python 3.11 or newer; python3 is Python 3.10.13."
    assert refused(clone) == [needed, ELSEWHERE]


def test_a_chosen_python_is_the_only_one_tried_and_may_lie_in_any_folder(clone):
    program(clone, "python3", NEW)
    old = program(clone, "an old python", OLD)
    assert refused(clone, PYTHON=str(old))[0].endswith(f"; {old} is Python 3.10.13.")


def test_without_any_python_it_says_so(clone):
    assert refused(clone)[0] == "kmslab needs Python 3.11 or newer; python3 is not there."


def test_a_python_without_venv_says_what_to_install(clone):
    program(clone, "python3", WITHOUT_VENV)
    install = "python3 comes without venv. On Debian and Ubuntu: sudo apt install python3-venv"
    assert refused(clone) == [install, ELSEWHERE]


def test_another_python_serves_if_the_first_does_not(clone):
    program(clone, "python3", WITHOUT_VENV)
    program(clone, "python3.12", WITHOUT_NETWORK)
    assert "Installing" in set_up(clone).stdout


def test_a_full_disk_is_said_before_anything_is_written(clone):
    program(clone, "python3", NEW)
    program(clone, "df", "#!/bin/sh\nprintf 'Filesystem\\n/dev/sda 1 1 20480 99%% /\\n'")
    assert refused(clone) == ["kmslab needs 750 MB on this disk, and 20 MB are free."]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_to_be_copied(clone):
    program(clone, "python3", NEW)
    clone.chmod(0o555)
    said = refused(clone)
    clone.chmod(0o755)
    assert said == [
        f"Nothing can be written in {clone}.",
        "Copy kmslab to a folder in which you may write, and start it there.",
    ]


def test_a_failed_installation_says_so_after_pip_and_is_tried_again(clone):
    program(clone, "python3", WITHOUT_NETWORK)
    for _ in range(2):
        done = set_up(clone)
        assert done.returncode == 1
        assert done.stdout.startswith("Installing requirements/lab.lock into .venv.")
        assert done.stderr.splitlines() == [
            "ERROR: no network",
            "",
            "The packages could not be installed; pip says above why. It needs the network, once.",
            "The same command tries again.",
        ]


def test_the_second_time_it_does_nothing_unless_the_folder_was_moved(clone):
    program(clone, "python3", WITHOUT_NETWORK.replace("exit 1", "exit 0"))
    assert set_up(clone).stdout.endswith(" done.\n")
    again = set_up(clone)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert set_up(clone, "test").stdout.endswith(" done.\n")  # it has more than the lab
    moved = clone.rename(clone.with_name("moved"))
    assert set_up(moved).stdout.endswith(" done.\n")


def test_after_the_tests_were_set_up_the_lab_needs_nothing_more(clone):
    program(clone, "python3", WITHOUT_NETWORK.replace("exit 1", "exit 0"))
    set_up(clone, "test")
    assert set_up(clone).stdout == ""


def test_the_tests_lock_has_all_of_the_labs():
    lab, test = (
        set(
            re.findall(r"^\S+==\S+", (ROOT / f"requirements/{lock}.lock").read_text(), re.MULTILINE)
        )
        for lock in ("lab", "test")
    )
    assert lab
    assert lab <= test
