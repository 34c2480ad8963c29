"""The doctor: is this computer ready for the course? It does not use the network.

Each check is a row of `CHECKS`: its subject, and a function that returns what it found or raises.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from kmslab.course import workbook
from kmslab.course.clinic import records
from kmslab.course.messages import Message
from kmslab.course.module_self_tests import self_test_result
from kmslab.crypto.self_test import KNOWN_ANSWERS
from kmslab.crypto.self_tested import BACKENDS
from kmslab.lab.lab import Lab

OLDEST = (3, 11)
NEEDED = (
    *("cryptography", "pycryptodome", "SQLAlchemy"),
    *("jupyterlab", "ipykernel", "matplotlib"),
    *("boto3", "uvicorn"),  # in lesson 07 other programs call the lab
)
PLAINTEXT = b"anything"


class Problem(Exception):
    """A check failed; the text says what is wrong and what helps."""


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        return f"`{'[ OK ]' if self.passed else '[FAIL]'}` {self.subject}: {self.detail}"


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
    """Check Python, packages, cryptography, a lab in memory and one in a file, and the data."""
    return Diagnosis(_examine(subject, check) for subject, check in CHECKS)


def _examine(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, check())
    except Exception as error:  # a broken computer may fail anywhere; the doctor never does
        return Finding(subject, False, str(error) or type(error).__name__)


def _python() -> str:
    if sys.version_info < OLDEST:
        raise Problem(f"{sys.version.split()[0]}; the course needs 3.11 or newer")
    return sys.version.split()[0]


def _packages() -> str:
    found, missing = [], []
    for name in NEEDED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        names = " ".join(missing)
        raise Problem(f"not installed: {names}; `make lab` in a clone, else `pip install {names}`")
    return ", ".join(found)


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
    ("packages", _packages),
    ("cryptography", _cryptography),
    ("algorithms", _algorithms),
    ("a lab in memory", _lab),
    ("a lab in a file", _file),
    ("the lessons", _lessons),
    ("the clinic's data", _data),
    ("network", lambda: "not used, here or in any lesson"),
)
