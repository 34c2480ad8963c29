"""Where a command looks: into a store that it opens, or at an endpoint, with the same questions.

What is asked of KMS itself are calls like any others: they are judged, and stand in the trail. An
endpoint is asked through boto3, with the credentials and the Region that the machine has set.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from kmslab.display import PlainError
from kmslab.endpoint.lab_api import LabApi
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.iam import account_number, region_name
from kmslab.kms.store import is_there
from kmslab.lab.lab import ACCOUNT, REGION, Lab

ENDPOINT = ("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
NOWHERE = (
    "Which KMS? Give --store sqlite:///my.db, or --endpoint http://127.0.0.1:4566 (or set "
    "AWS_ENDPOINT_URL_KMS). `kmslab serve` starts one."
)
NO_LAB = "is no lab of kmslab, or an older one: AWS KMS does not tell this."

Store = Annotated[
    str | None, typer.Option(metavar="URL", help="A lab's store, such as sqlite:///my.db.")
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A running endpoint; AWS_ENDPOINT_URL_KMS, unless given."),
]
Account = Annotated[
    str | None, typer.Option(metavar="ID", help="Of a store: the account to look at.")
]
Region = Annotated[str | None, typer.Option(metavar="NAME", help="Such as us-east-1.")]


class CommandError(PlainError):
    """What was asked for cannot be done. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """`kms`: a client in boto3's shapes. `ask`: what only a lab tells (see `lab_api`)."""

    kms: Any
    ask: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    region: str


@contextmanager
def opened(
    store: str | None, endpoint: str | None, account: str | None, region: str | None
) -> Iterator[Source]:
    """A store if one is named, else an endpoint. Errors of either come as `CommandError`."""
    if store and endpoint:
        raise typer.BadParameter("give one of --store and --endpoint", param_hint="--store")
    url = endpoint or next((os.environ[name] for name in ENDPOINT if os.environ.get(name)), None)
    region = region or next((os.environ[name] for name in REGIONS if os.environ.get(name)), None)
    if store:
        with _store(store, account or ACCOUNT, region or REGION) as source:
            yield source
    elif url:
        if account:
            hint = "at an endpoint, the access key says which account it is"
            raise typer.BadParameter(hint, param_hint="--account")
        with _endpoint(url, region) as source:
            yield source
    else:
        raise CommandError(NOWHERE)


@contextmanager
def _store(url: str, account: str, region: str) -> Iterator[Source]:
    lab = existing(url, account, region)
    api = LabApi(lab.service, lab.clock)
    with lab, kms_errors():
        yield Source(lab.kms, lambda name, request: api.ask(name, lab.caller, request), region)


def existing(url: str, account: str, region: str) -> Lab:
    """A store that is there: to look for one must not make it."""
    account = judged("--account", account_number, account)
    region = judged("--region", region_name, region)
    if not judged("--store", is_there, url):
        raise CommandError(f"There is no store at {url}. `kmslab serve --store {url}` makes one.")
    return Lab(url, account=account, region=region)


def judged(option: str, judge: Callable[[str], Any], value: str) -> Any:
    """What the judge says, and what is wrong with the value as the option's fault."""
    try:
        return judge(value)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


@contextmanager
def kms_errors() -> Iterator[None]:
    """As on a terminal: the error's name and AWS's text."""
    try:
        yield
    except KMSError as error:
        raise CommandError(f"{error.code}: {error}".rstrip(": ")) from None


@contextmanager
def extras() -> Iterator[None]:
    """A library that is not there is told in one line, if it is one that kmslab can do without."""
    try:
        yield
    except ModuleNotFoundError as error:
        if "pip install" not in str(error):
            raise
        raise CommandError(str(error)) from None


# --------------------------------------------------------------------------------- an endpoint


@contextmanager
def _endpoint(url: str, region: str | None) -> Iterator[Source]:
    try:
        import boto3
        import botocore.exceptions
    except ModuleNotFoundError:
        text = "To ask an endpoint, boto3 is needed: pip install boto3"
        raise CommandError(text) from None
    try:
        session = boto3.Session(region_name=region)
        kms = session.client("kms", session.region_name or REGION, endpoint_url=url)
        yield Source(kms, _Asking(kms, url), kms.meta.region_name)
    except botocore.exceptions.ClientError as error:
        told = error.response["Error"]
        raise CommandError(f"{told['Code']}: {told.get('Message', '')}".rstrip(": ")) from None
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise CommandError(f"{url}: {error}") from None


class _Asking:
    """`Kmslab.…` requests, signed and sent by the client's own botocore."""

    def __init__(self, kms: Any, url: str) -> None:
        self._kms = kms
        self._url = url

    def __call__(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import NoCredentialsError

        credentials = self._kms._request_signer._credentials
        if credentials is None:
            raise NoCredentialsError
        headers = {
            "X-Amz-Target": f"Kmslab.{name}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        asked = AWSRequest("POST", f"{self._url.rstrip('/')}/", headers, json.dumps(request))
        SigV4Auth(credentials.get_frozen_credentials(), "kms", self._kms.meta.region_name).add_auth(
            asked
        )
        answer = self._kms._endpoint.http_session.send(asked.prepare())
        try:
            told: dict[str, Any] = json.loads(answer.content)
        except ValueError:
            raise CommandError(f"{self._url} {NO_LAB}") from None
        if answer.status_code == 200:
            return told
        code = told.get("__type", "").rpartition("#")[2]
        if code in ("", "UnknownOperationException"):
            raise CommandError(f"{self._url} {NO_LAB}")
        raise CommandError(f"{code}: {told.get('message', '')}".rstrip(": "))


# ------------------------------------------------------------------------------------- printing


def print_json(value: Any) -> None:
    """Times as ISO 8601, and letters as they are."""
    typer.echo(json.dumps(value, indent=2, default=_iso, ensure_ascii=False))


def _iso(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
