"""Makes a zip that starts the course without a network, for one kind of computer and any Python.

    make handout                                          for a computer like this one
    make handout HANDOUT_ARGS="--for windows-amd64"       for another kind
    make handout HANDOUT_ARGS="--python 3.12"             smaller: for one Python only

It holds kmslab's wheel, the wheels that `requirements/lab.lock` names, START-HERE.html, and for the
teacher teaching.html. The wheels' hashes are compared with the lock's; then the wheels lose what
`left_out.toml` lists, and what is left is compared again when it is installed. Making a handout
needs the network.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from scripts.teaching_page import teaching_page
from scripts.trimming import left_out, trim

ROOT = Path(__file__).parents[1]
HANDED_OUT = Path(__file__).parent / "handed_out"
LOCKS = [ROOT / "requirements" / f"{name}.lock" for name in ("lab", "handout")]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
INSTALLED_SIZE = 1.5  # times the size of a wheel's files, with the bytecode that Python compiles
LEFT_OUT = left_out()
FOLDER = "kmslab-course"  # short, because Windows allows 259 characters for a whole path


class HandoutError(Exception):
    """The handout cannot be made; the text says what is wrong and what helps."""


@dataclass(frozen=True, slots=True)
class Computer:
    """A kind of computer, as `computers.toml` describes it."""

    name: str
    machines: list[str]
    tags: list[str]
    system: dict[str, str]


def computers() -> dict[str, Computer]:
    """The kinds of computer that a handout can be made for, by name."""
    known = tomllib.loads((HANDED_OUT / "computers.toml").read_text(encoding="utf-8"))
    return {
        name: Computer(**one | {"system": known["systems"][one["system"]]})
        for name, one in known["computers"].items()
    }


COMPUTERS = computers()


def this_computer() -> str:
    """The name in `COMPUTERS` of the computer that this runs on; "" if it has none."""
    machine = platform.machine().lower()
    fitting = (
        name
        for name, one in COMPUTERS.items()
        if one.system["sys_platform"] == sys.platform and machine in one.machines
    )
    return next(fitting, "")


# ------------------------------------------------------------------------------------- wheels


def entries() -> Iterator[tuple[str, Requirement, str]]:
    """Each entry of the locks that a handout holds: its line, what it asks for, its hashes."""
    for lock in LOCKS:
        for entry in re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8")):
            line, _, hashes = entry.partition(" \\\n")
            wanted = Requirement(line)
            if canonicalize_name(wanted.name) not in LEFT_OUT.packages:
                yield line, wanted, hashes


def pinned(computer: Computer, python: str) -> Iterator[str]:
    """The entries for this computer and Python, without their markers.

    pip evaluates a marker for the computer that it runs on, not for the one that it downloads for.
    """
    environment = {
        "sys_platform": computer.system["sys_platform"],
        "os_name": computer.system["os_name"],
        "platform_machine": computer.machines[0],
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
    }
    for line, wanted, hashes in entries():
        if wanted.marker is None or wanted.marker.evaluate(environment):
            yield f"{line.partition(' ;')[0]} \\\n{hashes}".rstrip()


def download(computer: Computer, python: str, wheels: Path) -> None:
    """Fetch the pinned wheels that fit, each checked by its hash."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("\n".join(pinned(computer, python)) + "\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:", "--dest", str(wheels)),
            *("--requirement", str(pins), "--python-version", python),
        ]
        for tag in computer.tags:
            command += ["--platform", tag]
        run(command, f"The wheels for {computer.name}, Python {python}, could not be fetched.")


def build_wheel(wheels: Path) -> Path:
    """kmslab's own wheel, from this tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    run(command, "kmslab's own wheel could not be built.")
    (wheel,) = wheels.glob("kmslab-*.whl")
    return wheel


def lock_of(wheels: Path) -> str:
    """The entries of the locks with the hashes of these wheels, and kmslab's own."""
    hashes = defaultdict(list)
    for wheel in sorted(wheels.glob("*.whl")):
        name, version, *_ = parse_wheel_filename(wheel.name)
        hashes[name, str(version)].append(f"--hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}")
    lines = []
    for line, wanted, _ in entries():
        version = str(wanted.specifier).removeprefix("==")
        if found := hashes.pop((canonicalize_name(wanted.name), version), None):
            lines.append(" ".join([line, *found]))
    [((name, version), [own])] = hashes.items()
    return "\n".join([*lines, f"{name}=={version} {own}"]) + "\n"


def run(command: Sequence[str], problem: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line] or [done.stderr]
        raise HandoutError("\n".join([problem, *errors[-2:]]))


# ------------------------------------------------------------------------ the rest of the zip


