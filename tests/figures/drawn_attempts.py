"""Calls against a quota, from a single one to four programs that fill twelve seconds."""

from functools import cache

from kmslab import figures

SLOW = "ThrottlingException"


@cache
def smallest_attempts() -> figures.Picture:
    return figures.attempts({"one": [(0, "ok")]})


@cache
def largest_attempts() -> figures.Picture:
    crowd = [(second, outcome) for second in range(12) for outcome in ("ok", SLOW) * 500]
    mixed = [(second, SLOW) for second in range(12)] + [(0, "ok")] * 999 + [(11, SLOW)] * 1000
    names = {"W" * 60: crowd, "mixed": mixed, "refused": [(11.9, SLOW)], "answered": [(0, "ok")]}
    return figures.attempts(names)


DRAWINGS = [smallest_attempts, largest_attempts]
