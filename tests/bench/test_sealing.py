"""The sealing benchmark runs, keeps what it measured, and draws it."""

from pathlib import Path

import pytest

from kmslab.bench import sealing

RECORDED = Path(__file__).parents[2] / "data" / "benchmarks" / "sealing.json"


def test_both_ways_are_measured_for_each_size():
    result = sealing.run(sizes=(sealing.PIECE, 3 * sealing.PIECE), rounds=2)
    assert [each.calls for each in result.samples] == [1, 3]
    for each in result.samples:
        assert len(each.direct) == len(each.envelope) == 2
        assert min(*each.direct, *each.envelope) > 0
    assert sealing.read(result.to_json()) == result


def test_recorded_run_can_be_drawn_and_says_that_no_network_was_in_it():
    result = sealing.read(RECORDED.read_bytes())
    assert [each.size for each in result.samples] == [*sealing.SIZES]
    caption = repr(result.plot())
    assert "without a network" in caption
    assert "4 KiB: piece by piece in 1 call " in caption


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "kmslab wrapping 1"}'])
def test_another_file_is_refused(text):
    with pytest.raises(ValueError, match="not a result of the sealing benchmark"):
        sealing.read(text)
