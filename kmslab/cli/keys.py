"""`kmslab keys` and `kmslab describe`: which keys there are, and all that may be known of one."""

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer

from kmslab.cli.sources import Account, Endpoint, Region, Source, Store, opened, print_json
from kmslab.display import Table
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.pages import all_items
from kmslab.lab.tables import Metadata

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
Key = Annotated[str, typer.Argument(help="A key's id or ARN, or its alias (alias/orders).")]
HEADINGS = ["key id", "alias", "spec", "usage", "state", "description"]


def keys(
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """List the keys of an account in a Region."""
    with opened(store, endpoint, account, region) as source:
        found = _keys(source)
    if as_json:
        print_json(found)
    elif found:
        typer.echo(repr(Table(HEADINGS, [_row(key) for key in found])))
    else:
        typer.echo(f"No keys in {source.region}. --region looks elsewhere.", err=True)


def describe(
    key: Key,
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Tell all about one key: metadata, aliases, tags, rotation, grants, policy."""
    with opened(store, endpoint, account, region) as source:
        found = _described(source, key)
    if as_json:
        print_json(found)
        return
    typer.echo(repr(Metadata(found.pop("KeyMetadata"))))
    for title, value in found.items():
        typer.echo(f"\n{title}")
        print_json(value)


def _keys(source: Source) -> list[dict[str, Any]]:
    names = defaultdict(list)
    for alias in all_items(source.kms.list_aliases, "Aliases"):
        names[alias.get("TargetKeyId")].append(alias["AliasName"])
    listed = [entry["KeyId"] for entry in all_items(source.kms.list_keys, "Keys")]
    described = [source.kms.describe_key(KeyId=name)["KeyMetadata"] for name in listed]
    return [{**key, "Aliases": names[key["KeyId"]]} for key in described]


def _row(key: dict[str, Any]) -> list[str]:
    aliases = ", ".join(name.removeprefix("alias/") for name in key["Aliases"])
    described = [key[name] for name in ("KeySpec", "KeyUsage", "KeyState", "Description")]
    return [key["KeyId"], aliases, *described]


def _described(source: Source, name: str) -> dict[str, Any]:
    """What the caller may not ask, or a key of this kind does not have, is left out."""
    kms = source.kms
    metadata = kms.describe_key(KeyId=name)["KeyMetadata"]
    arn = metadata["Arn"]
    parts: dict[str, Callable[[], Any]] = {
        "Aliases": lambda: [
            a["AliasName"] for a in all_items(kms.list_aliases, "Aliases", KeyId=arn)
        ],
        "Tags": lambda: {
            tag["TagKey"]: tag["TagValue"]
            for tag in all_items(kms.list_resource_tags, "Tags", KeyId=arn)
        },
        "Rotation": lambda: _rotation(kms.get_key_rotation_status(KeyId=arn)),
        "Grants": lambda: all_items(kms.list_grants, "Grants", KeyId=arn),
        "Policy": lambda: json.loads(kms.get_key_policy(KeyId=arn)["Policy"]),
    }
    found = {"KeyMetadata": metadata}
    for title, ask in parts.items():
        with suppress(KMSError, *_refusals(kms)):
            if value := ask():
                found[title] = value
    return found


def _rotation(status: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in status.items() if name not in ("ResponseMetadata", "KeyId")
    }


def _refusals(kms: Any) -> tuple[type[Exception], ...]:
    """Of boto3's client, which has its own."""
    error = getattr(kms.exceptions, "ClientError", None)
    return (error,) if error else ()
