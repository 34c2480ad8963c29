"""For the tests of your own programs: boto3's KMS clients ask a lab, and never the network.

Rule: a program under test is not changed. What it finds outside, its settings and its wire, is
changed for a while and put back. The fixtures of `kmslab.pytest_plugin` do the same for pytest.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from kmslab.kms.contract.records import Caller
from kmslab.lab import boto
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

# What could lead an SDK elsewhere: another profile, endpoint or kind of credentials.
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
    """`with patched_boto3() as lab:` sends the KMS calls of all boto3 clients to a lab meanwhile.

    Of all: those that exist already too, in every session and thread. Other services' clients are
    left alone, and so are asynchronous ones (aiobotocore). `lab`: one of yours or a view of one,
    such as `lab.user("alice")`; without it a fresh one, closed at the end. Who signs with an access
    key of the lab is its owner, anybody else is the lab's own caller: no signature is verified, an
    endpoint does that. The Region is the client's. The environment has an access key meanwhile, so
    that a machine needs no AWS settings. Needs boto3.
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
        stack.enter_context(patch.dict(os.environ))
        for name, value in settings(_environment(view)).items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        stack.enter_context(fresh_default_session())
        yield view


def settings(environment: Mapping[str, str]) -> dict[str, str | None]:
    """What has to be set for boto3 to find an endpoint, or with None unset, whatever was there."""
    return {**dict.fromkeys(UNSET), **SET, **environment}


@contextmanager
def fresh_default_session() -> Iterator[None]:
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


def _environment(view: View) -> dict[str, str]:
    key = view.access_key()
    token = {"AWS_SESSION_TOKEN": key.token} if key.token else {}
    return {
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret.decode(),
        "AWS_REGION": view.caller.region,
        "AWS_DEFAULT_REGION": view.caller.region,
        **token,
    }


def _caller(view: View, request: Any) -> Caller:
    found = CREDENTIAL.search(boto.text(request.headers.get("Authorization", "")))
    if found is None:
        return view.caller
    key_id, region = found.groups()
    known = view.iam.access_keys.find(key_id)
    principal = known.principal if known else view.caller.principal
    return Caller(principal, principal.split(":")[4], region)
