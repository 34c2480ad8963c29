"""What `GenerateDataKey` and `CreateKey` cost, in this process and over HTTP.

In this process a call is compared with its bare cryptography, and it is counted how many statements
SQLite gets. Over HTTP the endpoint is compared with simpler servers on the same uvicorn
(`servers.py`) and with moto's: by the CPU time that the server uses for a request, one after the
other, and by the time of a request when several connections wait at once. `kmslab serve` with as
many workers as there are cores is compared with one worker.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from kmslab.bench import commands
from kmslab.bench.load import ASKED, DATA_KEY, NEW_KEY, Served, exchange
from kmslab.bench.machine import Software
from kmslab.bench.programs import Absent, Benchmark, Effort, Facts, Plan, Program
from kmslab.bench.servers import (
    bare_cryptography,
    bare_new_key,
    constant,
    endpoint,
    served,
    thin,
)
from kmslab.lab.lab import Lab

CONNECTIONS = 8  # for each worker
CALLS, FEW = 400, 40  # requests a sample: the server's CPU clock needs many
REPEATED = 3
FEWEST = 3 * CONNECTIONS  # for moto's server, which is slow
MOST_WORKERS = 64  # of `kmslab serve`
BARE: Mapping[str, Callable[[], object]] = {DATA_KEY: bare_cryptography, NEW_KEY: bare_new_key}
METHODS: Mapping[str, Callable[[Lab], Callable[..., object]]] = {
    DATA_KEY: lambda lab: lab.kms.generate_data_key,
    NEW_KEY: lambda lab: lab.kms.create_key,
}
IN_MEMORY, IN_FILE = "endpoint in memory", "endpoint in a file"
THIN, CONSTANT = "thin server", "constant server"
CPU, GENERATOR = "server's CPU", "load generator's CPU"  # clocks, and so columns
TOGETHER, EACH = f"{CONNECTIONS} connections", f"{CONNECTIONS} connections a worker"
WORKERS = f"{DATA_KEY}, kmslab serve --workers"
NO_CPU = "Only Linux tells the CPU time of other programs."
WHY = (
    "The load generator takes its CPU time from the same cores, so N workers on N cores do not "
    "have N times the speed of one. If a request costs the server no more CPU time with N workers "
    "than with one, they do not slow each other down, and more cores serve more in proportion."
)


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    calls = FEW if effort.quick else CALLS
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    programs, facts = _in_process(folder, stack)
    moto, software, absent = _moto(stack)
    servers = {
        IN_MEMORY: stack.enter_context(served(endpoint)),
        IN_FILE: stack.enter_context(served(endpoint, f"sqlite:///{folder / 'endpoint.db'}")),
        THIN: stack.enter_context(served(thin)),
        CONSTANT: stack.enter_context(served(constant)),
    }
    for operation in BARE:
        programs += _over_http(operation, calls, servers, moto)
    if commands.CAN_TELL:
        programs += _by_workers(calls, folder, stack)
        facts[WORKERS] = {"why": WHY}
    else:
        absent[WORKERS] = NO_CPU
    return Plan(programs, facts, absent, software)


# ------------------------------------------------------------------------------------- in process


def _in_process(folder: Path, stack: ExitStack) -> tuple[list[Program], dict[str, Facts]]:
    labs = {
        "a lab in memory": stack.enter_context(Lab()),
        "a lab in a file": stack.enter_context(Lab(store=f"sqlite:///{folder / 'lab.db'}")),
    }
    programs: list[Program] = []
    facts: dict[str, Facts] = {}
    for operation, bare in BARE.items():
        subject = f"{operation} in process"
        programs.append(least := Program("bare cryptography", subject, "call", bare))
        counted = []
        for by, lab in labs.items():
            call = calling(lab, operation)
            programs.append(Program(by, subject, "call", call, least))
            counted.append(statements(call))
        facts[subject] = {"SQL statements": max(counted)}
    return programs, facts


def calling(lab: Lab, operation: str) -> Callable[[], object]:
    return partial(METHODS[operation](lab), **ASKED[operation](lab.create_cmk("bench").arn))


def statements(call: Callable[[], object]) -> int:
    """How many statements SQLite gets from a call, with its commit, when its records are known.

    The least of some calls: every half second, one asks what other processes have changed.
    """
    call()
    return min(_statements(call) for _ in range(REPEATED))


def _statements(call: Callable[[], object]) -> int:
    number = 0

    def count(frame: Any, event: str, function: Any) -> None:
        nonlocal number
        if event == "c_call" and function.__name__ in ("execute", "executemany", "commit"):
            number += type(function.__self__).__module__ == "sqlite3"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(before)
    return number


# -------------------------------------------------------------------------------------- over HTTP


def _moto(stack: ExitStack) -> tuple[Served | None, list[Software], dict[str, str]]:
    try:
        server, software = stack.enter_context(commands.moto())
    except Absent as absent:
        return None, [], {commands.MOTO: str(absent)}
    return server, [software], {}


def _over_http(
    operation: str, calls: int, servers: Mapping[str, Served], moto: Served | None
) -> Iterator[Program]:
    def measured(by: str, how: str, least: Program | None = None) -> Program:
        return _measured(servers[by], by, operation, how, calls, least)

    thin_cpu, constant_together = measured(THIN, CPU), measured(CONSTANT, TOGETHER)
    endpoint_cpu = measured(IN_MEMORY, CPU, thin_cpu)
    endpoint_together = measured(IN_MEMORY, TOGETHER, constant_together)
    yield from (endpoint_cpu, endpoint_together)
    yield from (measured(IN_FILE, CPU, thin_cpu), measured(IN_FILE, TOGETHER, constant_together))
    yield from (thin_cpu, measured(THIN, TOGETHER, constant_together))
    yield from (measured(CONSTANT, CPU, thin_cpu), constant_together)
    if moto:
        for ours in (endpoint_cpu, endpoint_together):
            if ours.operation == TOGETHER or moto.cpu:
                how = ours.operation
                slower = _measured(moto, commands.MOTO, operation, how, FEWEST, ours)
                # Moto makes an RSA key for each KMS key, whatever its spec, and that is a search.
                yield replace(slower, share=False, steady=False)


def _measured(
    server: Served, by: str, operation: str, how: str, calls: int, least: Program | None
) -> Program:
    connections, clock = (1, server.cpu) if how == CPU else (CONNECTIONS, time.perf_counter)
    assert clock
    call = partial(exchange, server, operation, calls, connections)
    make = partial(Program, by, f"{operation} over HTTP", how, call, least)
    return make(share=bool(least), calls=calls, clock=clock)


# ---------------------------------------------------------------------------------------- workers


def _by_workers(calls: int, folder: Path, stack: ExitStack) -> Iterator[Program]:
    """The generator's CPU time is compared with the server's, since it takes of the same cores."""
    cores = min(os.cpu_count() or 1, MOST_WORKERS)
    first: dict[str, Program] = {}
    for workers in dict.fromkeys((1, cores)):
        store = f"sqlite:///{folder / f'{workers}.db'}"
        server = stack.enter_context(commands.with_workers(workers, store))
        assert server.cpu
        call = partial(exchange, server, DATA_KEY, calls, CONNECTIONS * workers)
        make = partial(Program, f"{workers} worker{'s' * (workers > 1)}", WORKERS, calls=calls)
        together = make(EACH, call, first.get(EACH), share=bool(first))
        cpu = make(CPU, call, first.get(CPU), clock=server.cpu)
        yield from (together, cpu, make(GENERATOR, call, cpu, clock=time.process_time))
        first = first or {EACH: together, CPU: cpu}


BENCHMARK = Benchmark(
    "service",
    prepare,
    full=Effort(rounds=30, batch_seconds=0.05),
    quick=Effort(rounds=5, batch_seconds=0.002, quick=True),
)
