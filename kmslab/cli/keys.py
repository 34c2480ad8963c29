"""`kmslab keys` and `kmslab describe`: the keys of an account, and everything about one of them."""

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmslab.cli.options import (
    Account,
    AsJson,
    CommandError,
    Endpoint,
    Region,
    RootKey,
    Store,
    print_json,
)
from kmslab.display import Table
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.pages import all_items
from kmslab.lab.tables import Metadata

if TYPE_CHECKING:
    from kmslab.cli.opening import OpenedKms

Key = Annotated[str, typer.Argument(help="A key's id or ARN, or its alias (alias/orders).")]
HEADINGS = ["key id", "alias", "spec", "usage", "state", "description"]


def keys(
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    root_key: RootKey = None,
    as_json: AsJson = False,
) -> None:
    """List the keys of an account in a Region."""
    from kmslab.cli.opening import opened

    with opened(store, endpoint, account, region, root_key) as opened_kms:
        found = _keys(opened_kms)
    if as_json:
        print_json(found)
    elif found:
        typer.echo(repr(Table(HEADINGS, [_row(key) for key in found])))
    else:
        typer.echo(f"No keys in {opened_kms.region}. For other Regions, give --region.", err=True)


def describe(
    key: Key,
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    root_key: RootKey = None,
    as_json: AsJson = False,
) -> None:
    """Show everything about one key: metadata, aliases, tags, rotation, grants, policy."""
    from kmslab.cli.opening import opened

    with opened(store, endpoint, account, region, root_key) as opened_kms:
        found = _described(opened_kms.kms, key)
    if as_json:
        print_json(found)
        return
    typer.echo(repr(Metadata(found.pop("KeyMetadata"))))
    for title, value in found.items():
        typer.echo(f"\n{title}")
        print_json(value)


def _keys(opened_kms: "OpenedKms") -> list[dict[str, Any]]:
    names = defaultdict(list)
    for alias in all_items(opened_kms.kms.list_aliases, "Aliases", Limit=100):
        names[alias.get("TargetKeyId")].append(alias["AliasName"])
    try:
        described = _by_the_lab(opened_kms)
    except CommandError:  # this is AWS, or the caller is not the root user
        described = _one_by_one(opened_kms.kms)
    return [{**key, "Aliases": names[key["KeyId"]]} for key in described]


def _by_the_lab(opened_kms: "OpenedKms") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more = True
    while more:
        after = found[-1]["Arn"] if found else ""
        answer = opened_kms.ask_lab("DescribeKeys", {"AfterKey": after})
        found += answer["Keys"]
        more = answer["More"]
    return found


def _one_by_one(kms: Any) -> list[dict[str, Any]]:
    listed = [entry["KeyId"] for entry in all_items(kms.list_keys, "Keys", Limit=1000)]
    return [kms.describe_key(KeyId=name)["KeyMetadata"] for name in listed]


def _row(key: dict[str, Any]) -> list[str]:
    aliases = ", ".join(name.removeprefix("alias/") for name in key["Aliases"])
    described = [key[name] for name in ("KeySpec", "KeyUsage", "KeyState", "Description")]
    return [key["KeyId"], aliases, *described]


def _described(kms: Any, name: str) -> dict[str, Any]:
    """Leaves out what the caller may not see, and what keys of this kind do not have."""
    metadata = kms.describe_key(KeyId=name)["KeyMetadata"]
    found = {"KeyMetadata": metadata}
    for title, read in PARTS.items():
        with suppress(KMSError, *_client_error(kms)):
            if value := read(kms, metadata["Arn"]):
                found[title] = value
    return found


def _aliases(kms: Any, arn: str) -> list[str]:
    return [alias["AliasName"] for alias in all_items(kms.list_aliases, "Aliases", KeyId=arn)]


def _tags(kms: Any, arn: str) -> dict[str, str]:
    tags = all_items(kms.list_resource_tags, "Tags", KeyId=arn)
    return {tag["TagKey"]: tag["TagValue"] for tag in tags}


def _rotation(kms: Any, arn: str) -> dict[str, Any]:
    status = kms.get_key_rotation_status(KeyId=arn)
    left_out = ("ResponseMetadata", "KeyId")
    return {name: value for name, value in status.items() if name not in left_out}


def _grants(kms: Any, arn: str) -> list[Any]:
    return all_items(kms.list_grants, "Grants", KeyId=arn)


def _policy(kms: Any, arn: str) -> Any:
    return json.loads(kms.get_key_policy(KeyId=arn)["Policy"])


# What `describe` shows besides the metadata, and how it is read.
PARTS: dict[str, Callable[[Any, str], Any]] = {
    "Aliases": _aliases,
    "Tags": _tags,
    "Rotation": _rotation,
    "Grants": _grants,
    "Policy": _policy,
}


def _client_error(kms: Any) -> tuple[type[Exception], ...]:
    """The class of a boto3 client's errors; a lab's client raises `KMSError`."""
    error = getattr(kms.exceptions, "ClientError", None)
    return (error,) if error else ()
