"""A server under full load answers every call, also while others are slow or read everything.

`campaign.py` runs longer by hand, and says how long the calls took.
"""

import sys
from pathlib import Path

import pytest

from tests.soak.campaign import soak


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="the server's memory is read from /proc")
def test_full_load_slow_clients_and_readers_leave_no_call_unanswered(tmp_path: Path) -> None:
    phases = soak(f"sqlite:///{tmp_path}/soak.db", tmp_path, long=4, short=3)
    assert [phase.failures for phase in phases] == [{}] * len(phases)
    assert all(phase.took for phase in phases)
