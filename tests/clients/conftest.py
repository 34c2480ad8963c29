"""One endpoint a module, and a machine from which only its address is known.

All tests here are long. Quick runs do not import them: AWS's SDK takes seconds.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.endpoint.server import Endpoint, running
from tests.clients.outside import NOT_THERE, PROGRAMS, Outside


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    return config.option.markexpr == "not long" or None


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def endpoint(lab: Lab) -> Iterator[Endpoint]:
    with running(lab) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def outside(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Outside:
    home: Path = tmp_path_factory.mktemp("home")
    return Outside(home, endpoint.environment)


@pytest.fixture(scope="session")
def programs() -> Path:
    """Where `aws`, `aws-encryption-cli` and a Python with aiobotocore are."""
    if not (PROGRAMS.parent / "clients.installed").exists():
        pytest.skip(NOT_THERE)
    return PROGRAMS
