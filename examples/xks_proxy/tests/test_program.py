"""The programs as processes of their own, with a KMS on the other side: plugged in and out."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from kmslab import Lab

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def environment(tmp_path):
    files = {"KEY_FILE": str(tmp_path / "keys.json"), "PROXY_FILE": str(tmp_path / "proxy.json")}
    return os.environ | files


@contextmanager
def plugged_in(environment, port):
    """The proxy's address and its credential, while it runs."""
    command = [sys.executable, FOLDER / "xks_proxy.py", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as proxy:
        try:
            url, name, secret = (proxy.stdout.readline().split()[-1] for _ in range(3))
            yield url, (name, secret)
        finally:
            proxy.kill()


def test_what_was_encrypted_opens_only_while_the_proxy_is_plugged_in(environment):
    command = [sys.executable, FOLDER / "key_manager.py", "create", "patients"]
    subprocess.run(command, env=environment, check=True)
    with Lab() as lab:
        with plugged_in(environment, 0) as (url, credential):
            vault = lab.create_key_store("vault", url, credential)
            patients = lab.create_cmk("patients", key_store=vault, external_key="patients")
            blob = patients.encrypt(b"card 4242")
            assert lab.decrypt(blob) == b"card 4242"
        with pytest.raises(lab.kms.exceptions.KMSInvalidStateException, match="cannot communicate"):
            lab.decrypt(blob)
        with plugged_in(environment, url.split(":")[2].split("/")[0]) as (again, same):
            assert (again, same) == (url, credential)
            assert lab.decrypt(blob) == b"card 4242"
