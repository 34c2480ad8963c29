"""Calls, price and blast radius in the picture are those of the programs that ran."""

import pytest

from kmslab import figures
from tests.figures.drawn_costs import sealed_in_batches
from tests.figures.drawn_keys import new_key


def test_a_data_key_that_is_used_again_costs_less_and_opens_more():
    key = new_key()
    each = lambda: sealed_in_batches(key, 10, 1)  # noqa: E731
    shared = lambda: sealed_in_batches(key, 10, 5)  # noqa: E731
    caption = repr(figures.costs(key.lab, {"each": each, "shared": shared}, monthly=1_000_000))
    assert "each: 10 calls for 10 messages, USD 2.94; one data key opens 1." in caption
    assert "shared: 2 calls for 10 messages, USD 0.54; one data key opens 5." in caption


def test_blobs_have_no_data_key():
    key = new_key()
    direct = lambda: [key.encrypt(b"page") for _ in range(3)]  # noqa: E731
    caption = repr(figures.costs(key.lab, {"direct": direct}))
    assert "3 calls for 3 messages, USD 29.94; there is no data key." in caption


def test_calls_of_the_programs_are_undone():
    key = new_key()
    before = len(key.lab.trail)
    figures.costs(key.lab, {"direct": lambda: [key.encrypt(b"page")]})
    assert len(key.lab.trail) == before


def test_program_that_returns_nothing_is_named():
    key = new_key()
    with pytest.raises(ValueError, match="lazy returned no messages"):
        figures.costs(key.lab, {"lazy": list})
