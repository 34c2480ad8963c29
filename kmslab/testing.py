"""For the tests of your own programs: boto3's KMS clients ask a lab, and never the network.

Rule: the program under test stays as it is. Only what it finds outside is changed, its settings and
its connection, and put back afterwards. `kmslab.pytest_plugin` has fixtures for pytest.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from typing import Any, TypeVar, overload
from unittest.mock import patch

from kmslab.kms.arn import known_arn
from kmslab.kms.contract.callers import Caller
from kmslab.lab import REGION, boto
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

# These could lead an SDK elsewhere: to another profile, endpoint or kind of credentials.
UNSET = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
SET = {
    "AWS_EC2_METADATA_DISABLED": "true",  # else an SDK without credentials asks the network
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
}
V = TypeVar("V", bound=View)
CREDENTIAL = re.compile(r"Credential=(\w+)/\d{8}/([\w-]+)/kms/aws4_request")


@overload
def patched_boto3(lab: None = None, *, region: str = REGION) -> AbstractContextManager[Lab]: ...
@overload
def patched_boto3(lab: V) -> AbstractContextManager[V]: ...
@overload
def patched_boto3(lab: View, *, region: str | None = None) -> AbstractContextManager[View]: ...
@contextmanager
def patched_boto3(lab: View | None = None, *, region: str | None = None) -> Iterator[Any]:
    """Within `with patched_boto3() as lab:`, all boto3 clients send their KMS calls to the lab.

    This includes clients that exist already, in every session and thread, and also where moto
    imitates AWS's other services. Clients of other services and asynchronous ones (aiobotocore) are
    not changed, nor is `lab.boto3()`. `lab`: a lab or a view of one, such as `lab.user("alice")`;
    without it, a new lab, which is closed at the end. `region`: where the lab's own words look, and
    the environment's Region; a client that names another Region calls there. A call signed with an
    access key of the lab comes from the key's owner; any other call comes from the lab's own
    caller. Signatures are not verified; an endpoint does that. The environment gets an access key,
    so that the machine needs no AWS settings. Raises ModuleNotFoundError without boto3.
    """
    endpoint = _endpoint_class()
    with ExitStack() as stack:
        view = stack.enter_context(Lab(region=region or REGION)) if lab is None else lab
        view = view.region(region) if region and region != view.caller.region else view
        get_response = endpoint._do_get_response

        def answer(self: Any, request: Any, operation: Any, context: Any) -> Any:
            answered = isinstance(self._event_emitter, _Answering)  # by a patch within this one
            if answered or self._endpoint_prefix != "kms" or boto.ends_in_a_lab(request):
                return get_response(self, request, operation, context)
            patched = copy(self)  # for this call: other threads send by the same endpoint
            patched._event_emitter = _Answering(self._event_emitter, view)
            return get_response(patched, request, operation, context)

        stack.enter_context(patch.object(endpoint, "_do_get_response", answer))
        here = view.caller.region
        variables = {"AWS_REGION": here, "AWS_DEFAULT_REGION": here}
        stack.enter_context(aws_environment(view.access_key().environment | variables))
        yield view


class _Answering:
    """botocore's events of one call: the lab answers before any other library can."""

    def __init__(self, emitter: Any, view: View) -> None:
        self._emitter = emitter
        self._view = view

    def emit(self, name: str, **event: Any) -> Any:
        if not name.startswith("before-send."):
            return self._emitter.emit(name, **event)
        request = event["request"]
        return [(None, boto.answer(self._view.service, _caller(self._view, request), request))]


@contextmanager
def aws_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """AWS's SDKs and CLI find these variables, and no setting that leads elsewhere; then put back.

    If the variables name an endpoint, it has to be on this machine.
    """
    with patch.dict(os.environ), _fresh_default_session():
        for name in UNSET:
            os.environ.pop(name, None)
        os.environ.update(SET)
        if "AWS_ENDPOINT_URL_KMS" in variables:
            _bypass_proxies()
        os.environ.update(variables)
        yield


def _bypass_proxies() -> None:
    """Else the machine's proxy would be asked for addresses on this machine too."""
    for name in ("no_proxy", "NO_PROXY"):
        others = os.environ.get(name)
        os.environ[name] = f"{others},127.0.0.1" if others else "127.0.0.1"


@contextmanager
def _fresh_default_session() -> Iterator[None]:
    """`boto3.client(…)` keeps one session for ever, and with it the credentials that it found."""
    before = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    _set_default_session(None)
    try:
        yield
    finally:
        _set_default_session(before)


def _set_default_session(session: Any) -> None:
    if boto3 := sys.modules.get("boto3"):
        vars(boto3)["DEFAULT_SESSION"] = session


def _endpoint_class() -> Any:
    try:
        from botocore.endpoint import Endpoint
    except ModuleNotFoundError as error:
        text = "patched_boto3() needs boto3, which is not installed: pip install boto3"
        raise ModuleNotFoundError(text, name=error.name) from None
    if not hasattr(Endpoint, "_do_get_response"):
        raise RuntimeError("this botocore sends in a way that kmslab does not know: use a server")
    return Endpoint


def _caller(view: View, request: Any) -> Caller:
    found = CREDENTIAL.search(boto.text(request.headers.get("Authorization", "")))
    if found is None:
        return view.caller
    key_id, region = found.groups()
    known = view.iam.access_keys.find(key_id)
    principal = known.principal if known else view.caller.principal
    return Caller(principal, known_arn(principal).account, region)
