"""09-kind: the cheapest kind of key that has what somebody needs."""

from collections.abc import Collection


def cheapest(needs: Collection[str]) -> str:
    if {"turn it off", "lend it", "rotate it today"} & set(needs):
        return "customer managed"
    return "AWS managed" if "see each call" in needs else "AWS owned"
