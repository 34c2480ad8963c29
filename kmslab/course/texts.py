"""What the course says to a learner is data: a TOML file a lesson, one folder for each purpose."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


def text(folder: str, name: str) -> Mapping[str, Any]:
    """What `folder` (`bets` or `hints`) holds under a name such as `01-key`; {} if nothing."""
    return _lesson(folder, name.partition("-")[0]).get(name, {})


@cache
def _lesson(folder: str, number: str) -> Mapping[str, Mapping[str, Any]]:
    data = files("kmslab.course").joinpath(folder, f"{number}.toml")
    return tomllib.loads(data.read_text("utf-8")) if data.is_file() else {}
