"""A real boto3 client whose requests end in this process, without settings and network.

Everything of boto3 works: its checks, signatures, retries, paginators and exceptions. Only the
sending is replaced.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kmslab.kms import wire
from kmslab.kms.contract.callers import Caller
from kmslab.kms.service import Service

if TYPE_CHECKING:
    from botocore.session import Session

MISSING = "lab.boto3() needs boto3, which is not installed: pip install boto3"
# A domain that no network resolves, should a request ever get past `before-send` (RFC 6761).
NOWHERE = ".kmslab.invalid"


def client(service: Service, caller: Caller) -> Any:
    """A `boto3.client("kms")` for this caller, in the caller's Region.

    The machine's AWS profiles, variables, proxies and model files are ignored. Raises
    ModuleNotFoundError if boto3 is not installed.
    """
    url = f"https://kms.{caller.region}{NOWHERE}"
    kms = client_at(url, caller.region, "KMSLAB", "not-a-secret")
    kms.meta.events.register("before-send.kms", _Wire(service, caller))
    return kms


def client_at(url: str, region: str, access_key_id: str, secret: str) -> Any:
    """The same client for an endpoint, which it really calls."""
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING, name=error.name) from None
    session = boto3.session.Session(
        botocore_session=_session(),
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        region_name=region,
    )
    return session.client(
        "kms",
        endpoint_url=url,
        config=Config(
            ignore_configured_endpoint_urls=True,
            proxies={},
            retries={"mode": "standard"},  # a single attempt would add words to every error
            use_dualstack_endpoint=False,
            use_fips_endpoint=False,
        ),
    )


def _session() -> "Session":
    """A botocore session in which every setting has its default, whatever the environment says."""
    from botocore.session import Session

    settings = Session.SESSION_VARIABLES.items()
    unset = {name: (None, None, default, form) for name, (_, _, default, form) in settings}
    unset |= dict.fromkeys(("config_file", "credentials_file"), (None, None, None, None))
    session = Session(session_vars=unset)
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    """botocore's own service models, read once a process, and none from ~/.aws/models."""
    from botocore.loaders import Loader

    built_in = [Loader.BUILTIN_DATA_PATH]
    return Loader(extra_search_paths=built_in, include_default_search_paths=False)


class _Wire:
    """Answers a prepared request; botocore then sends nothing."""

    def __init__(self, service: Service, caller: Caller) -> None:
        self._service = service
        self._caller = caller

    def __call__(self, request: Any, **event: Any) -> Any:
        return answer(self._service, self._caller, request)


def ends_in_a_lab(request: Any) -> bool:
    """Whether `client` made the client whose request botocore has prepared."""
    host = urlsplit(request.url).hostname
    return bool(host and host.endswith(NOWHERE))


def answer(service: Service, caller: Caller, request: Any) -> Any:
    """botocore's response to a request that it has prepared."""
    from botocore.awsrequest import AWSResponse

    target = text(request.headers["X-Amz-Target"])
    status, headers, body = wire.handle(service, caller, target, request.body)
    return AWSResponse(request.url, status, headers, _Body(body))


class _Body:
    """The part of urllib3's response that botocore reads."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def text(header: str | bytes) -> str:
    return header.decode() if isinstance(header, bytes) else header
