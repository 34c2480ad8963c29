"""The "On AWS" blocks run unchanged, with a boto3 client that calls the lab and not AWS."""

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


def test_every_lesson_has_an_on_aws_block():
    without = [
        lesson.number
        for lesson in LESSONS
        if not any(cell.source.startswith("## On AWS") for cell in lesson.prose)
    ]
    assert without == []
    assert len(BLOCKS) >= len(LESSONS)


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs_unchanged(block, monkeypatch):
    with Lab() as lab:
        asked = []

        def client(service: str, region_name: str):
            asked.append(service)
            return lab.region(region_name).boto3()

        monkeypatch.setattr(boto3, "client", client)
        exec(compile(block, "on-aws", "exec"), {})
        assert asked == ["kms"]
        assert len(lab.trail) > 2
