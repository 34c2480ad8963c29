"""Pictures of measured times; test_pictures.py has the rules for every picture."""

from itertools import pairwise

import pytest
from matplotlib.collections import PathCollection

from kmslab.display import microseconds
from kmslab.figures import (
    OperationTimes,
    ReferenceTime,
    TimingRow,
    sizes_and_times,
    times,
    times_with_means,
)
from kmslab.figures.scale import Scale, around
from tests.cases import for_every
from tests.figures import drawn_timings


@for_every(
    ("time", "shown"),
    [
        (0.0526, "52.6 ns"),
        (1.0, "1 µs"),
        (253.4, "253 µs"),
        (999.9, "1,000 µs"),
        (1461.0, "1.46 ms"),
        (1.589e6, "1.59 s"),
        (5e-5, "0.05 ns"),
    ],
)
def test_times_are_shown_in_a_fitting_unit(time, shown):
    assert microseconds(time) == shown


def test_a_logarithmic_scale_gives_each_power_of_ten_the_same_width():
    scale = Scale(0.1, 1000, 0, 400)
    assert [round(scale.at(tick)) for tick in scale.ticks()] == [0, 100, 200, 300, 400]


def test_a_linear_scale_starts_at_zero_and_has_few_ticks():
    for high in (0.7, 1.0, 3.3, 7.5e6, 9.9):
        scale = Scale(0, high, 0, 100, logarithmic=False)
        ticks = list(scale.ticks())
        assert ticks[0] == scale.at(0) == 0
        assert 4 <= len(ticks) <= 9
        assert all(later - here == pytest.approx(ticks[1]) for here, later in pairwise(ticks))


def test_a_scale_around_values_holds_them_all():
    scale = around([0.05, 7.0, 9999.0], 200, 700)
    assert 200 < scale.at(0.05) < scale.at(9999.0) < 700


def test_caption_states_medians_sizes_and_reference_times():
    row = TimingRow(
        "AES-KW", (OperationTimes("wrap", [1.0, 2.0, 90.0]), OperationTimes("unwrap", [3.0])), 40
    )
    caption = repr(times("a library", [row], ReferenceTime("network", 1000)))
    assert caption == ("Picture: a library, medians. AES-KW wrap 2 µs, unwrap 3 µs; network 1 ms.")
    assert repr(sizes_and_times("a library", [row])).endswith(
        "AES-KW wrap 2 µs, unwrap 3 µs, 40 bytes."
    )


def test_caption_states_mean_and_median_and_how_many_took_longer():
    caption = repr(
        times_with_means("keys", [TimingRow("a", (OperationTimes("generate", [1e3, 2e3, 9e3]),))])
    )
    assert caption == "Picture: keys. a median 2 ms, mean 4 ms; 1 of 3 took longer than the mean."


def test_every_sample_is_a_dot():
    axes = drawn_timings.many_times().figure.axes[0]
    clouds = [each for each in axes.collections if isinstance(each, PathCollection)]
    assert sum(len(each.get_offsets()) for each in clouds) == 18 * 100


def test_two_operations_differ_without_colour_too():
    axes = drawn_timings.many_times().figure.axes[0]
    shapes = {each.get_paths()[0].vertices.tobytes() for each in axes.collections}
    assert len(shapes) == 2
