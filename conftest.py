"""What all test runs share, also those that name only a notebook."""

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """nbval compares HTML byte by byte; a picture's bytes are left out, its caption is not."""
    if getattr(config.option, "nbval", False) and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(Path(__file__).parent / "tests/nbval_sanitise.cfg")
