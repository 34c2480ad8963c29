"""Fixtures for pytest: `kms_lab`, a fresh lab, and `kms_endpoint`, the same lab on a socket.

Rule: a test suite that uses neither does not wait for them. pytest imports this module at every
start, so at the top it imports only what pytest has imported already.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kmslab import Lab
    from kmslab.endpoint.server import Endpoint

SCOPE = "kms_scope"


def pytest_addoption(parser: pytest.Parser) -> None:
    scopes = "function, class, module, package or session"
    text = f"How long one kms_lab and its kms_endpoint live: {scopes}."
    parser.addini(SCOPE, text, default="function")


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    return config.getini(SCOPE)


@pytest.fixture(scope=_scope)
def kms_lab() -> "Iterator[Lab]":
    """A fresh `kmslab.Lab` in memory. A fixture of yours of this name can return a seeded one."""
    from kmslab import Lab

    with Lab() as lab:
        yield lab


@pytest.fixture(scope=_scope)
def kms_endpoint(kms_lab: "Lab") -> "Iterator[Endpoint]":
    """A server of `kms_lab`: `kms_endpoint.url`, and an environment in which boto3 finds it.

    Needs `kmslab[serve]`. Processes that the test starts find it as well.
    """
    from kmslab.endpoint.server import running
    from kmslab.testing import aws_environment

    with running(kms_lab) as endpoint, aws_environment(endpoint.environment):
        yield endpoint
