"""One pair of encryption context that a grant requires: the store finds grants by it.

A key may have thousands of grants for one principal, each for another encryption context. This only
narrows the search: the grants that are found are then compared with the request as all are.
"""

import json
from collections.abc import Iterable, Mapping

LENGTH = 100  # characters: what a database's index can hold is limited


def pair_text(name: str, value: str) -> str:
    """Grants compare names in any case. Two pairs may have one text; a pair never has two."""
    return json.dumps([name.lower(), value])[:LENGTH]


def required_pair(constraints: Mapping[str, Mapping[str, str]]) -> str:
    """The text of one pair that every allowed request has; "" if no pair is required."""
    pairs = [pair for each in constraints.values() for pair in each.items()]
    return min((pair_text(*pair) for pair in pairs), default="")


def possible_pairs(context: Mapping[str, str]) -> Iterable[str]:
    """The texts that grants which allow this encryption context may have."""
    return dict.fromkeys(["", *(pair_text(*pair) for pair in context.items())])
