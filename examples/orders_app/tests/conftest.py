"""A KMS for each test, filled from seed.yaml."""

from pathlib import Path

import pytest

from kmslab import Lab


@pytest.fixture
def kms_lab():
    """kmslab's own fixture of this name would be empty; `kms_endpoint` serves this one instead."""
    with Lab.from_seed(Path(__file__).with_name("seed.yaml")) as lab:
        yield lab


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("ORDERS_KEY", "alias/orders")
    monkeypatch.setenv("ORDERS_FOLDER", str(tmp_path / "orders"))
