"""A running `make lab` and a Chromium without a window, for all tests in this folder."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def eventually(what: Callable[[], Any], seconds: float) -> Any:
    """The first true answer; the last one when time is over."""
    end = time.monotonic() + seconds
    while not (answer := what()) and time.monotonic() < end:
        time.sleep(0.5)
    return answer


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[Path, str, str]]:
    """The workbook's folder, the address of a running JupyterLab and its token."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "kmslab", "lab", "--no-browser", "--port=0"]
    runtime = {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    with (home / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=home, env={**os.environ, **runtime}, stdout=log, stderr=log
        )
    try:
        found = eventually(lambda: [*(home / "runtime").glob("jpserver-*.json")], 60)
        about = json.loads(found[0].read_text(encoding="utf-8"))
        yield home / "workbook", about["url"], about["token"]
    finally:
        server.terminate()
        try:
            server.wait(60)  # it waits for each of its kernels
        except subprocess.TimeoutExpired:
            server.kill()  # the kernels notice, and end
            server.wait()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, "--no-sandbox"]
        )
        yield started
        started.close()
