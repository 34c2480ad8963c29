"""Finds the lessons and the clinic's data: at the top of a clone, in a wheel beside this module.

No other module looks for them.
"""

from pathlib import Path


def folder(name: str) -> Path:
    """The shipped folder `notebooks` or `data`; in a clone and in a wheel, ordinary files."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else inside.parents[2] / name
