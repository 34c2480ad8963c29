"""For tests of the command: an environment without AWS settings and proxies."""

import os

import pytest


@pytest.fixture
def bare(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("AWS_", "KMSLAB_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.chdir(tmp_path)
