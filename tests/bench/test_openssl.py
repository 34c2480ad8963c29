"""`openssl speed` as an outside reference: read where the command is, named where it is not."""

import shutil
import subprocess

import pytest

from kmslab.bench import openssl

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")

# What versions 3.0 and 3.5 print last; before it stand lines of progress.
SAID = {
    "+DTP:2048:private:rsa:1\n+R1:1:2048:1.0\n+F2:2:2048:4780.000000:80680.000000\n": [
        4780.0,
        80680.0,
    ],
    "+F2:2:2048:1000.5:32000.5:31000.5:990.5\n": [1000.5, 32000.5, 31000.5, 990.5],
    "+F4:3:256:71936.842105:24212.820513\n": [71936.842105, 24212.820513],
    "+F5:3:256:32526.373626:0.000031\n": [32526.373626, 0.000031],
    "+F6:0:253:Ed25519:44481.250000:16426.041667\n": [44481.25, 16426.041667],
    "+F9:1:50000.0:40000.0:30000.0\n": [50000.0, 40000.0, 30000.0],
    "H:1048576\n+F:25:AES-256-GCM:5650787586.81\n": [5650787586.81],
    "": [],
}


@pytest.mark.parametrize(("said", "rates"), SAID.items())
def test_the_last_line_holds_the_rates(said, rates):
    assert openssl._rates(said) == rates


def test_a_time_is_the_inverse_of_a_rate(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: "openssl")
    monkeypatch.setattr(openssl, "_version", lambda _: "OpenSSL 3.0.19")
    monkeypatch.setattr(openssl, "_ran", lambda *_: "+F2:2:2048:5000.0:80000.0\n")
    (sign, verify), absent = openssl.speed({"rsa2048": openssl.RSA}, quick=False)
    assert (sign.by, sign.subject, sign.operation) == ("OpenSSL 3.0.19", "rsa2048", "sign")
    assert (sign.microseconds, verify.microseconds, absent) == (200.0, 12.5, {})


def test_a_cipher_has_a_speed(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: "openssl")
    monkeypatch.setattr(openssl, "_version", lambda _: "OpenSSL 3.0.19")
    monkeypatch.setattr(openssl, "_ran", lambda *_: "+F:25:AES-256-GCM:5000000000.00\n")
    [cipher], _ = openssl.speed({"aes-256-gcm": openssl.BYTES}, quick=False, size=10**6)
    assert (cipher.size, cipher.microseconds) == (10**6, 200.0)  # 5,000 MB a second


def test_without_the_command_its_absence_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found, absent = openssl.speed({"rsa2048": openssl.RSA}, quick=False)
    assert (found, absent) == ([], {"openssl speed": "This computer has no command openssl."})


def test_a_quick_run_does_not_wait_for_it(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it runs"))
    found, absent = openssl.speed({"rsa2048": openssl.RSA}, quick=True)
    assert (found, absent) == ([], {"openssl speed": "A quick run leaves it out."})


@needs_openssl
def test_an_algorithm_that_the_command_does_not_know_is_named():
    found, absent = openssl.speed({"no-such-algorithm": ("run",)}, quick=False)
    assert found == []
    [(name, reason)] = absent.items()
    assert name.endswith(" no-such-algorithm")
    assert reason == "This version of the command cannot measure it."


@needs_openssl
@pytest.mark.long
def test_the_command_is_read():
    found, absent = openssl.speed({"ecdhx25519": openssl.AGREEMENT}, quick=False)
    assert absent == {}
    assert [(each.subject, each.operation) for each in found] == [("ecdhx25519", "agree")]
    assert found[0].microseconds > 0
