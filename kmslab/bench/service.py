"""What a call of `GenerateDataKey` costs, in this process and over HTTP.

In this process it is compared with its bare cryptography. Over HTTP it is compared with two simpler
servers (`servers.py`): by the CPU time that the server's process uses for a request, one after the
other, and by the time of a request when several connections wait at once.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from kmslab.bench.programs import Benchmark, Effort, Plan, Program
from kmslab.bench.servers import (
    CONTEXT,
    Served,
    bare_cryptography,
    constant,
    endpoint,
    exchange,
    served,
    thin,
)
from kmslab.lab.lab import Lab

CONNECTIONS = 8
CALLS, FEW = 400, 40  # requests a sample: the server's CPU clock needs many
IN_PROCESS, ALONE, TOGETHER = "in process", "server's CPU", f"{CONNECTIONS} connections"


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    calls = FEW if effort.quick else CALLS
    servers = [stack.enter_context(served(make)) for make in (endpoint, thin, constant)]
    return Plan([*_in_process(stack), *_over_http(calls, *servers)])


def _in_process(stack: ExitStack) -> Iterator[Program]:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    memory = stack.enter_context(Lab())
    file = stack.enter_context(Lab(store=f"sqlite:///{Path(folder, 'bench.db')}"))
    yield (bare := Program("bare cryptography", IN_PROCESS, "call", bare_cryptography))
    for by, lab in (("a lab in memory", memory), ("a lab in a file", file)):
        yield Program(by, IN_PROCESS, "call", _generate_data_key(lab), bare)


def _generate_data_key(lab: Lab) -> Callable[[], object]:
    key, call = lab.create_cmk("bench").arn, lab.kms.generate_data_key
    return lambda: call(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)


def _over_http(calls: int, ours: Served, thin: Served, constant: Served) -> Iterator[Program]:
    def program(by: str, server: Served, limit: Program | None, connections: int) -> Program:
        alone = connections == 1
        return Program(
            by,
            ALONE if alone else TOGETHER,
            "call",
            partial(exchange, server, calls, connections),
            limit,
            share=bool(limit),
            calls=calls,
            clock=server.cpu if alone else time.perf_counter,
        )

    yield (least := program("thin server", thin, None, 1))
    yield program("endpoint", ours, least, 1)
    yield (least := program("constant server", constant, None, CONNECTIONS))
    yield program("endpoint", ours, least, CONNECTIONS)


BENCHMARK = Benchmark(
    "service",
    prepare,
    full=Effort(rounds=40, batch_seconds=0.05),
    quick=Effort(rounds=5, batch_seconds=0.002, quick=True),
)
