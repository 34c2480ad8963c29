"""Exercises 13-client and 13-patient: find the KMS, and wait for it when it refuses haste."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from statistics import mean
from typing import Any
from unittest.mock import patch

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.endpoint import NO_AWS_SETTINGS
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.recording import recorded
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.testing import aws_environment

# --------------------------------------------------------------------------------- the client

ADDRESSES = ("http://127.0.0.1:8123", "http://127.0.0.1:9000", "https://kms.lab.example")
REGIONS = ("ap-northeast-2", "eu-west-1")
AWS_ADDRESS = "https://kms.{}.amazonaws.com"
NOT_A_CLIENT = "`{}` should give back boto3's client for KMS, and gave back `{}`."
OTHER_SERVICE = "`{}` gave back boto3's client for `{}`, and not for `kms`."
ADDRESS_IGNORED = (
    "`{}` was given the address {}, and its client asks {}. Each call, and each plaintext in it, "
    "would go there."
)
NOT_AWS = "`{}` was given no address (`None`), so it is AWS that is meant, {}; its client asks {}."
OTHER_REGION = "`{}` was given the Region {}, and its client is for {}."
SETTINGS_CHANGED = (
    "`{}` changed the setting {} of the whole process, and with it every other client of AWS that "
    "is made here asks there, too. The address is an argument of the one client."
)
CALLED_OTHERWISE = "The client called DescribeKey, and the lab at that address noticed nothing."


def check_client(clinic: Clinic, kms_client: Function) -> str:
    from kmslab.endpoint.server import running

    lab = clinic.lab
    every_key.enable(lab)
    key = fresh.key(lab)
    settings = NO_AWS_SETTINGS | lab.access_key().environment
    with running(lab) as served, aws_environment(settings), _no_address():
        require_bodies([kms_client], served.url, REGIONS[0])
        for region in REGIONS:
            for address in (*ADDRESSES, None):
                _check_asks(kms_client, address, region)
        client = _check_asks(kms_client, served.url, REGIONS[0])
        with recorded(lab) as calls:
            client.describe_key(KeyId=key.arn)
    if calls.operations != ["DescribeKey"]:
        raise Wrong(CALLED_OTHERWISE)
    return (
        "One function, and one argument decides whether it is the lab or AWS that is asked. All "
        "that comes after it is the same."
    )


@contextmanager
def _no_address() -> Iterator[None]:
    """Without the variables that name an endpoint: the argument has to do it."""
    names = [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]
    with patch.dict(os.environ):
        for name in names:
            del os.environ[name]
        yield


def _check_asks(function: Function, address: str | None, region: str) -> Any:
    name = function.__name__
    before = dict(os.environ)
    client = result_of(function, address, region)
    if changed := [each for each, _ in set(os.environ.items()) ^ set(before.items())]:
        raise Wrong(SETTINGS_CHANGED.format(name, f"`{min(changed)}`"))
    about = getattr(client, "meta", None)
    if about is None or not hasattr(about, "endpoint_url"):
        raise Wrong(NOT_A_CLIENT.format(name, type(client).__name__))
    if (service := about.service_model.service_name) != "kms":
        raise Wrong(OTHER_SERVICE.format(name, service))
    asks = about.endpoint_url
    if address is None and asks != AWS_ADDRESS.format(about.region_name):
        raise Wrong(NOT_AWS.format(name, AWS_ADDRESS.format(region), asks))
    if address is not None and asks != address:
        raise Wrong(ADDRESS_IGNORED.format(name, address, asks))
    if about.region_name != region:
        raise Wrong(OTHER_REGION.format(name, region, about.region_name))
    return client


# -------------------------------------------------------------------------------- patience

RUNS, TOO_MANY = 60, 100
FEW, MANY, LONG = 3, 20, 120  # attempts, attempts, seconds in all
GROWS = 1.3  # from one pause to the next, at least, on average
SLOW = "ThrottlingException"
OTHERS = ("AccessDeniedException", "DisabledException", "InvalidCiphertextException")

WAITED_FOR_NOTHING = "The first call was answered, and `{}` waited all the same."
CALLED_AGAIN = "The call was answered, and `{}` made it {} times."
OTHER_ANSWER = "`{}` did not give back what the call answered: {} instead of {}."
TIMES = {1: "once", 2: "twice"}
GAVE_UP = "The call was throttled {} and would have been answered then. `{}` gave up before: {}."
NO_PAUSE = "`{}` made {} calls and did not wait in between. That is the haste which was refused."
BAD_PAUSE = "`{}` called `wait` with {}. It takes seconds, more than none."
SLEPT = (
    "`{}` called `time.sleep` itself, and not `wait`. Who calls your function decides how to wait."
)
SAME_PAUSES = (
    "`{}` waits {:.2g} s before each new attempt. If the KMS is busy for longer, that is as much "
    "haste as before: let each pause be longer than the last."
)
NO_CHANCE = (
    "A hundred programs were refused at the same moment, and with `{}` all of them come back at "
    "the same moment, after {:.3g} s. Put some chance into the pause."
)
FOR_EVER = (
    "Every call was throttled, and after {} calls `{}` had still not given up. Twenty are enough."
)
LATE = "Every call was throttled, and `{}` made {} calls before it gave up. Twenty are enough."
TOO_SOON = "Every call was throttled, and `{}` gave up after {} calls. Try at least three times."
TOO_LONG = (
    "Every call was throttled, and `{}` waited {:,.0f} seconds in all. A doctor is waiting, too: "
    "stay below {}, with fewer attempts or shorter pauses."
)
SILENT = "Every call was throttled, and `{}` gave back `{!r}` in the end. Let the error come out."
OTHER_ERROR = "Every call was throttled, and `{}` raised `{}`, from which nobody sees why."
LAST_PAUSE = "`{}` waits once more after its last attempt, and then gives up all the same."
NOT_THROTTLED = (
    "The call was refused with {}, and `{}` made it {} times. That refusal does not pass by itself."
)
OTHER_THAN_NOT_THROTTLED = (
    "The call was refused with {}, and `{}` raised `{}` instead: {}. Whoever called it has to see "
    "which refusal it was. Not each error has a `response`."
)
SWALLOWED = "The call was refused with {}, and `{}` gave back `{!r}` without an error."


class Calls:
    """A call that is refused some times, and a `wait` that only counts."""

    def __init__(self, errors: Sequence[Exception], answer: Any = b"") -> None:
        self.errors, self.answer = errors, answer
        self.made = 0
        self.pauses: list[Any] = []

    def call(self) -> Any:
        self.made += 1
        if self.made <= len(self.errors) and self.made <= TOO_MANY:
            raise self.errors[self.made - 1]
        return self.answer

    def wait(self, seconds: Any) -> None:
        self.pauses.append(seconds)


def check_patient(clinic: Clinic, patient: Function) -> str:
    require_bodies([patient], lambda: b"", lambda seconds: None)
    with _own_sleeps() as slept:
        _check_answered(patient)
        for boto3s in (False, True):
            _check_throttled(patient, boto3s, slept)
            _check_gives_up(patient, boto3s)
            for code in OTHERS:
                _check_not_throttled(patient, _error(code, boto3s), f"`{code}`")
        _check_not_throttled(patient, ValueError("not from the KMS"), "a `ValueError`")
        _check_pauses(patient)
    return (
        "It waits when the KMS says so, each time longer and not in step with others; it gives "
        "up in the end, and what waiting can't mend comes out at once."
    )


@contextmanager
def _own_sleeps() -> Iterator[list[float]]:
    """What this thread sleeps, in seconds. A kernel has threads of its own, which sleep on."""
    slept: list[float] = []
    own, sleep = threading.get_ident(), time.sleep

    def pause(seconds: float) -> None:
        if threading.get_ident() == own:
            slept.append(seconds)
        else:
            sleep(seconds)

    with patch.object(time, "sleep", pause):
        yield slept


def _error(code: str, boto3s: bool) -> Exception:
    """As `lab.kms` raises it, or as boto3 does."""
    error: KMSError = EXCEPTIONS[code]("Reduce the frequency of your calls.")
    if not boto3s:
        return error
    from botocore.exceptions import ClientError

    return ClientError(error.response, "Decrypt")  # type: ignore[no-any-return]


def _run(function: Function, calls: Calls) -> Any:
    return result_of(function, calls.call, calls.wait)


def _check_answered(function: Function) -> None:
    name, calls = function.__name__, Calls([], fresh.record())
    found = _run(function, calls)
    if found != calls.answer:
        raise Wrong(OTHER_ANSWER.format(name, f"`{found!r}`", f"`{calls.answer!r}`"))
    if calls.made > 1:
        raise Wrong(CALLED_AGAIN.format(name, calls.made))
    if calls.pauses:
        raise Wrong(WAITED_FOR_NOTHING.format(name))


def _check_throttled(function: Function, boto3s: bool, slept: list[float]) -> None:
    name = function.__name__
    for times in TIMES:
        calls = Calls([_error(SLOW, boto3s)] * times, fresh.record())
        try:
            found = function(calls.call, calls.wait)
        except Exception as error:
            raise Wrong(GAVE_UP.format(TIMES[times], name, f"`{type(error).__name__}`")) from error
        if found is None:
            raise Wrong(f"`{name}` gives nothing back. Did you forget `return`?")
        if found != calls.answer:
            raise Wrong(OTHER_ANSWER.format(name, f"`{found!r}`", f"`{calls.answer!r}`"))
        if slept:
            raise Wrong(SLEPT.format(name))
        _check_waited(name, calls, times)


def _check_waited(name: str, calls: Calls, times: int) -> None:
    if calls.made > times + 1:
        raise Wrong(CALLED_AGAIN.format(name, calls.made))
    if len(calls.pauses) < times:
        raise Wrong(NO_PAUSE.format(name, calls.made))
    for pause in calls.pauses:
        if not isinstance(pause, int | float) or not pause > 0:
            raise Wrong(BAD_PAUSE.format(name, f"`{pause!r}`"))


def _check_gives_up(function: Function, boto3s: bool) -> None:
    name, calls = function.__name__, Calls([_error(SLOW, boto3s)] * TOO_MANY)
    raised: Exception | None = None
    found: Any = None
    try:
        found = function(calls.call, calls.wait)
    except Exception as error:
        raised = error
    _check_ends(name, calls.made)
    if raised is None:
        raise Wrong(SILENT.format(name, found))
    if raised is not calls.errors[0] and not _same_response(raised, calls.errors[0]):
        raise Wrong(OTHER_ERROR.format(name, type(raised).__name__))
    if calls.made < FEW:
        raise Wrong(TOO_SOON.format(name, calls.made))
    if sum(calls.pauses) > LONG:
        raise Wrong(TOO_LONG.format(name, sum(calls.pauses), LONG))
    if len(calls.pauses) >= calls.made:
        raise Wrong(LAST_PAUSE.format(name))


def _check_ends(name: str, made: int) -> None:
    if made > TOO_MANY:
        raise Wrong(FOR_EVER.format(TOO_MANY, name))
    if made > MANY:
        raise Wrong(LATE.format(name, made))


def _same_response(one: Exception, two: Exception) -> bool:
    return getattr(one, "response", one) == getattr(two, "response", two)


def _check_not_throttled(function: Function, error: Exception, called: str) -> None:
    name, calls = function.__name__, Calls([error] * TOO_MANY)
    try:
        found = function(calls.call, calls.wait)
    except Exception as raised:
        if calls.made > 1:
            raise Wrong(NOT_THROTTLED.format(called, name, calls.made)) from error
        if raised is not error and not _same_response(raised, error):
            kind = type(raised).__name__
            raise Wrong(OTHER_THAN_NOT_THROTTLED.format(called, name, kind, raised)) from raised
        return
    if calls.made > 1:
        raise Wrong(NOT_THROTTLED.format(called, name, calls.made))
    raise Wrong(SWALLOWED.format(called, name, found))


def _check_pauses(function: Function) -> None:
    """Many runs: the pauses grow on average, and are not the same each time."""
    runs = [_pauses(function) for _ in range(RUNS)]
    name, firsts = function.__name__, {run[0] for run in runs}
    fewest = min(map(len, runs))
    means = [mean(run[number] for run in runs) for number in range(fewest)]
    if means[-1] < GROWS * means[0]:
        raise Wrong(SAME_PAUSES.format(name, means[0]))
    if len(firsts) < RUNS / 4:
        raise Wrong(NO_CHANCE.format(name, runs[0][0]))


def _pauses(function: Callable[..., Any]) -> list[float]:
    calls = Calls([_error(SLOW, False)] * TOO_MANY)
    with suppress(Exception):
        function(calls.call, calls.wait)
    return calls.pauses
