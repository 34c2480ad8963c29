"""The statistics of many samples: the median, the spread, and the median's confidence interval.

The median and not the mean: a disturbance makes a sample longer, never shorter.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Summary:
    """The statistics, in the unit of the samples."""

    median: float
    q1: float  # a quarter of the samples lies below
    q3: float  # a quarter lies above
    low: float  # the median's confidence interval
    high: float

    @property
    def spread(self) -> float:
        """The interquartile range, as a share of the median."""
        return (self.q3 - self.q1) / self.median


def summarise(samples: Sequence[float]) -> Summary:
    """Takes at least two samples. The same samples always get the same interval."""
    q1, median, q3 = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median, q1, q3, *_interval(samples))


def _interval(samples: Sequence[float]) -> tuple[float, float]:
    """The percentile bootstrap (Efron 1979): how the median varies if the samples are drawn again.

    No secret depends on these draws, so they may be seeded.
    """
    draw = random.Random(len(samples))
    medians = sorted(
        statistics.median(draw.choices(samples, k=len(samples))) for _ in range(RESAMPLES)
    )
    cut = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return medians[cut], medians[-cut - 1]
