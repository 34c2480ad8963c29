"""Fixtures for pytest: `kms_lab`, a fresh lab, and `kms_endpoint`, the same lab on a socket.

Rule: a test suite that uses neither pays nothing. pytest imports this module at every start, so it
imports no more than pytest has already.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kmslab.endpoint.server import Endpoint


@pytest.fixture
def kms_lab() -> Iterator[Any]:
    """A fresh `kmslab.Lab` in memory. A fixture of yours of this name can return a seeded one."""
    from kmslab import Lab

    with Lab() as lab:
        yield lab


@pytest.fixture
def kms_endpoint(kms_lab: Any, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Endpoint]":
    """A server of `kms_lab`: `kms_endpoint.url`, and an environment in which boto3 finds it.

    Needs `kmslab[serve]`. Processes that the test starts find it as well.
    """
    from kmslab.endpoint.server import running
    from kmslab.testing import fresh_default_session, settings

    with running(kms_lab) as endpoint, fresh_default_session():
        for name, value in settings(endpoint.environment).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        _reach_directly(monkeypatch)
        yield endpoint


def _reach_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the machine's would be asked for this machine too."""
    for name in ("no_proxy", "NO_PROXY"):
        others = os.environ.get(name, "")
        monkeypatch.setenv(name, f"{others},127.0.0.1" if others else "127.0.0.1")
