"""The "On AWS" blocks run as they stand, but boto3's client ends in the lab and not at AWS."""

import re

import pytest

from kmslab import Lab
from tests.hygiene.lessons import LESSONS

boto3 = pytest.importorskip("boto3")
BLOCKS = [
    pytest.param(block, id=f"{lesson.number}-{cell.id}")
    for lesson in LESSONS
    for cell in lesson.prose
    for block in re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)
]


def test_every_lesson_says_how_it_goes_on_aws():
    without = [
        lesson.number
        for lesson in LESSONS
        if not any(cell.source.startswith("## On AWS") for cell in lesson.prose)
    ]
    assert without == []
    assert len(BLOCKS) >= len(LESSONS)


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs_as_it_stands(block, monkeypatch):
    with Lab() as lab:
        asked = []

        def client(service: str, region_name: str):
            asked.append(service)
            return lab.region(region_name).boto3()

        monkeypatch.setattr(boto3, "client", client)
        exec(compile(block, "on-aws", "exec"), {})
        assert asked == ["kms"]
        assert len(lab.trail) > 2
