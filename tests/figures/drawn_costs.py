"""What sealing costs, from one program with one message and from six with the longest names."""

from functools import cache

from kmslab import CMK, envelope, figures
from tests.figures.drawn_keys import new_key


def sealed_in_batches(key: CMK, messages: int, per_key: int) -> list[bytes]:
    """Messages whose data key is used again. Their format is the real one, the sealing is not."""
    fresh = [envelope.encrypt(b"page", key) for _ in range(messages // per_key)]
    return [message for message in fresh for _ in range(per_key)]


@cache
def smallest_costs() -> figures.Picture:
    key = new_key()
    return figures.costs(key.lab, {"direct": lambda: [key.encrypt(b"1")]}, monthly=2)


@cache
def usual_costs() -> figures.Picture:
    key = new_key()
    plans = {
        "a call a record": lambda: [key.encrypt(b"page") for _ in range(20)],
        "a data key a record": lambda: sealed_in_batches(key, 20, 1),
        "a data key for 10": lambda: sealed_in_batches(key, 20, 10),
    }
    return figures.costs(key.lab, plans)


@cache
def largest_costs() -> figures.Picture:
    key = new_key()
    plans = {
        f"{'W' * 60}{number}": lambda number=number: sealed_in_batches(key, 64, 2**number)
        for number in range(6)
    }
    return figures.costs(key.lab, plans, monthly=10**12)


DRAWINGS = [smallest_costs, usual_costs, largest_costs]
