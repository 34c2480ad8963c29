"""A lab on a socket: over TLS, for other machines, and in a process that a signal stops."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kmslab import Lab
from kmslab.crypto import pycryptodome
from kmslab.endpoint.server import Endpoint, running
from kmslab.endpoint.tls import SelfSigned, ServeError, Tls
from tests.endpoint.test_application import JSON, answer, client, connected, own, written
from tests.held_library import HeldLibrary
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


# --------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def secured(lab: Lab) -> Iterator[Endpoint]:
    with running(lab, self_signed=True) as endpoint:
        yield endpoint


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_boto3_trusts_the_certificate_that_was_made(secured: Endpoint, host: str) -> None:
    url = secured.url.replace("127.0.0.1", host)
    assert url.startswith("https://")
    kms = client(secured, endpoint_url=url, verify=secured.environment["AWS_CA_BUNDLE"])
    assert "Keys" in kms.list_keys()


def test_the_certificate_satisfies_a_strict_client(secured: Endpoint) -> None:
    context = ssl.create_default_context(cafile=str(secured.authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = int(secured.url.rpartition(":")[2])
    for name in ("127.0.0.1", "::1", "localhost", socket.gethostname()):
        link = socket.create_connection(("127.0.0.1", port))
        with link, context.wrap_socket(link, server_hostname=name) as wrapped:
            assert wrapped.version() == "TLSv1.3"
    link = socket.create_connection(("127.0.0.1", port))
    with link, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(link, server_hostname="example.com")


def test_the_trail_shows_the_tls_details(secured: Endpoint, lab: Lab) -> None:
    client(secured, verify=str(secured.authority)).list_keys()
    details = lab.trail[-1]["tlsDetails"]
    assert details["tlsVersion"] == "TLSv1.3"
    assert details["cipherSuite"].startswith("TLS_")
    assert details["clientProvidedHostHeader"] == secured.url.removeprefix("https://")


def test_the_private_key_is_deleted_with_the_endpoint(lab: Lab) -> None:
    with running(lab, self_signed=True) as endpoint:
        assert endpoint.authority
        folder = endpoint.authority.parent
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_a_given_certificate_is_used(lab: Lab, secured: Endpoint, tmp_path: Path) -> None:
    assert secured.authority
    folder = secured.authority.parent
    own_files = Tls(folder / "server.pem", folder / "server.key")
    with running(lab, tls=own_files) as endpoint:
        assert "AWS_CA_BUNDLE" not in endpoint.environment
        assert "Keys" in client(endpoint, verify=str(secured.authority)).list_keys()
    (tmp_path / "no.pem").write_text("nothing")
    for name in ("no.pem", "none"):
        files = Tls(tmp_path / name, tmp_path / name)
        with pytest.raises(ServeError, match="cannot be read"), running(lab, tls=files):
            pass


def test_clients_that_trust_a_kept_authority_trust_the_next_run(lab: Lab, tmp_path: Path) -> None:
    wanted = SelfSigned(("kms.class.lan", "192.0.2.7"), tmp_path / "class.pem")
    bundle = tmp_path / "handed-out.crt"
    for _ in range(2):
        with running(lab, "0.0.0.0", tls=wanted) as endpoint:
            if not bundle.exists():
                assert endpoint.authority == tmp_path / "class.pem.crt"
                bundle.write_bytes(endpoint.authority.read_bytes())
            assert "Keys" in client(endpoint, verify=str(bundle)).list_keys()
            context = ssl.create_default_context(cafile=str(bundle))
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            port = int(endpoint.url.rpartition(":")[2])
            for name in wanted.names:
                link = socket.create_connection(("127.0.0.1", port))
                with link, context.wrap_socket(link, server_hostname=name) as wrapped:
                    assert wrapped.version() == "TLSv1.3"
    assert b"PRIVATE" not in bundle.read_bytes()
    if os.name == "posix":
        assert (tmp_path / "class.pem").stat().st_mode & 0o777 == 0o600


def test_authority_that_cannot_be_used_is_refused_and_stays_as_it_is(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "mine.pem").write_text("my notes")
    (tmp_path / "mine.pem").chmod(0o600)
    (tmp_path / "open.pem").write_text("anybody's")
    (tmp_path / "open.pem").chmod(0o644)
    for name, says in {
        "mine.pem": "does not hold an authority",
        "open.pem": "chmod 600",
        "none/class.pem": "No such file",
        "": "cannot be used|Others may read",  # a folder
    }.items():
        wanted = SelfSigned(authority=tmp_path / name)
        with pytest.raises(ServeError, match=says), running(lab, tls=wanted):
            pass
    assert (tmp_path / "mine.pem").read_text() == "my notes"
    assert not list(tmp_path.glob("*.crt"))


def test_without_tls_it_serves_this_machine_only(lab: Lab) -> None:
    with pytest.raises(ServeError, match="--tls self-signed"), running(lab, "0.0.0.0"):
        pass
    with running(lab, "0.0.0.0", self_signed=True) as endpoint:
        assert "Keys" in client(endpoint, verify=str(endpoint.authority)).list_keys()


def test_an_unfinished_tls_handshake_delays_no_other(secured: Endpoint) -> None:
    with connected(secured):
        assert "Keys" in client(secured, verify=str(secured.authority)).list_keys()


# ----------------------------------------------------------------------------------------- starting


def test_a_port_in_use_is_named(lab: Lab) -> None:
    with running(lab) as endpoint:
        port = int(endpoint.url.rpartition(":")[2])
        with pytest.raises(ServeError, match=f"port {port}"), running(lab, port=port):
            pass


def test_the_address_of_ipv6_is_written_in_brackets(lab: Lab) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with running(lab, "::1") as endpoint:
        assert endpoint.url.startswith("http://[::1]:")
        assert "Keys" in client(endpoint).list_keys()


def test_the_same_access_key_is_found_again(lab: Lab) -> None:
    with running(lab) as one, running(lab) as two:
        assert one.access_key == two.access_key
        assert one.url != two.url


def test_access_keys_can_be_chosen(lab: Lab) -> None:
    chosen = {"test": "test", "AKIAOTHER": "with/slash+plus"}
    with running(lab, access_keys=chosen) as endpoint:
        assert endpoint.access_key.id == "test"
        for key_id, secret in chosen.items():
            pair = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
            assert "Keys" in client(endpoint, **pair).list_keys()
    wrong = {"a/b": "c"}
    with pytest.raises(ValueError, match="not an access key id"), running(lab, access_keys=wrong):
        pass


def test_a_user_can_be_served(lab: Lab) -> None:
    with running(lab.user("erin")) as endpoint:
        told = client(endpoint, "sts").get_caller_identity()
        assert told["Arn"].endswith(":user/erin")


def test_a_stopped_endpoint_is_gone(lab: Lab) -> None:
    with running(lab) as endpoint, connected(endpoint) as link:
        link.sendall(written(own(endpoint)))
        assert answer(link)[0] == 200
    with pytest.raises(ConnectionError):
        connected(endpoint)


def is_gone(port: int) -> bool:
    """True if nothing takes a new connection there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return True
    return False


