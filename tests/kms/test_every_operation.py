"""Random calls of every operation, with keys of every kind: none fails inside the service.

Each refusal that can explain itself does.
"""

import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from key_manager import KeyManager
from xks_proxy import Proxy, new_credential

from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from tests.kms.key_stores.proxies import Unreliable
from tests.kms.operations.brought import new_lab
from tests.kms.random_calls import Calls

CREDENTIAL = new_credential()
QUICK, LONG = 300, 600  # calls in one lab
# Every operation may answer these, though the contract lists them for few.
COMMON = frozenset(
    {
        "AccessDeniedException",
        "InvalidGrantTokenException",
        "UnsupportedOperationException",
        "ValidationException",
    }
)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Unreliable]:
    manager = KeyManager(tmp_path / "keys.json")
    manager.create("patients")
    with Unreliable(Proxy(manager, dict([CREDENTIAL]), lambda line: None)).running() as proxy:
        yield proxy


def walk(proxy: Unreliable, caplog: pytest.LogCaptureFixture, seed: int, steps: int) -> Calls:
    """Any other exception than one of AWS's ends the walk, and so does an own act that fails."""
    with new_lab() as lab, caplog.at_level(logging.WARNING):
        calls = Calls(lab, proxy, CREDENTIAL, seed)
        for _ in range(steps):
            try:
                calls.one()
            except KMSError as error:
                if error.code == "KMSInternalException":
                    raise
                if error.explanation:
                    repr(error.explain())  # it raises nothing
        assert [record.getMessage() for record in caplog.records] == []
        trail = json.dumps(lab.trail, default=str)
    for secret in calls.secrets:
        assert b64encode(secret).decode() not in trail
        assert secret.decode("latin-1") not in trail
    return calls


def unlisted(calls: Calls) -> dict[str, set[str]]:
    """The errors that the contract does not list for their operations."""
    found = {
        name: codes - {"", *MODEL.operations[name].errors} - COMMON
        for name, codes in calls.outcomes.items()
    }
    return {name: codes for name, codes in found.items() if codes}


def test_no_call_fails_inside_the_service(
    proxy: Unreliable, caplog: pytest.LogCaptureFixture
) -> None:
    assert unlisted(walk(proxy, caplog, seed=1, steps=QUICK)) == {}


@pytest.mark.long
def test_no_call_of_many_fails_inside_the_service(
    proxy: Unreliable, caplog: pytest.LogCaptureFixture
) -> None:
    """Together the walks have called nearly every operation with success."""
    done: set[str] = set()
    for seed in range(2, 26):
        calls = walk(proxy, caplog, seed, LONG)
        assert unlisted(calls) == {}, f"seed {seed}"
        done |= {name for name, codes in calls.outcomes.items() if "" in codes}
    assert len(set(MODEL.operations) - done) <= 3
