"""Pictures of bills, from the smallest and from one with more lines than are drawn."""

from datetime import UTC, datetime
from decimal import Decimal

from kmslab import figures
from kmslab.kms.billing import Bill, Line

WHEN = datetime(2026, 2, 1, tzinfo=UTC)
CHARGED_FOR = ("key", "first rotation", "second rotation", "later rotations")


def of(*lines: Line) -> Bill:
    return Bill("111122223333", "2026-01", WHEN, lines)


def smallest_bill() -> figures.Picture:
    return figures.bill(of())


def largest_bill() -> figures.Picture:
    """The longest words beside the longest bar, and keys that cost nothing."""
    name = "key alias/" + "W" * 250 + ", ap-southeast-1"
    keys = [
        Line(f"{name}{number}", what, "744 of 744 hours", "1.00 a month", Decimal(number % 2))
        for number in range(5)
        for what in CHARGED_FOR
    ]
    asked = "symmetric and HMAC keys, management"
    price, quantity = "0.03 per 10,000 (?)", "1,000,000,000, 20,000 free"
    return figures.bill(of(*keys, Line("requests", asked, quantity, price, Decimal(3000), True)))


DRAWINGS = [smallest_bill, largest_bill]
