"""What is left out of the wheels of a handout, and that nothing else is."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import handout
from scripts.handout import COMPUTERS, PYTHONS, lock_of, pinned
from scripts.teaching_page import teaching_page
from scripts.trimming import Files, LeftOut, left_out, trim

FILES = {
    "big/__init__.py": b"",
    "big/data/kms.json": b"{}",
    "big/data/ec2.json": b"{}",
    "big-1.0.dist-info/licenses/LICENSE": b"mine",
    "big-1.0.dist-info/METADATA": b"Name: big",
}
LISTED = LeftOut(frozenset(), {"big": Files(["big/data/*"], ["big/data/kms.json"])})


@pytest.fixture
def wheel(tmp_path) -> Path:
    path = tmp_path / "big-1.0-py3-none-any.whl"
    record = "".join(f"{name},sha256=x,{len(content)}\r\n" for name, content in FILES.items())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
        archive.writestr("big-1.0.dist-info/RECORD", record + "big-1.0.dist-info/RECORD,,\r\n")
    return path


def test_listed_files_go_from_the_wheel_and_from_its_record(wheel):
    trim([wheel], LISTED)
    with zipfile.ZipFile(wheel) as archive:
        there = archive.namelist()
        record = csv.reader(io.StringIO(archive.read("big-1.0.dist-info/RECORD").decode()))
        assert [row[0] for row in record] == there
        assert set(FILES) - set(there) == {"big/data/ec2.json"}
        assert all(archive.read(name) == FILES[name] for name in there if name in FILES)
    assert [each.name for each in wheel.parent.iterdir()] == [wheel.name]


def test_wheel_that_is_not_listed_stays_as_it_is(wheel):
    before = wheel.read_bytes()
    trim([wheel], LeftOut(frozenset(), {}))
    assert wheel.read_bytes() == before


def test_every_package_that_is_listed_is_in_the_lock():
    lock = (handout.ROOT / "requirements" / "lab.lock").read_text(encoding="utf-8")
    locked = {canonicalize_name(line.split("==")[0]) for line in lock.splitlines() if "==" in line}
    assert left_out().packages | set(left_out().files) <= locked


@pytest.mark.parametrize("computer", COMPUTERS.values(), ids=list(COMPUTERS))
def test_no_package_that_stays_needs_one_that_is_left_out(computer):
    for python in PYTHONS:
        names = {
            canonicalize_name(Requirement(pin.partition(" \\")[0]).name)
            for pin in pinned(computer, python)
        }
        assert names.isdisjoint(left_out().packages)
        assert {"uvicorn", "httptools", "pyyaml", "debugpy", "fonttools"} <= names


def test_licences_and_the_services_of_the_course_stay():
    for name, files in left_out().files.items():
        for licence in ("licenses/LICENSE", "LICENSE.txt", "METADATA", "RECORD"):
            assert not files.has(f"{name}-1.0.dist-info/{licence}")
    botocore, babel = left_out().files["botocore"], left_out().files["babel"]
    for kept in ("kms/2014-11-01/service-2.json.gz", "sts/x", "endpoints.json", "partitions.json"):
        assert not botocore.has(f"botocore/data/{kept}")
    assert botocore.has("botocore/data/ec2/2016-11-15/service-2.json.gz")
    assert not babel.has("babel/locale-data/ko_KR.dat")
    assert babel.has("babel/locale-data/fr.dat")


def test_lock_of_a_handout_has_the_hashes_of_its_wheels_and_the_locks_markers(tmp_path):
    lines = {wanted.name: (line, wanted) for line, wanted, _ in handout.entries()}
    for name in ("colorama", "pyyaml"):
        version = str(lines[name][1].specifier).removeprefix("==")
        (tmp_path / f"{name}-{version}-py3-none-any.whl").write_bytes(name.encode())
    (tmp_path / "kmslab-0.1.0-py3-none-any.whl").write_bytes(b"own")
    written = lock_of(tmp_path).splitlines()
    assert [line.partition(" --hash")[0] for line in written] == [
        lines["colorama"][0],
        lines["pyyaml"][0],
        "kmslab==0.1.0",
    ]
    assert all(line.count("--hash=sha256:") == 1 for line in written)


def test_teaching_page_links_only_within_itself():
    page = teaching_page("# A b\n\n[there](#a-b), [far](endpoint.md)\n\n|x|\n|-|\n|교실|\n")
    assert '<h1 id="a-b">' in page
    assert '<a href="#a-b">there</a>, far' in page
    assert "<td>교실</td>" in page
