"""Leaves out of wheels what a room does not need, as `handed_out/left_out.toml` lists it.

Rule: a wheel is trimmed only after its hash has been compared with the lock's. Of the files that
stay, among them every licence, only RECORD is changed, the wheel's own list of files.
"""

import csv
import io
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename

LISTED = Path(__file__).parent / "handed_out" / "left_out.toml"


@dataclass(frozen=True, slots=True)
class Files:
    """Which files of a wheel are left out."""

    leave_out: list[str]
    keep: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return _fits(name, self.leave_out) and not _fits(name, self.keep)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """`packages` and `files` by the normal form of a package's name."""

    packages: frozenset[str]
    files: Mapping[str, Files]


def left_out(path: Path = LISTED) -> LeftOut:
    listed: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    files = {canonicalize_name(name): Files(**each) for name, each in listed["files"].items()}
    return LeftOut(frozenset(map(canonicalize_name, listed["packages"])), files)


def package_of(wheel: Path) -> str:
    return str(parse_wheel_filename(wheel.name)[0])


def trim(wheels: Iterable[Path], listed: LeftOut) -> None:
    """Trim those wheels in place for which files are listed."""
    for wheel in wheels:
        files = listed.files.get(package_of(wheel))
        if files:
            _rewrite(wheel, files)


def _rewrite(wheel: Path, files: Files) -> None:
    trimmed = wheel.with_name(f"{wheel.name}.part")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(trimmed, "w") as new:
        for info in old.infolist():
            if files.has(info.filename):
                continue
            content = old.read(info)
            if info.filename.endswith(".dist-info/RECORD"):
                content = _record(content.decode(), files).encode()
            new.writestr(info, content, zipfile.ZIP_DEFLATED)
    trimmed.replace(wheel)


def _record(text: str, files: Files) -> str:
    rows = [row for row in csv.reader(io.StringIO(text)) if row and not files.has(row[0])]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def _fits(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
