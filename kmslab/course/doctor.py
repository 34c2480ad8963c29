"""The doctor: is this machine ready for the course? It asks nothing of the network.

Each check is a row of `CHECKS`: what it is about, and a function that says what it found or raises.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from kmslab.course import workbook
from kmslab.course.clinic import records
from kmslab.course.messages import Words
from kmslab.course.module_self_tests import passed
from kmslab.crypto.self_test import KNOWN_ANSWERS
from kmslab.kms.backing.self_tested import BACKENDS
from kmslab.lab.lab import Lab

OLDEST = (3, 11)
NEEDED = (
    *("cryptography", "pycryptodome", "SQLAlchemy"),
    *("jupyterlab", "ipykernel", "matplotlib"),
    *("boto3", "uvicorn"),  # lesson 7 asks the lab from outside
)
PATIENT = b"patient"


class Ill(Exception):
    """What is wrong, and what helps."""


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    healthy: bool
    words: str

    def __str__(self) -> str:
        return f"`{'[ OK ]' if self.healthy else '[FAIL]'}` {self.subject}: {self.words}"


class Diagnosis(tuple[Finding, ...]):
    """All findings; `green` if each of them is good. A notebook and a terminal both show it."""

    __slots__ = ()

    @property
    def green(self) -> bool:
        return all(finding.healthy for finding in self)

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {finding}" for finding in self)

    def __repr__(self) -> str:
        return Words("\n".join(map(str, self))).plain


def doctor() -> Diagnosis:
    """Look at Python, packages, cryptography, a lab in memory and one in a file, and the data."""
    return Diagnosis(_examine(subject, check) for subject, check in CHECKS)


def _examine(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, check())
    except Exception as error:  # an ill machine may fail anywhere; the doctor never does
        return Finding(subject, False, str(error) or type(error).__name__)


def _python() -> str:
    if sys.version_info < OLDEST:
        raise Ill(f"{sys.version.split()[0]}; the course needs 3.11 or newer")
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
        raise Ill(f"{names} not installed; `make lab` in a clone, else `pip install {names}`")
    return ", ".join(found)


def _cryptography() -> str:
    algorithms = sorted({known.algorithm for known in KNOWN_ANSWERS})
    wrong = [
        f"{algorithm} of {backend.NAME}"
        for backend in BACKENDS
        for algorithm in algorithms
        if algorithm in backend.ALGORITHMS and passed(backend, algorithm) != "passed"
    ]
    if wrong:
        raise Ill(f"self-tests fail: {', '.join(wrong)}; install the locked versions again")
    return f"{len(KNOWN_ANSWERS)} published answers hold, each in every library that offers it"


def _libraries() -> str:
    """What the preferred library lacks is served by another, without a word to the caller."""
    first, *others = BACKENDS
    had = first.ALGORITHMS | first.KEY_SPECS
    lent = [
        f"{', '.join(sorted((other.ALGORITHMS | other.KEY_SPECS) - had))} by {other.NAME}"
        for other in others
    ]
    return f"served by {first.NAME}; what it lacks, {'; '.join(lent)}"


def _lab() -> str:
    with Lab() as lab:
        blob = lab.create_cmk().encrypt(PATIENT)
        if lab.decrypt(blob) != PATIENT:
            raise Ill("what was encrypted did not come back")
    return "encrypts and decrypts"


def _file() -> str:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'doctor.db').as_posix()}"
        with Lab(store=url) as lab:
            blob = lab.create_cmk().encrypt(PATIENT)
        with Lab(store=url) as lab:
            if lab.decrypt(blob) != PATIENT:
                raise Ill("a lab that was closed and opened again did not know its key")
    return "closed, opened again, knows its key"


def _data() -> str:
    if changed := records.changed():
        raise Ill(f"{', '.join(changed)} in `data/` changed since it was shipped; restore it")
    return f"{len(records.rows())} records and a picture, as they were shipped"


def _lessons() -> str:
    numbers = sorted(path.name.partition("-")[0] for path in workbook.LESSONS.glob("*.ipynb"))
    if not numbers:
        raise Ill("there are none; install kmslab again")
    return f"{len(numbers)} of them, {', '.join(numbers)}"


CHECKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("Python", _python),
    ("packages", _packages),
    ("cryptography", _cryptography),
    ("algorithms", _libraries),
    ("a lab in memory", _lab),
    ("a lab in a file", _file),
    ("the lessons", _lessons),
    ("the clinic's data", _data),
    ("network", lambda: "not used, here or in any lesson"),
)