def lay_out(folder: Path, computer: Computer, pythons: Sequence[str]) -> None:
    """Write everything that the zip holds into `folder`."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    own = build_wheel(wheels)
    for python in pythons:
        print(f"Fetching what Python {python} needs there", flush=True)
        download(computer, python, wheels)
    trim(wheels.glob("*.whl"), LEFT_OUT)
    (folder / "wheels.lock").write_text(lock_of(wheels), encoding="utf-8")
    version = own.name.split("-")[1]
    made_for = facts(computer, pythons, wheels) | {"kmslab": version}
    (folder / "made-for.json").write_text(json.dumps(made_for, indent=1) + "\n", encoding="utf-8")
    (folder / "start.py").write_bytes((HANDED_OUT / "start.py").read_bytes())
    (folder / "teaching.html").write_text(teaching_page(), encoding="utf-8")
    (folder / "START-HERE.html").write_text(page(computer, made_for), encoding="utf-8")


def facts(computer: Computer, pythons: Sequence[str], wheels: Path) -> dict[str, object]:
    """What start.py compares with the computer on which it is started."""
    packed = {wheel.name: zipfile.ZipFile(wheel).infolist() for wheel in wheels.glob("*.whl")}
    sizes = {name: sum(file.file_size for file in files) for name, files in packed.items()}
    one_python = re.compile(r"-cp3\d+-cp3\d+-")  # in the name of a wheel for one Python only
    unpacked = sum(
        size / (len(pythons) if one_python.search(name) else 1) for name, size in sizes.items()
    )
    (pip,) = wheels.glob("pip-*.whl")
    return {
        "name": computer.name,
        "system": computer.system["sys_platform"],
        "machines": computer.machines,
        "pythons": pythons,
        "pip": pip.name,
        "wheels": len(packed),
        "megabytes": round(unpacked * INSTALLED_SIZE / 10**6),
        "longest_path": max(
            len(installed(file.filename)) for files in packed.values() for file in files
        ),
    }


def installed(name: str) -> str:
    """The longest path below .venv that installing a wheel's file creates on Windows."""
    _, _, data = name.partition(".data/data/")
    if data:
        return f"/{data}"
    if name.endswith(".py"):
        folder, _, module = name.rpartition("/")
        name = f"{folder}/__pycache__/{module[:-3]}.cpython-311.pyc"
    return f"/Lib/site-packages/{name}"


def page(computer: Computer, made_for: dict) -> str:
    """START-HERE.html, with the commands for that computer's system."""
    *others, newest = made_for["pythons"]
    pythons = " or ".join(filter(None, [", ".join(others), newest]))
    commands = {key: value.replace("NEWEST", newest) for key, value in computer.system.items()}
    known = {
        "name": computer.name,
        "pythons": pythons,
        "version": made_for["kmslab"],
        "megabytes": made_for["megabytes"],
    }
    text = (HANDED_OUT / "START-HERE.html").read_text(encoding="utf-8")
    return Template(text).substitute(commands | known)


def pack(folder: Path, target: Path) -> None:
    """Written beside the target, so that no partial zip is left. Wheels are already compressed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.part")
    with zipfile.ZipFile(beside, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            method = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
            archive.write(path, f"{FOLDER}/{path.relative_to(folder).as_posix()}", method)
    beside.replace(target)


# ---------------------------------------------------------------------------------- the command


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="handout.py", description=__doc__.partition("\n")[0])
    made.add_argument("--for", dest="computer", choices=COMPUTERS, default=this_computer())
    made.add_argument("--python", action="append", choices=PYTHONS, help="again for another one")
    made.add_argument("--into", type=Path, default=ROOT / "dist", metavar="FOLDER")
    return made


def unwritable(folder: Path) -> str:
    """Why no zip can be written there, which is better said before a minute or two; or ""."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{folder} cannot be made: {error.strerror}"
    return "" if os.access(folder, os.W_OK) else f"Nothing can be written in {folder}."


def main() -> None:
    asked = parser().parse_args()
    if not asked.computer:
        here = f"{platform.system()} on {platform.machine()}"
        sys.exit(f"No handout fits {here}. For another computer: --for {' | '.join(COMPUTERS)}")
    computer, pythons = COMPUTERS[asked.computer], sorted(asked.python or PYTHONS)
    if problem := unwritable(asked.into):
        sys.exit(problem)
    print(
        f"For {computer.name}, Python {', '.join(pythons)}. This takes a minute or two.", flush=True
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            lay_out(Path(folder), computer, pythons)
            made_for = json.loads((Path(folder) / "made-for.json").read_text(encoding="utf-8"))
            target = asked.into / f"{FOLDER}-{made_for['kmslab']}-{asked.computer}.zip"
            pack(Path(folder), target)
    except HandoutError as error:
        sys.exit(str(error))
    print(f"{target}: {target.stat().st_size / 10**6:.0f} MB. Unpack it and open START-HERE.html;")
    print("try it on one of the room's computers with the network off before the day.")


if __name__ == "__main__":
    main()
