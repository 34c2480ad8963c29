"""Who reads the whole trail, page by page, leaves the other callers most of the time."""

import asyncio
import threading

import pytest

from kmslab import Lab
from kmslab.endpoint.application import LONGEST_REST, Application, Work
from kmslab.endpoint.claims import Request
from kmslab.kms import wire

CALL = Request(b"POST", b"/", b"", {b"x-amz-target": b"TrentService.ListKeys"}, b"{}")
ANSWER = wire.answer(200, "1", b"{}")


async def _rests(application: Application, monkeypatch: pytest.MonkeyPatch, **work: bool) -> int:
    """How often the answer is held back if a call comes in while it is made."""
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    for call in (False, True):
        may_end, began = threading.Event(), threading.Event()

        def run(began: threading.Event = began, may_end: threading.Event = may_end) -> wire.Answer:
            began.set()
            may_end.wait()
            return ANSWER

        made = asyncio.create_task(application._done(Work(application._threads, 1, run, **work)))
        while not began.is_set():
            await asyncio.sleep(0)
        if call:
            application._answer({}, CALL)
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "sleep", sleep)
            may_end.set()
            assert await made is ANSWER
        assert call or not rests
    assert all(0 < rest <= LONGEST_REST for rest in rests)
    return len(rests)


def test_report_is_held_back_if_calls_came_in_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab() as lab:
        application = Application(lab.service, lab.iam.access_keys)
        try:
            assert asyncio.run(_rests(application, monkeypatch, is_report=True)) == 1
            assert asyncio.run(_rests(application, monkeypatch)) == 0
        finally:
            application.close()
