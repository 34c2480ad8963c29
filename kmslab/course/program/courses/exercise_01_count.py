"""01-count: count the malignant records by the lengths of their blobs."""

from collections.abc import Sequence


def count_malignant(blobs: Sequence[bytes]) -> int:
    longest = max(len(blob) for blob in blobs)
    return sum(len(blob) == longest for blob in blobs)
