"""Lesson 09's picture is drawn from a run of the sealing benchmark."""

from pathlib import Path

import pytest

from kmslab.bench import sealing

RECORDED = Path(__file__).parents[2] / "data" / "benchmarks" / "sealing.json"


def test_recorded_run_can_be_drawn_and_says_that_no_network_was_in_it():
    recorded = sealing.read(RECORDED.read_bytes())
    assert list(recorded.result.facts) == [*sealing.SIZES]
    caption = repr(recorded.plot())
    assert "without a network" in caption
    assert "4 KiB: piece by piece in 1 call " in caption


def test_a_file_of_another_benchmark_is_refused():
    with pytest.raises(ValueError, match="benchmark wrapping, not sealing"):
        sealing.read(RECORDED.with_name("wrapping.json").read_bytes())
