"""The course's texts to a learner are data: in each folder of texts, one TOML file a lesson."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def lesson_texts(folder: Path, name: str) -> Mapping[str, Any]:
    """The texts in `folder` under a name such as `01-key`; {} if there are none."""
    return _lesson(folder, name.partition("-")[0]).get(name, {})


@cache
def _lesson(folder: Path, number: str) -> Mapping[str, Mapping[str, Any]]:
    file = folder / f"{number}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
