"""A certificate as the list of validated modules has them: which version of which module, and when.

The real list is that of NIST and Canada's Cyber Centre (CMVP). The certificates of the course are
invented.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Certificate:
    """Active from the day `since` to the day `until`, both included, and historical after that."""

    module: str
    version: str
    standard: str
    level: int
    since: date
    until: date
