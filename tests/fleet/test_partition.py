"""Two hosts and a database, all over TLS, and a network that falls silent between two of them."""

import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kmslab.endpoint.tls import SelfSigned, made
from tests.fleet.hosts import Host, missing
from tests.kills.client import ID, SECRET
from tests.postgresql import PostgreSql
from tests.waiting import until

pytestmark = pytest.mark.long
SOON = 1.0  # seconds for which what is known may be relied on


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    if why := missing():
        pytest.skip(why)
    made: list[Host] = []
    try:
        made += [Host(1)]
        made += [Host(2)]
        yield made
    finally:
        for host in made:
            host.remove()


@pytest.fixture
def database(hosts: list[Host], tmp_path: Path) -> Iterator[PostgreSql]:
    """It takes the hosts' connections over TLS only, and they check its certificate."""
    server = PostgreSql()
    try:
        own = server.folder / "data"
        names = tuple(host.gateway for host in hosts)
        with made(SelfSigned(names, tmp_path / "database.pem"), "127.0.0.1") as files:
            shutil.copy(files.certificate, own / "server.crt")
            shutil.copy(files.private_key, own / "server.key")
        for name in ("server.crt", "server.key"):
            os.chown(own / name, own.stat().st_uid, own.stat().st_gid)
            os.chmod(own / name, 0o600)
        with (own / "pg_hba.conf").open("a") as rules:
            rules.write("hostssl all all 10.204.0.0/16 scram-sha-256\n")
        files_of = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        yield server.start(listen_addresses="*", ssl="on", **files_of)
    finally:
        server.remove()


def serve(host: Host, folder: Path, url: str) -> None:
    """With its own copy of the root key, and a certificate that the clients trust."""
    url = url.replace("127.0.0.1", host.gateway)
    url += f"?sslmode=verify-full&sslrootcert={folder / 'database.pem.crt'}"
    root_key = folder / f"{host.name}.key"
    for known in list(folder.glob("*.key"))[:1]:
        shutil.copy(known, root_key)
    host.serve(
        folder / f"{host.name}.log",
        *("--store", url, "--root-key", str(root_key), "--access-key", f"{ID}:{SECRET}"),
        *("--tls", "self-signed", "--tls-authority", str(folder / "clients.pem")),
    )


def client(host: Host, folder: Path) -> Any:
    return boto3.session.Session().client(
        "kms",
        "us-east-1",
        endpoint_url=host.url,
        verify=str(folder / "clients.pem.crt"),
        aws_access_key_id=ID,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def refused(kms: Any, key: str) -> str:
    """The error's code; "" if the key encrypts."""
    try:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    except kms.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def readiness(host: Host, folder: Path) -> int:
    trusted = ssl.create_default_context(cafile=str(folder / "clients.pem.crt"))
    direct = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trusted), urllib.request.ProxyHandler({})
    )
    try:
        with direct.open(f"{host.url}/ready") as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_server_without_its_database_answers_nothing_from_its_cache(
    hosts: list[Host], database: PostgreSql, tmp_path: Path
) -> None:
    url = database.new()
    for host in hosts:
        serve(host, tmp_path, url)
    alone, other = hosts
    with closing(client(alone, tmp_path)) as a, closing(client(other, tmp_path)) as b:
        off, kept = (a.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
        assert [refused(a, key) for key in (off, kept)] == ["", ""]
        assert readiness(alone, tmp_path) == 200
        alone.cut()
        b.disable_key(KeyId=off)
        time.sleep(SOON)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda key: refused(a, key), [off, kept] * 4))
        assert answers == ["KMSInternalException"] * 8
        assert readiness(alone, tmp_path) == 503
        assert (refused(b, off), refused(b, kept)) == ("DisabledException", "")
        alone.mend()
        until(lambda: readiness(alone, tmp_path) == 200)
        assert (refused(a, off), refused(a, kept)) == ("DisabledException", "")
