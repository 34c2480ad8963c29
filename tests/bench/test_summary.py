"""Statistics against samples made by hand."""

import random
import statistics

import pytest

from kmslab.bench.summary import RESAMPLES, Summary, summarise


def test_median_and_quartiles_of_five():
    summary = summarise([4.0, 1.0, 100.0, 3.0, 2.0])
    assert (summary.q1, summary.median, summary.q3) == (2.0, 3.0, 4.0)


def test_median_of_an_even_number_lies_between_the_middle_two():
    summary = summarise([1.0, 2.0, 4.0, 8.0])
    assert (summary.q1, summary.median, summary.q3) == (1.75, 3.0, 5.0)


def test_an_outlier_moves_the_mean_and_not_the_median():
    samples = [10.0] * 20 + [10_000.0]
    assert summarise(samples) == Summary(10.0, 10.0, 10.0, 10.0, 10.0)
    assert statistics.fmean(samples) > 400


def test_spread_is_the_middle_half_as_a_share_of_the_median():
    assert Summary(median=10, q1=9, q3=12, low=9.5, high=11).spread == pytest.approx(0.3)


def test_the_same_samples_get_the_same_interval():
    samples = [random.Random(7).gauss(100, 10) for _ in range(30)]
    assert summarise(samples) == summarise(samples)


def test_interval_holds_the_median_and_lies_among_the_samples():
    samples = [float(n * n) for n in range(1, 16)]
    summary = summarise(samples)
    assert min(samples) < summary.low <= summary.median <= summary.high < max(samples)


def test_more_samples_make_the_interval_narrower():
    draw = random.Random(11)
    few, many = ([draw.gauss(100, 10) for _ in range(n)] for n in (12, 300))
    width = [summary.high - summary.low for summary in map(summarise, (few, many))]
    assert width[1] < width[0] / 2


def test_interval_of_two_samples_reaches_from_one_to_the_other():
    summary = summarise([1.0, 3.0])
    assert (summary.low, summary.median, summary.high) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("times", [60, pytest.param(600, marks=pytest.mark.long)])
def test_ninety_five_of_a_hundred_intervals_hold_the_true_median(times):
    """For skewed samples with a known median, from a log-normal distribution."""
    draw = random.Random(2026)
    assert RESAMPLES >= 1000
    held = 0
    for _ in range(times):
        summary = summarise([draw.lognormvariate(0, 0.5) for _ in range(41)])
        held += summary.low <= 1.0 <= summary.high
    assert 0.90 <= held / times <= 0.99


def test_no_samples_have_no_summary():
    with pytest.raises(statistics.StatisticsError):
        summarise([])
