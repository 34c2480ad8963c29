"""Statistics against samples made by hand."""

import random
import statistics

import pytest

from kmslab.bench.summary import RESAMPLES, Interval, Summary, ratio, summarise


def test_median_and_quartiles_of_five():
    summary = summarise([4.0, 1.0, 100.0, 3.0, 2.0])
    assert (summary.q1, summary.median, summary.q3) == (2.0, 3.0, 4.0)


def test_median_of_an_even_number_lies_between_the_middle_two():
    summary = summarise([1.0, 2.0, 4.0, 8.0])
    assert (summary.q1, summary.median, summary.q3) == (1.75, 3.0, 5.0)


def test_an_outlier_moves_the_mean_and_not_the_median():
    samples = [10.0] * 20 + [10_000.0]
    assert summarise(samples) == Summary(10.0, 10.0, 10.0, 10.0, 10.0, outliers=1)
    assert statistics.fmean(samples) > 400


def test_spread_is_the_middle_half_as_a_share_of_the_median():
    assert Summary(median=10, q1=9, q3=12, low=9.5, high=11, outliers=0).spread == pytest.approx(
        0.3
    )


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


@pytest.mark.parametrize("number", [2, 3, 15, 40])
def test_identical_samples_have_an_interval_without_width_and_no_outliers(number):
    assert summarise([7.0] * number) == Summary(7.0, 7.0, 7.0, 7.0, 7.0, outliers=0)


@pytest.mark.parametrize("number", [2, 3, 8, 15, 100])
def test_the_interval_is_that_of_samples_drawn_again_one_by_one(number):
    """Within what 2,000 draws can tell: the ends' places among the samples."""
    draw = random.Random(number)
    samples = [draw.lognormvariate(0, 0.5) for _ in range(number)]
    medians = sorted(statistics.median(draw.choices(samples, k=number)) for _ in range(RESAMPLES))
    summary = summarise(samples)
    for end, place in ((summary.low, 0.025), (summary.high, 0.975)):
        below = sum(one < end - 1e-9 for one in medians) / RESAMPLES
        up_to = sum(one <= end + 1e-9 for one in medians) / RESAMPLES
        assert below - 0.02 <= place <= up_to + 0.02


def test_outliers_are_counted_and_kept():
    samples = [10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 30.0, 1.0]
    assert summarise(samples).outliers == 2
    assert summarise(samples[:6]).outliers == 0
    assert summarise(samples).high > 10


def test_a_ratio_is_of_each_round_and_a_machine_that_slows_down_does_not_move_it():
    rounds = [1.0 + number / 10 for number in range(20)]
    compared = ratio([3 * each for each in rounds], rounds)
    assert (compared.low, compared.median, compared.high) == pytest.approx((3, 3, 3))
    assert summarise(rounds).high > 1.3 * summarise(rounds).low


OVERLAPS = [
    ((1, 3), (2, 4), True),
    ((1, 2), (3, 4), False),
    ((1, 2), (2, 3), True),
    ((1, 9), (4, 5), True),
]


@pytest.mark.parametrize(("one", "other", "overlap"), OVERLAPS)
def test_two_intervals_overlap_if_they_share_a_value(one, other, overlap):
    one, other = (Interval(sum(ends) / 2, *ends) for ends in (one, other))
    assert one.overlaps(other) == other.overlaps(one) == overlap