def test_what_is_running_is_finished_before_the_end() -> None:
    library = HeldLibrary()

    def go_on_after_the_stop(port: int) -> None:
        until(lambda: is_gone(port))
        library.let_go()

    with Lab(backends=(library, pycryptodome)) as lab, ThreadPoolExecutor(2) as pool:
        with running(lab) as endpoint:
            kms = client(endpoint)
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            long = pool.submit(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")
            library.begun.wait()
            pool.submit(go_on_after_the_stop, int(endpoint.url.rpartition(":")[2]))
        assert long.result()["KeyPairSpec"] == "RSA_2048"


# ---------------------------------------------------------------------------- a process of its own

PROGRAM = """
import sys, threading
from kmslab import Lab
from kmslab.crypto import pycryptodome
from kmslab.endpoint.server import serve
from tests.held_library import HeldLibrary

library = HeldLibrary()

def ask():
    library.begun.wait()
    print("making a key", flush=True)
    sys.stdin.readline()
    library.let_go()

threading.Thread(target=ask, daemon=True).start()
with Lab(store=sys.argv[1], backends=(library, pycryptodome)) as lab:
    serve(lab, port=0, ready=lambda endpoint: print(endpoint.shell(), flush=True))
print("closed", flush=True)
"""


@contextmanager
def served(store: str) -> Iterator[tuple[Any, dict[str, str]]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, store],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = []
        while not lines or not lines[-1].startswith("export AWS_DEFAULT_REGION"):
            lines.append(process.stdout.readline().strip())
        exports = [line.removeprefix("export ") for line in lines if line.startswith("export")]
        try:
            yield process, dict(line.split("=", 1) for line in exports)
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM that a program can catch")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    url = f"sqlite:///{tmp_path / 'served.db'}"
    with served(url) as (process, environment), ThreadPoolExecutor(1) as pool:
        from boto3.session import Session

        session = Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        kms = session.client("kms", endpoint_url=environment["AWS_ENDPOINT_URL_KMS"])
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.generate_data_key(KeyId=key, KeySpec="AES_256")
        long = pool.submit(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")
        assert process.stdout.readline() == "making a key\n"
        process.send_signal(how)
        port = int(environment["AWS_ENDPOINT_URL_KMS"].rpartition(":")[2])
        until(lambda: is_gone(port))
        process.stdin.write("\n")
        process.stdin.flush()
        assert long.result()["KeyPairSpec"] == "RSA_2048"
        assert process.stdout.read() == "closed\n"
        assert process.wait() == 0
    with Lab(store=url) as lab:
        names = [event["eventName"] for event in lab.trail]
        assert names == ["CreateKey", "GenerateDataKey", "GenerateDataKeyPair"]
        assert lab.access_key().id == environment["AWS_ACCESS_KEY_ID"]


def test_no_record_holds_a_secret_access_key(tmp_path: Path) -> None:
    with Lab(store=f"sqlite:///{tmp_path / 'keys.db'}") as lab:
        pair = lab.access_key()
        record = lab.iam.access_keys.find(pair.id)
        assert bytes(pair.secret) not in repr(record).encode()
    assert bytes(pair.secret) not in (tmp_path / "keys.db").read_bytes()


def segments(link: socket.socket) -> int:
    """How many segments with data the peer has sent so far: `tcpi_data_segs_in` of linux/tcp.h."""
    (count,) = struct.unpack_from(
        "=I", link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152
    )
    return int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts a connection's segments")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_comes_in_one_piece(
    lab: Lab, loop: str, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two pieces, the second would wait for the first one's acknowledgement, often for 40 ms."""
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    with running(lab, self_signed=tls) as endpoint, connected(endpoint) as link:
        if tls:
            context = ssl.create_default_context(cafile=str(endpoint.authority))
            link = context.wrap_socket(link, server_hostname="127.0.0.1")
        with link:
            link.sendall(written(own(endpoint)))
            assert answer(link)[2]  # with TLS, session tickets came before it
            before = segments(link)
            for _ in range(20):
                link.sendall(written(own(endpoint)))
                assert answer(link)[2]
            assert segments(link) - before == 20


HEADERS = [
    "x-amzn-RequestId",
    "Date",
    "Content-Type",
    "Content-Length",
    "Cache-Control",
    "Expires",
    "Pragma",
]


def test_every_answer_has_the_headers_of_aws(lab: Lab) -> None:
    with running(lab) as endpoint, connected(endpoint) as link:
        for headers in (JSON | {"X-Amz-Target": "TrentService.ListKeys"}, JSON):
            link.sendall(written(own(endpoint, headers=headers)))
            _, told, _ = answer(link)
            assert list(told) == HEADERS


@pytest.mark.parametrize("tls", [False, True])
def test_header_names_are_spelt_as_aws_does_whoever_writes_them(lab: Lab, tls: bool) -> None:
    """uvicorn answers the last request by itself, and adds `Connection` to any last answer."""
    cases = [
        ("GET /health HTTP/1.1", HEADERS),
        ("GET /?Action=GetCallerIdentity HTTP/1.1", [*HEADERS, "x-amzn-ErrorType"]),
        ("nothing that is HTTP", ["Content-Type", "Content-Length"]),
    ]
    with running(lab, self_signed=tls) as endpoint:
        for request, names in cases:
            link = connected(endpoint)
            if tls:
                context = ssl.create_default_context(cafile=str(endpoint.authority))
                link = context.wrap_socket(link, server_hostname="127.0.0.1")
            with link:
                link.sendall(f"{request}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                assert list(answer(link)[1]) == [*names, "Connection"]
