"""The service benchmark: its load is what it says, and what it counts is there."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.bench import commands, service
from kmslab.bench.load import ASKED, DATA_KEY, NEW_KEY, Served, exchange, made_key
from kmslab.bench.programs import Absent
from kmslab.bench.running import run
from kmslab.crypto.secret import SecretBytes
from kmslab.endpoint.server import running
from kmslab.kms.backing.access_keys import AccessKeyPair

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells others' CPU time")
NOBODY = AccessKeyPair("AKIANOBODY", SecretBytes(b"secret"))


@pytest.mark.parametrize("operation", ASKED)
def test_the_endpoint_answers_each_request_of_the_load_once(operation):
    with Lab() as lab, running(lab) as endpoint:
        port = int(endpoint.url.rpartition(":")[2])
        key = made_key(port, endpoint.access_key)
        before = len(lab.trail)
        exchange(Served(port, endpoint.access_key, key, None), operation, 10, 4)
        names = [event["eventName"] for event in lab.trail]
    assert names[before:] == [operation] * 10


@contextmanager
def answering(*headers: tuple[str, str], status: int = 200) -> Iterator[tuple[Served, list[int]]]:
    """A server that knows nothing of KMS, and the client's port of each request."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(self.client_address[1])
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", "2")]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Served(server.server_address[1], NOBODY, "", None), asked
        finally:
            server.shutdown()
            thread.join()


def test_connections_are_kept_as_long_as_the_server_keeps_them():
    with answering() as (server, asked):
        exchange(server, NEW_KEY, 20, 4)
    assert (len(asked), len(set(asked))) == (20, 4)
    with answering(("Connection", "close")) as (server, asked):
        exchange(server, NEW_KEY, 20, 4)
    assert (len(asked), len(set(asked))) == (20, 20)


def test_an_answer_that_is_an_error_ends_the_measurement():
    with answering(status=400) as (server, _), pytest.raises(RuntimeError, match="answered HTTP"):
        exchange(server, NEW_KEY, 4, 1)


@pytest.mark.parametrize("store", ["memory", "file"])
@pytest.mark.parametrize(("operation", "number"), [(DATA_KEY, 0), (NEW_KEY, 9)])
def test_statements_of_a_call_are_counted(tmp_path, store, operation, number):
    """As tests/kms/store/test_line.py counts those of CreateKey, by SQLite's own trace."""
    with Lab(f"sqlite:///{tmp_path / 'my.db'}" if store == "file" else None) as lab:
        assert service.statements(service.calling(lab, operation)) == number


BUSY = "import time\nwhile time.process_time() < .1: pass\nprint(flush=True)\ninput()"


@linux
def test_a_commands_cpu_time_is_that_of_all_its_processes():
    child = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout
    child.stdout.readline()
    own = time.process_time()
    both = commands.cpu_of(os.getpid())
    alone = commands.cpu_of(child.pid)
    child.communicate(b"\n")
    assert alone >= 0.1
    assert both >= own + 0.1


@pytest.mark.skipif(os.name == "nt", reason="it writes a shell script")
@pytest.mark.parametrize("there", [False, True])
def test_a_moto_that_does_not_run_is_named_with_what_to_install(tmp_path, monkeypatch, there):
    if there:  # as it is without what its server needs
        program = Path(tmp_path, "moto_server")
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Absent, match="pip install"), commands.moto():
        pass


@linux
def test_a_command_that_does_not_start_is_an_error(tmp_path):
    started = commands.with_workers(1, f"sqlite:///{tmp_path}/no/such/folder/my.db")
    with pytest.raises(RuntimeError, match="ended with"), started:
        pass


@linux
@pytest.mark.long
def test_each_program_but_the_simplest_is_compared_with_a_simpler_one():
    result = run(service.BENCHMARK, replace(service.BENCHMARK.quick, rounds=2, batch_seconds=0))
    against = {series.name: series.against for series in result.series if series.against}
    alone = [series.name for series in result.series if not series.against]
    assert alone == [
        "bare cryptography GenerateDataKey in process call",
        "bare cryptography CreateKey in process call",
        "thin server GenerateDataKey over HTTP server's CPU",
        "constant server GenerateDataKey over HTTP 8 connections",
        "thin server CreateKey over HTTP server's CPU",
        "constant server CreateKey over HTTP 8 connections",
        "1 worker GenerateDataKey, kmslab serve --workers 8 connections a worker",
        "1 worker GenerateDataKey, kmslab serve --workers server's CPU",
    ]
    for operation in service.BARE:
        for by in (service.IN_MEMORY, service.IN_FILE):
            own = f"{by} {operation} over HTTP"
            assert against[f"{own} {service.CPU}"].startswith(service.THIN)
            assert against[f"{own} {service.TOGETHER}"].startswith(service.CONSTANT)
    if commands.MOTO not in result.absent:
        assert "moto" in [software.name for software in result.software]
