"""What a wheel carries beside the package: the course itself."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kmslab.course import installed_files

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The wheel as it lies in an environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.parametrize("name", ["notebooks", "data"])
def test_wheel_carries_the_course_byte_for_byte(unpacked, name):
    source, packed = ROOT / name, unpacked / "kmslab/course" / name
    expected = {path.relative_to(source): path.read_bytes() for path in files(source)}
    assert expected
    assert {path.relative_to(packed): path.read_bytes() for path in files(packed)} == expected


def files(folder: Path) -> list[Path]:
    kept = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in kept if ".ipynb_checkpoints" not in path.parts]


def test_a_clone_finds_its_own_lessons_and_data():
    assert installed_files.folder("notebooks") == ROOT / "notebooks"
    assert installed_files.folder("data") == ROOT / "data"


def test_an_unpacked_wheel_finds_what_it_carries(unpacked, tmp_path):
    program = """
import json
from pathlib import Path
from kmslab.course import installed_files, workbook
from kmslab.course.clinic import records
found = [str(installed_files.folder(name)) for name in ("notebooks", "data")]
laid_out = workbook.lay_out(Path("book"))
print(json.dumps([*found, len(records.rows()), records.changed_files(), len(laid_out)]))
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "SYSTEMROOT": "C:\\Windows"},
        check=True,
        capture_output=True,
    )
    course = unpacked / "kmslab/course"
    lessons = [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "notebooks/README.md"]
    assert json.loads(run.stdout) == [
        *(str(course / "notebooks"), str(course / "data")),
        *(569, [], len(lessons)),
    ]


def test_wheel_says_that_its_modules_are_typed(unpacked):
    assert (unpacked / "kmslab/py.typed").read_bytes() == b""
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    assert "Classifier: Typing :: Typed\n" in metadata.read_text(encoding="utf-8")


def test_wheel_has_the_command(unpacked):
    (entry_points,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "kmslab = kmslab.cli.app:main" in entry_points.read_text(encoding="utf-8")
