"""What wrapping a data key costs, by each method of `methods.py`, in two libraries.

Lesson 08 shows nine of the methods: `run` measures those, and `read` shows them of a recorded run.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kmslab.bench import openssl, with_cryptography, with_pycryptodome
from kmslab.bench.machine import Machine, Software
from kmslab.bench.methods import (
    DATA_KEY,
    KMS_IN_PROCESS,
    KMS_OVER_HTTP,
    METHODS,
    NINE,
    REFERENCE,
    Library,
    Method,
    Wrapper,
)
from kmslab.bench.programs import Benchmark, Call, Effort, Plan, Program, beside
from kmslab.bench.progress import Progress, silent
from kmslab.bench.result import Result, Series
from kmslab.bench.result import read as read_result
from kmslab.bench.running import run as measure
from kmslab.bench.tables import tables
from kmslab.crypto import pyca, pycryptodome
from kmslab.display import Table
from kmslab.lab import REGION
from kmslab.lab.boto import client_at
from kmslab.lab.lab import Lab

if TYPE_CHECKING:  # imported at run time only for a picture
    from kmslab.figures import OperationTimes, Picture, TimingRow

LIBRARIES: tuple[Library, ...] = (with_cryptography, with_pycryptodome)
WRAP, UNWRAP = "wrap", "unwrap"
SEEDS = ("AES_256", "X_WING")  # keys that are 32 random bytes
OUTSIDE = {
    **dict.fromkeys(("rsa2048", "rsa3072", "rsa4096"), openssl.RSA),
    **dict.fromkeys(("ecdhp256", "ecdhp384", "ecdhx25519"), openssl.AGREEMENT),
    **dict.fromkeys(("ML-KEM-512", "ML-KEM-768", "ML-KEM-1024"), openssl.KEM),
}
BASELINE = ("Python", "no-op", "call")


def prepare(
    effort: Effort, stack: ExitStack, methods: Sequence[Method] = METHODS, kms: bool = True
) -> Plan:
    keys = {spec: new_key(spec) for spec in dict.fromkeys(each.key for each in methods)}
    loaded = [
        (library.NAME, method, library.LOAD[method.name](keys[method.key]))
        for method in methods
        for library in LIBRARIES
        if method.name in library.LOAD
    ]
    absent = dict(_lacking(methods))
    if kms:
        loaded += [("kmslab", *each) for each in round_trips(stack, absent)]
    data_key = secrets.token_bytes(DATA_KEY)
    rows = [(by, method.name, _calls(wrapper, data_key)) for by, method, wrapper in loaded]
    baseline = Program(*BASELINE, partial(_do_nothing, data_key))
    facts = {
        method.name: method.facts(len(wrapper.wrap(data_key))) for _, method, wrapper in loaded
    }
    outside, unmeasured = openssl.speed(OUTSIDE, effort.quick) if kms else ([], {})
    absent |= unmeasured
    programs = [baseline, *beside(REFERENCE, rows)]
    return Plan(programs, facts, absent, [with_pycryptodome.software()], outside)


def _lacking(methods: Sequence[Method]) -> Iterator[tuple[str, str]]:
    for library in LIBRARIES:
        for method in methods:
            if method.name not in library.LOAD:
                yield f"{library.NAME} {method.name}", library.LACKS[method.name]


def _calls(wrapper: Wrapper, data_key: bytes) -> dict[str, Call]:
    return {
        WRAP: partial(wrapper.wrap, data_key),
        UNWRAP: partial(wrapper.unwrap, wrapper.wrap(data_key)),
    }


def new_key(spec: str) -> bytes:
    """In the form that both libraries read."""
    if spec in SEEDS:
        return secrets.token_bytes(32)
    if spec == "X25519":
        raw = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return X25519PrivateKey.generate().private_bytes(*raw)
    library = pyca if spec in pyca.KEY_SPECS else pycryptodome
    return library.generate_key(spec)


def round_trips(stack: ExitStack, absent: dict[str, str]) -> Iterator[tuple[Method, Wrapper]]:
    """A KMS that holds the wrapping key: in this process, and in another one behind HTTP."""
    lab = stack.enter_context(Lab())
    yield KMS_IN_PROCESS, _kms(lab.kms, lab.create_cmk("bench").arn)
    try:
        yield KMS_OVER_HTTP, _behind_http(stack)
    except ModuleNotFoundError as error:
        absent[KMS_OVER_HTTP.name] = f"{error}."


def _behind_http(stack: ExitStack) -> Wrapper:
    """Raises ModuleNotFoundError, with what to install, without uvicorn or boto3."""
    from kmslab.bench.servers import endpoint, served

    server = stack.enter_context(served(endpoint))
    secret = server.access_key.secret.decode()
    client = client_at(f"http://127.0.0.1:{server.port}", REGION, server.access_key.id, secret)
    return _kms(client, server.key)


def _kms(client: Any, key: str) -> Wrapper:
    return Wrapper(
        lambda data_key: client.encrypt(KeyId=key, Plaintext=data_key)["CiphertextBlob"],
        lambda wrapped: client.decrypt(KeyId=key, CiphertextBlob=wrapped)["Plaintext"],
    )


def _do_nothing(data_key: bytes) -> bytes:
    return data_key


BENCHMARK = Benchmark(
    "wrapping",
    prepare,
    full=Effort(rounds=100, batch_seconds=0.005),
    quick=Effort(rounds=15, batch_seconds=0.001, quick=True),
)


# --------------------------------------------------------------------------------------- lesson 08


class NineWays:
    """A run as lesson 08 shows it: `table()`, `plot()` and `plot_sizes()`."""

    def __init__(self, result: Result) -> None:
        names = {method.name for method in NINE}
        self.result = result.only(lambda series: series.subject in names)
        self.baseline = result.of(*BASELINE)
        self.sizes: Mapping[str, int] = {
            method.name: int(result.facts[method.name]["bytes"]) for method in NINE
        }

    @property
    def machine(self) -> Machine:
        return self.result.machine

    @property
    def libraries(self) -> list[Software]:
        names = {library.NAME for library in LIBRARIES}
        return [each for each in self.result.software if each.name in names]

    @property
    def warning(self) -> str:
        """The sentence that the machine was too noisy to trust small differences; else ""."""
        return self.result.warning

    def of(self, library: str, method: str, operation: str) -> Series:
        """The series of one operation; KeyError if it was not measured."""
        return self.result.of(library, method, operation)

    def median(self, library: str, method: str, operation: str) -> float:
        """In microseconds a call."""
        return self.result.median(library, method, operation)

    def table(self, library: str) -> Table:
        """Each method's median, its 95 % interval, and the multiple of AES-KW's."""
        [table] = tables(self.result.only(lambda series: series.by == library), brief=True)
        return table

    def plot(self, library: str = "cryptography") -> "Picture":
        """Every sample of wrap and unwrap."""
        from kmslab import figures

        baseline = figures.TimingRow("no-op", (_times(self.baseline),))
        return figures.times(library, [baseline, *self._rows(library)])

    def plot_sizes(self, library: str = "cryptography") -> "Picture":
        """The size of a wrapped data key beside the median times."""
        from kmslab import figures

        return figures.sizes_and_times(library, self._rows(library))

    def _rows(self, library: str) -> list["TimingRow"]:
        from kmslab import figures

        return [
            figures.TimingRow(
                method,
                tuple(_times(self.of(library, method, each)) for each in (WRAP, UNWRAP)),
                size,
            )
            for method, size in self.sizes.items()
        ]


def _times(series: Series) -> "OperationTimes":
    from kmslab import figures

    return figures.OperationTimes(series.operation, series.samples)


def run(quick: bool = False, progress: Progress = silent) -> NineWays:
    """Measure the nine ways on this computer: some minutes, or with `quick` some seconds.

    Times are microseconds a call. `result.warning` says whether the machine was too busy for it.
    """
    nine = replace(BENCHMARK, prepare=partial(prepare, methods=NINE, kms=False))
    return NineWays(measure(nine, BENCHMARK.quick if quick else BENCHMARK.full, progress))


def read(text: str | bytes) -> NineWays:
    """A recorded run. Raises ValueError if the text is not one."""
    return NineWays(read_result(text, "wrapping"))
