"""The ways to a proxy and to its keys: TLS, our own endpoint, and a process that is killed."""

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from key_manager import KeyManager
from xks_proxy import PATH, Proxy, running

from kmslab import CMK, Clock, Lab
from kmslab.crypto.certificate import self_signed
from kmslab.endpoint import server
from kmslab.kms.backing import proxy as protocol
from kmslab.kms.contract.errors import KMSError
from tests.endpoint.test_application import client as client_of
from tests.kms.key_stores.proxies import Unreliable
from tests.waiting import until

PLAINTEXT = b"card 4242"
CALLS = 12  # at once: more than the endpoint has threads for operations that commit

# ------------------------------------------------------------------------------------------- TLS


@pytest.fixture
def secured(
    tmp_path: Path, manager: KeyManager, credential: tuple[str, str]
) -> Iterator[tuple[str, Path]]:
    """A proxy for `localhost` that speaks TLS, and the authority to trust."""
    made = self_signed(["localhost"], datetime.now(UTC))
    authority, chain = tmp_path / "authority.pem", tmp_path / "proxy.pem"
    authority.write_bytes(made.authority)
    chain.write_bytes(made.certificate + made.private_key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    with running(Proxy(manager, dict([credential]), lambda _: None), tls=context) as found:
        yield f"https://localhost:{found.server_address[1]}{PATH}", authority


@pytest.fixture(autouse=True)
def trust_is_read_anew() -> Iterator[None]:
    yield
    protocol.tls.cache_clear()


def test_key_works_through_tls_that_the_machine_trusts(
    lab: Lab, secured: tuple[str, Path], credential: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = secured
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    protocol.tls.cache_clear()
    vault = lab.create_key_store("vault", url, credential)
    key = lab.create_cmk(key_store=vault, external_key="patients")
    assert lab.decrypt(key.encrypt(PLAINTEXT)) == PLAINTEXT


def test_tls_that_the_machine_does_not_trust_is_refused(
    lab: Lab, secured: tuple[str, Path], credential: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = secured
    with pytest.raises(lab.kms.exceptions.XksProxyInvalidConfigurationException, match="TLS"):
        lab.create_key_store("vault", url, credential)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    protocol.tls.cache_clear()
    other_name = url.replace("localhost", "127.0.0.1")
    with pytest.raises(lab.kms.exceptions.XksProxyInvalidConfigurationException, match="TLS"):
        lab.create_key_store("vault", other_name, credential)


def test_proxy_without_tls_is_not_spoken_to_as_if_it_had_it(
    lab: Lab, proxy: Unreliable, credential: Any
) -> None:
    with pytest.raises(KMSError) as caught:
        lab.create_key_store("vault", proxy.url.replace("http:", "https:"), credential)
    assert caught.value.code.startswith("XksProxy")
    assert proxy.asked == []


# ------------------------------------------------------------------------------ our own endpoint


def test_keys_in_a_store_work_over_http(lab: Lab, proxy: Unreliable, credential: Any) -> None:
    with server.running(lab) as endpoint:
        kms = client_of(endpoint)
        store = kms.create_custom_key_store(
            CustomKeyStoreName="vault",
            CustomKeyStoreType="EXTERNAL_KEY_STORE",
            XksProxyConnectivity="PUBLIC_ENDPOINT",
            XksProxyUriEndpoint=proxy.url.removesuffix(PATH),
            XksProxyUriPath=PATH,
            XksProxyAuthenticationCredential={
                "AccessKeyId": credential[0],
                "RawSecretAccessKey": credential[1],
            },
        )["CustomKeyStoreId"]
        kms.connect_custom_key_store(CustomKeyStoreId=store)
        lab.clock.advance(seconds=5)
        key = kms.create_key(
            Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId="patients"
        )["KeyMetadata"]["Arn"]
        blob = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


def test_slow_proxy_holds_up_no_call_that_does_not_need_it(
    lab: Lab, patients: CMK, proxy: Unreliable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy answers only after many other calls have been answered."""
    monkeypatch.setattr(protocol, "LIMIT", 60)
    go, honest = threading.Event(), proxy.send

    def late(*answer: Any) -> None:
        go.wait()
        honest(*answer)

    proxy.send = late
    ordinary = lab.create_cmk()
    with server.running(lab) as endpoint, ThreadPoolExecutor(16) as threads:
        try:
            kms = client_of(endpoint, config=Config(max_pool_connections=CALLS + 1))
            request = {"KeyId": patients.arn, "Plaintext": PLAINTEXT}
            slow = [threads.submit(kms.encrypt, **request) for _ in range(CALLS)]
            until(lambda: sum("plaintext" in asked for asked in proxy.asked) == CALLS)
            kms.encrypt(KeyId=ordinary.arn, Plaintext=PLAINTEXT)
            kms.create_key()
            kms.list_keys()
            assert not any(each.done() for each in slow)
        finally:
            go.set()
        assert all(each.result()["CiphertextBlob"] for each in slow)


# ----------------------------------------------------------------------------------- killed


KILLED = """
import os, sys
from kmslab import Lab
url, endpoint, name, secret = sys.argv[1:]
lab = Lab(store=url)
store = lab.kms.create_custom_key_store(
    CustomKeyStoreName="vault",
    CustomKeyStoreType="EXTERNAL_KEY_STORE",
    XksProxyConnectivity="PUBLIC_ENDPOINT",
    XksProxyUriEndpoint=endpoint,
    XksProxyUriPath="/kms/xks/v1",
    XksProxyAuthenticationCredential={"AccessKeyId": name, "RawSecretAccessKey": secret},
)
lab.kms.connect_custom_key_store(**store)
os._exit(9)  # as if it were killed: nothing is closed
"""


def test_process_that_is_killed_while_a_store_connects_loses_nothing(
    tmp_path: Path, proxy: Unreliable, credential: tuple[str, str]
) -> None:
    url, endpoint = f"sqlite:///{tmp_path}/my.db", proxy.url.removesuffix(PATH)
    command = [sys.executable, "-c", KILLED, url, endpoint, *credential]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    with Lab(store=url, clock=Clock.frozen(datetime.now(UTC) - timedelta(seconds=1))) as lab:
        entry = lab.kms.describe_custom_key_stores()["CustomKeyStores"][0]
        assert entry["ConnectionState"] == "CONNECTING"
        lab.clock.advance(minutes=1)
        vault = lab.create_key_store("vault", proxy.url, credential)
        assert vault.state == "CONNECTED"
        key = lab.create_cmk(key_store=vault, external_key="patients")
        assert lab.decrypt(key.encrypt(PLAINTEXT)) == PLAINTEXT
