"""For the tests of your own programs: boto3's KMS clients ask a lab, and never the network.

Rule: the program under test stays as it is. Only what it finds outside is changed, its settings and
its connection, and put back afterwards. `kmslab.pytest_plugin` has fixtures for pytest.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from kmslab.kms.arn import known_arn
from kmslab.kms.contract.records import Caller
from kmslab.lab import boto
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
CREDENTIAL = re.compile(r"Credential=(\w+)/\d{8}/([\w-]+)/kms/aws4_request")


@contextmanager
def patched_boto3(lab: View | None = None) -> Iterator[Any]:
    """Within `with patched_boto3() as lab:`, all boto3 clients send their KMS calls to the lab.

    This includes clients that exist already, in every session and thread. Clients of other services
    and asynchronous ones (aiobotocore) are not changed. `lab`: a lab or a view of one, such as
    `lab.user("alice")`; without it, a new lab, which is closed at the end. A call signed with an
    access key of the lab comes from the key's owner; any other call comes from the lab's own
    caller. Signatures are not verified; an endpoint does that. The Region is the client's. The
    environment gets an access key, so that the machine needs no AWS settings. Needs boto3.
    """
    endpoint = _endpoint_class()
    with ExitStack() as stack:
        view = stack.enter_context(Lab()) if lab is None else lab
        send = endpoint._send

        def answer(self: Any, request: Any) -> Any:
            if self._endpoint_prefix != "kms":
                return send(self, request)
            return boto.answer(view.service, _caller(view, request), request)

        stack.enter_context(patch.object(endpoint, "_send", answer))
        region = view.caller.region
        variables = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        stack.enter_context(aws_environment(view.access_key().environment | variables))
        yield view


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
    if not hasattr(Endpoint, "_send"):
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
