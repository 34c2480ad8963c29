"""The picture of throughput states the rates of the times that it got."""

from kmslab import figures


def test_rates_are_megabytes_a_second():
    row = figures.SealingTimes(size=2_000_000, direct_calls=489, direct=1e6, envelope=1e4)
    caption = repr(figures.throughput("sealing", [row]))
    assert "2,000,000 bytes: piece by piece in 489 calls 2, in an envelope" in caption
    assert "with one call 200." in caption


def test_the_two_ways_have_different_markers():
    picture = figures.throughput("sealing", [figures.SealingTimes(4096, 1, 300, 200)])
    shapes = {
        tuple(map(tuple, dots.get_paths()[0].vertices))
        for dots in picture.figure.axes[0].collections
    }
    assert len(shapes) == 2
