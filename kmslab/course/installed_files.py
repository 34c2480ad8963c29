"""Where the course's own files lie: a clone has them at its top, a wheel beside this module.

Nobody else looks for them.
"""

from importlib.resources import files
from pathlib import Path


def folder(name: str) -> Path:
    """`notebooks` or `data`, as they were shipped. Both ways in are folders of ordinary files."""
    inside = Path(str(files("kmslab.course"))) / name
    return inside if inside.is_dir() else inside.parents[2] / name
