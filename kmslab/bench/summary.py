"""The statistics of many samples: the median, its confidence interval, the spread and outliers.

The median and not the mean: a disturbance makes a sample longer, never shorter. Outliers are
counted and kept: to drop what looks wrong is to choose the result.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000
CONFIDENCE = 0.95
FENCE = 1.5  # interquartile ranges beyond a quartile, where an outlier begins (Tukey 1977)


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and its confidence interval."""

    median: float
    low: float
    high: float

    def overlaps(self, other: "Interval") -> bool:
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class Summary(Interval):
    """The statistics, in the unit of the samples."""

    q1: float  # a quarter of the samples lies below
    q3: float  # a quarter lies above
    outliers: int

    @property
    def spread(self) -> float:
        """The interquartile range, as a share of the median."""
        return (self.q3 - self.q1) / self.median


def summarise(samples: Sequence[float]) -> Summary:
    """Takes at least two samples. The same samples always get the same interval."""
    q1, median, q3 = statistics.quantiles(samples, n=4, method="inclusive")
    reach = FENCE * (q3 - q1)
    outliers = sum(not q1 - reach <= sample <= q3 + reach for sample in samples)
    return Summary(median, *_interval(samples), q1, q3, outliers)


def ratio(samples: Sequence[float], others: Sequence[float]) -> Interval:
    """How many times as long as the others the samples are, each divided by its round's other.

    What disturbed a round disturbed both, so this varies less than the samples.
    """
    ratios = [sample / other for sample, other in zip(samples, others, strict=True)]
    return Interval(statistics.median(ratios), *_interval(ratios))


def _interval(samples: Sequence[float]) -> tuple[float, float]:
    """The percentile bootstrap (Efron 1979): how the median varies if the samples are drawn again.

    No secret depends on these draws, so they may be seeded.
    """
    draw, ordered = random.Random(len(samples)), sorted(samples)
    medians = sorted(_median_drawn_again(ordered, draw) for _ in range(RESAMPLES))
    cut = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return medians[cut], medians[-cut - 1]


def _median_drawn_again(ordered: Sequence[float], draw: random.Random) -> float:
    """The median of as many samples, drawn at random and with repetition.

    To draw them all takes too long. The k-th smallest of n numbers drawn evenly from 0 to 1 has the
    distribution Beta(k, n + 1 - k), and such a number chooses a sample by its place. With an even n
    the second of the middle two is the smallest of the n / 2 that are larger than the first.
    """
    number = len(ordered)
    half = number // 2
    if number % 2:
        return ordered[int(number * draw.betavariate(half + 1, half + 1))]
    first = draw.betavariate(half, half + 1)
    second = 1 - (1 - first) * draw.random() ** (1 / half)
    return (ordered[int(number * first)] + ordered[min(int(number * second), number - 1)]) / 2
