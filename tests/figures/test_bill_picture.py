"""The picture of a bill states what the bill states."""

from decimal import Decimal

from kmslab import figures
from kmslab.figures.bill import MAX_BARS
from kmslab.kms.billing import Line
from tests.figures.drawn_bills import largest_bill, of

KEY = Line("key alias/orders, us-east-1", "key", "744 of 744 hours", "1.00 a month", Decimal(1))
ASKED = Line("requests", "RSA_2048 keys", "10,000", "0.03 per 10,000", Decimal("0.03"))


def test_caption_states_every_amount_and_the_source_of_the_prices():
    caption = repr(figures.bill(of(KEY, ASKED)))
    assert caption.startswith(
        "Picture: USD 1.03 in 2026-01: key alias/orders, us-east-1: key 1.0000 (744 of 744 hours); "
        "requests: RSA_2048 keys 0.0300 (10,000). Account 111122223333, 2026-01 until"
    )
    assert caption.endswith("https://aws.amazon.com/kms/pricing/")


def test_caption_says_what_is_free():
    later = Line("key alias/orders, us-east-1", "later rotations", "1", "free", Decimal())
    assert "later rotations 0.0000 (1, free)" in repr(figures.bill(of(KEY, later)))


def test_bars_are_on_one_scale():
    axes = figures.bill(of(KEY, ASKED)).figure.axes[0]
    key, requests = [patch.get_width() for patch in axes.patches]
    assert round(requests / key, 6) == 0.03


def test_total_includes_lines_that_are_not_drawn():
    picture = largest_bill()
    assert len(picture.figure.axes[0].patches) <= MAX_BARS
    shown = [text.get_text() for text in picture.figure.axes[0].texts]
    assert shown[-1] == "total in 2026-01: USD 3,008.00, with 9 smaller lines that are not drawn"


def test_nothing_used_costs_nothing():
    assert repr(figures.bill(of())).startswith("Picture: USD 0.00 in 2026-01: nothing was used.")
