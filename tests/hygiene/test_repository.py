"""What a clone must not carry, and what a wheel must."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.hygiene.lessons import links

ROOT = Path(__file__).parents[2]
MADE = {".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines())}
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    """What git tracks; of a downloaded archive, everything that our own commands did not make."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        inside = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return [ROOT / path for path in inside if not MADE & set(path.parts)]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content and path.suffix not in (".pyc", ".png"):
            found.append((path.relative_to(ROOT).as_posix(), content.decode("utf-8")))
    return found


def offenders(pattern: str) -> list[str]:
    regex = re.compile(pattern, re.IGNORECASE)
    return [f"{name}: {found[0]}" for name, text in texts() for found in regex.finditer(text)]


def test_there_is_something_to_look_at():
    assert {"README.md", "pyproject.toml", "kmslab/clock.py"} <= {name for name, _ in texts()}


def test_no_file_names_a_place_on_somebodys_machine():
    here = [path for path in (ROOT, Path.home()) if len(path.parts) > 1]
    homes = "|".join(rf"(?<![\w.]){re.escape(str(path))}\b" for path in here)
    users = r"(?:/home/|/Users/|[A-Z]:\\Users\\)(?!alice\b)[a-z]\w"  # Alice is nobody
    assert offenders(f"{homes}|{users}") == []


def test_no_file_names_a_package_registry():
    hosts = [re.escape(".".join(host)) for host in (("pypi", "org"), ("pythonhosted", "org"))]
    assert offenders("|".join([*hosts, r"--(extra-)?index-url", r"https?://\S+/simple\b"])) == []


def test_links_in_documents_resolve():
    missing = [
        f"{name}: {link}"
        for name, text in texts()
        if name.endswith(".md")
        for link in links(text)
        if not re.match(r"\w+:|#", link)
        and not (ROOT / name).parent.joinpath(link.partition("#")[0]).exists()
    ]
    assert missing == []


# ------------------------------------------------------------------------------------------ locks


def pins(lock: Path) -> dict[str, str]:
    """Name to version as this Python and system would install them."""
    lines = re.findall(r"^(\w\S*==.*?) \\$", lock.read_text(encoding="utf-8"), re.MULTILINE)
    environment = {key: str(value) for key, value in default_environment().items()}
    wanted = [Requirement(line) for line in lines]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate(environment)
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_pin_has_a_hash_and_nothing_else_is_in_a_lock(lock):
    pin = r"\w\S*==\S+(?: ; [^\n]+?)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
    assert re.fullmatch(f"(?:{pin})+", lock.read_text(encoding="utf-8"))


def test_both_locks_live_in_one_environment():
    lab, test = pins(ROOT / "requirements/lab.lock"), pins(ROOT / "requirements/test.lock")
    assert lab.items() <= test.items()


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("lab", ["boto3", "lab", "serve"]),
        ("test", ["boto3", "lab", "serve", "test"]),
        ("book", ["boto3", "serve"]),
    ],
)
def test_lock_holds_what_the_project_asks_for(lock, extras):
    asked = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    for extra in extras:
        asked = asked + PROJECT["project"]["optional-dependencies"][extra]
    locked = pins(ROOT / f"requirements/{lock}.lock")
    lacking = [
        line
        for line in asked
        if (one := Requirement(line)).marker is None or one.marker.evaluate()
        if locked.get(canonicalize_name(one.name), "0") not in one.specifier
    ]
    assert lacking == []


def test_published_vectors_are_those_of_the_locked_cryptography():
    locked = pins(ROOT / "requirements/test.lock")
    assert locked["cryptography-vectors"] == locked["cryptography"]


# -------------------------------------------------------------------------------- the package


def test_wheel_carries_every_file_of_the_package(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {name for name, _ in texts() if name.startswith("kmslab/")}
    assert {"kmslab/kms/contract/kms.json", "kmslab/crypto/self_tests.json"} <= expected
    assert expected <= packed


def test_core_asks_for_four_libraries_and_runs_on_three_of_them():
    asked = {Requirement(line).name for line in PROJECT["project"]["dependencies"]}
    assert asked == {"cryptography", "pycryptodome", "SQLAlchemy", "typer"}  # the command's
    program = """
import sys
for name in ("boto3", "botocore", "IPython", "jupyterlab", "matplotlib", "numpy", "PIL", "typer"):
    sys.modules[name] = None  # importing it fails, as if it were not installed
from kmslab import Lab
with Lab() as lab:
    key = lab.create_cmk("orders")
    blob = key.encrypt(b"card 4242", context={"order": "17"})
    assert lab.decrypt(blob, context={"order": "17"}) == b"card 4242"
    assert lab.kms.describe_key(KeyId=key.id)["KeyMetadata"]["Arn"] == key.arn
    print(lab.trail, key, key.metadata)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)
