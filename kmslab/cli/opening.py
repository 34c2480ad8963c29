"""Opens the KMS that a command asks: a lab's store, an endpoint, or AWS. All answer the same.

What a command asks of KMS itself are ordinary calls: they are authorised, and leave events. An
endpoint and AWS are called through boto3, with the credentials and the Region that the machine has
set.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import typer

from kmslab.cli.options import CommandError, library_errors, validate
from kmslab.cli.root_keys import with_root_key
from kmslab.display import this_command
from kmslab.endpoint.lab_api import LabApi
from kmslab.kms import store as stores
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.iam import account_number, region_name
from kmslab.lab import ACCOUNT, REGION
from kmslab.lab.lab import Lab

ENDPOINT = ("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
WHICH_KMS = (
    "Which KMS? Give --store sqlite:///my.db, or --endpoint http://127.0.0.1:4566 (or set "
    "AWS_ENDPOINT_URL_KMS). `{} serve` starts an endpoint."
)
OR_AWS = " For AWS itself, give --aws."
AWS_HOST = re.compile(r"^https://[\w.-]+\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$")
NOT_A_LAB = "is not an endpoint of kmslab, or of an older version. AWS KMS cannot answer this."


@dataclass(frozen=True, slots=True)
class OpenedKms:
    """`kms`: a client in boto3's shapes. `ask_lab`: for what only a lab answers (see `lab_api`).

    `in_region`: such a client of another Region.
    """

    kms: Any
    ask_lab: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    region: str
    in_region: Callable[[str], Any]


@contextmanager
def opened(
    store: str | None,
    endpoint: str | None,
    account: str | None,
    region: str | None,
    root_key: Path | None = None,
    aws: bool | None = None,
) -> Iterator[OpenedKms]:
    """The store if one is named, else the endpoint. Errors of either become `CommandError`.

    `root_key`: the file of the store's; an endpoint has its own. `aws`: whether AWS's own KMS was
    asked for; None if the command cannot ask it.
    """
    if sum(map(bool, (store, endpoint, aws))) > 1:
        choices = "--store and --endpoint" if aws is None else "--store, --endpoint and --aws"
        raise typer.BadParameter(f"give one of {choices}", param_hint="--store")
    url = None if aws else endpoint or _first_set(ENDPOINT)
    region = region or _first_set(REGIONS)
    if store:
        with _store(store, account or ACCOUNT, region or REGION, root_key) as kms:
            yield kms
    elif url or aws:
        if account:
            hint = "at an endpoint, the access key says which account it is"
            raise typer.BadParameter(hint, param_hint="--account")
        with _endpoint(url, region) as kms:
            yield kms
    else:
        more = "" if aws is None else OR_AWS
        raise CommandError(WHICH_KMS.format(this_command()) + more)


def _first_set(variables: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in variables if os.environ.get(name)), None)


def _error(code: str, message: str) -> CommandError:
    """Some of AWS's errors have no message."""
    return CommandError(f"{code}: {message}".rstrip(": "))


# ---------------------------------------------------------------------------------------- a store


@contextmanager
def _store(url: str, account: str, region: str, root_key: Path | None) -> Iterator[OpenedKms]:
    lab = _existing(url, account, region, root_key)
    api = LabApi(lab.service, lab.clock)
    with lab:
        try:
            yield OpenedKms(
                lab.kms,
                lambda name, request: api.ask(name, lab.caller, request),
                region,
                lambda other: lab.region(other).kms,
            )
        except KMSError as error:
            raise _error(error.code, str(error)) from None


def _existing(url: str, account: str, region: str, file: Path | None) -> Lab:
    """`Lab` would make a store that does not exist; a command that only looks must not."""
    account = validate("--account", account_number, account)
    region = validate("--region", region_name, region)
    with library_errors():
        is_there = validate("--store", stores.is_there, url)
    if not is_there:
        makes = f"{this_command()} serve --store {stores.shown(url)}"
        raise CommandError(f"There is no store at {stores.shown(url)}. `{makes}` makes one.")
    with library_errors():
        return with_root_key(
            lambda root_key: Lab(url, account=account, region=region, root_key=root_key), file
        )


# ------------------------------------------------------------------------------------ an endpoint


@contextmanager
def _endpoint(url: str | None, region: str | None) -> Iterator[OpenedKms]:
    """Without a URL, boto3 finds it: AWS's own, if the machine's settings name no other."""
    try:
        import boto3
        import botocore.exceptions
    except ModuleNotFoundError:
        text = "To call an endpoint, boto3 is needed: pip install boto3"
        raise CommandError(text) from None
    try:
        session = boto3.Session(region_name=region)
        client = cache(partial(session.client, "kms", endpoint_url=url))
        kms = client(session.region_name or (REGION if url else None))
        if not url and not AWS_HOST.search(kms.meta.endpoint_url):
            typer.echo(
                f"--aws asks {kms.meta.endpoint_url}, which boto3's settings name.", err=True
            )
        ask_lab = partial(_ask_endpoint, kms, url or kms.meta.endpoint_url)
        yield OpenedKms(kms, ask_lab, kms.meta.region_name, client)
    except botocore.exceptions.ClientError as error:
        answer = error.response["Error"]
        raise _error(answer["Code"], answer.get("Message", "")) from None
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise CommandError(f"{url or 'AWS'}: {error}") from None


def _ask_endpoint(kms: Any, url: str, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Makes a `Kmslab.…` request, which the client's own botocore signs and sends."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import NoCredentialsError

    credentials = kms._request_signer._credentials
    if credentials is None:
        raise NoCredentialsError
    headers = {"X-Amz-Target": f"Kmslab.{name}", "Content-Type": "application/x-amz-json-1.1"}
    question = AWSRequest("POST", f"{url.rstrip('/')}/", headers, json.dumps(request))
    signer = SigV4Auth(credentials.get_frozen_credentials(), "kms", kms.meta.region_name)
    signer.add_auth(question)
    response = kms._endpoint.http_session.send(question.prepare())
    try:
        answer: dict[str, Any] = json.loads(response.content)
    except ValueError:
        raise CommandError(f"{url} {NOT_A_LAB}") from None
    if response.status_code == 200:
        return answer
    code = answer.get("__type", "").rpartition("#")[2]
    if code in ("", "UnknownOperationException"):
        raise CommandError(f"{url} {NOT_A_LAB}")
    raise _error(code, answer.get("message", ""))
