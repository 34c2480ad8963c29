"""The doctor: what of kmslab works on this computer, with the network off?

Each check is a row of `CHECKS`: its subject, and a function that returns what it found or raises.
An extra that is not installed is not a failure: the library works without it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from kmslab.course import workbook
from kmslab.course.clinic import records
from kmslab.course.messages import Message
from kmslab.course.module_self_tests import self_test_result
from kmslab.course.network import network_off
from kmslab.crypto.self_test import KNOWN_ANSWERS
from kmslab.crypto.self_tested import BACKENDS
from kmslab.display import this_python
from kmslab.lab.lab import Lab

OLDEST = (3, 11)
LIBRARY = ("cryptography", "pycryptodome", "SQLAlchemy", "typer")
# What each extra adds, and its packages.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lab": ("the course in JupyterLab, with its pictures", workbook.NEEDED),
    "boto3": ("`lab.boto3()`, and looking into an endpoint", ("boto3",)),
    "serve": ("`kmslab serve`, and seeds in YAML", ("httptools", "PyYAML", "uvicorn")),
}
PLAINTEXT = b"anything"


class Problem(Exception):
    """A check failed; the text says what is wrong and what helps."""


class NotInstalled(Exception):
    """What the check looks for is optional and is not here; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    passed: bool
    detail: str
    installed: bool = True  # False for an extra that is not here, which is not a failure

    def __str__(self) -> str:
        mark = "OK" if self.passed and self.installed else "" if self.passed else "FAIL"
        return f"`[{mark:^4}]` {self.subject}: {self.detail}"


class Diagnosis(tuple[Finding, ...]):
    """All findings; `green` if every check passed. A notebook and a terminal both show it."""

    __slots__ = ()

    @property
    def green(self) -> bool:
        return all(finding.passed for finding in self)

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {finding}" for finding in self)

    def __repr__(self) -> str:
        return Message("\n".join(map(str, self))).plain


def doctor() -> Diagnosis:
    """Check Python, packages, extras, cryptography, a lab in memory and in a file, and the data.

    Meanwhile this process can't use the network, so what is green works without.
    """
    with network_off():
        return Diagnosis(_examine(subject, check) for subject, check in CHECKS)


def _examine(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, check())
    except NotInstalled as absent:
        return Finding(subject, True, str(absent), installed=False)
    except Exception as error:  # a broken computer may fail anywhere; the doctor never does
        return Finding(subject, False, str(error) or type(error).__name__)


def _python() -> str:
    if sys.version_info < OLDEST:
        raise Problem(f"{sys.version.split()[0]}; kmslab needs 3.11 or newer")
    return sys.version.split()[0]


def _library() -> str:
    found, missing = _installed(LIBRARY)
    if missing:
        raise Problem(f"not installed: {' '.join(missing)}; {_how_to_install(missing)}")
    return ", ".join(found)


def _extra(name: str) -> str:
    adds, packages = EXTRAS[name]
    found, missing = _installed(packages)
    if missing:
        lacks = f"lacks {', '.join(missing)}" if found else "not installed"
        raise NotInstalled(f"{lacks}; it adds {adds}: {_how_to_install(missing)}")
    return ", ".join(found)


def _installed(packages: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Those that are here, with their versions, and those that are not."""
    found, missing = [], []
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    return found, missing


def _how_to_install(packages: list[str]) -> str:
    return f"`{this_python()} -m pip install {' '.join(packages)}`"


def _cryptography() -> str:
    algorithms = sorted({known.algorithm for known in KNOWN_ANSWERS})
    failed = [
        f"{algorithm} of {backend.NAME}"
        for backend in BACKENDS
        for algorithm in algorithms
        if self_test_result(backend, algorithm) == "FAILED"
    ]
    if failed:
        raise Problem(f"self-tests fail: {', '.join(failed)}; install the locked versions again")
    return f"{len(KNOWN_ANSWERS)} known-answer tests pass in every library that has the algorithm"


def _algorithms() -> str:
    """What the first library lacks another serves, without any difference to the caller."""
    first, *others = BACKENDS
    served = first.ALGORITHMS | first.KEY_SPECS
    by_others = [
        f"{other.NAME} serves {', '.join(sorted((other.ALGORITHMS | other.KEY_SPECS) - served))}"
        for other in others
    ]
    return f"{'; '.join(by_others)}; {first.NAME} serves all others"


def _lab() -> str:
    with Lab() as lab:
        blob = lab.create_cmk().encrypt(PLAINTEXT)
        if lab.decrypt(blob) != PLAINTEXT:
            raise Problem("Decrypt did not return what was encrypted")
    return "encrypts and decrypts"


def _file() -> str:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'doctor.db').as_posix()}"
        with Lab(store=url) as lab:
            blob = lab.create_cmk().encrypt(PLAINTEXT)
        with Lab(store=url) as lab:
            if lab.decrypt(blob) != PLAINTEXT:
                raise Problem("after the lab was closed and opened again, its key was not there")
    return "was closed and opened again, and still has its key"


def _data() -> str:
    if changed := records.changed_files():
        raise Problem(f"changed since they were shipped: {', '.join(changed)}; restore `data/`")
    return f"{len(records.rows())} records and a picture, as they were shipped"


def _lessons() -> str:
    numbers = sorted(path.name.partition("-")[0] for path in workbook.LESSONS.glob("*.ipynb"))
    if not numbers:
        raise Problem("there are none; install kmslab again")
    return f"{len(numbers)} of them, {', '.join(numbers)}"


CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("Python", _python),
    ("packages", _library),
    ("cryptography", _cryptography),
    ("algorithms", _algorithms),
    ("a lab in memory", _lab),
    ("a lab in a file", _file),
    ("the lessons", _lessons),
    ("the clinic's data", _data),
    *((f"extra {name}", partial(_extra, name)) for name in EXTRAS),
    ("network", lambda: "was off for this program while all of this was checked"),
)
