import socket
import sys

import pytest

from kmslab.course import doctor, network_off
from kmslab.course.doctor import Diagnosis, _examine
from kmslab.course.network import NetworkOff


def by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"?", ("127.0.0.1", 9))


def by_name() -> None:
    socket.create_connection(("localhost", 9), timeout=1).close()


def by_number(port: int) -> None:
    with socket.socket() as tcp:
        tcp.settimeout(1)
        tcp.connect(("127.0.0.1", port))


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("attempt", [by_udp, by_name, lambda: by_number(9)])
def test_every_way_to_the_network_is_refused(attempt):
    with network_off(), pytest.raises(NetworkOff, match=r"nothing was sent to (127|localhost)"):
        attempt()


def test_afterwards_the_network_is_there_again_even_after_an_error(port):
    with pytest.raises(ZeroDivisionError), network_off():
        raise ZeroDivisionError
    by_number(port)


def test_it_can_be_turned_off_twice(port):
    with network_off():
        with network_off():
            pass
        with pytest.raises(NetworkOff):
            by_number(port)
    by_number(port)


def test_what_the_doctor_tries_has_no_network(monkeypatch, port):
    def reaching_out() -> str:
        by_number(port)
        return "reached"

    monkeypatch.setattr(sys.modules[Diagnosis.__module__], "CHECKS", (("server", reaching_out),))
    (finding,) = doctor()
    assert not finding.passed
    assert "the network is off" in finding.detail
    assert _examine("server", reaching_out).detail == "reached"
