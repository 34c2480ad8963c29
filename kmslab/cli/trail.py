"""`kmslab trail`: what happened in an account, once or as it happens."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmslab.cli.options import Account, Endpoint, Region, RootKey, Store
from kmslab.display import padded

if TYPE_CHECKING:
    from kmslab.cli.opening import OpenedKms
    from kmslab.kms.audit import Trail

INTERVAL = 0.5  # seconds between two questions
WIDTHS = (19, 14, 28, 40)  # of columns: rows that are printed one by one have to line up

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one event a line, in CloudTrail's form.")
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with new events, until Ctrl+C.")
]
Last = Annotated[
    int | None, typer.Option("--last", "-n", min=0, help="Show only so many of the last events.")
]


def trail(
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    root_key: RootKey = None,
    last: Last = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Show the events of an account in all its Regions, oldest first."""
    from kmslab.cli.opening import opened
    from kmslab.kms.audit import Trail

    end = [KeyboardInterrupt] if follow else []
    with suppress(*end), opened(store, endpoint, account, region, root_key) as opened_kms:
        found = _pages(opened_kms, {} if last is None else {"Last": last})
        if not (as_json or follow):
            typer.echo(repr(Trail(event for page in found for event in page["Events"])))
            return
        answer: dict[str, Any] = {}
        for answer in found:
            _print(answer["Events"], as_json)
        if follow:
            _follow(opened_kms, answer["Last"], as_json)


def _pages(opened_kms: "OpenedKms", asked: dict[str, int]) -> Iterator[dict[str, Any]]:
    answer = opened_kms.ask_lab("Trail", asked)
    yield answer
    while answer["More"]:
        answer = opened_kms.ask_lab("Trail", {"After": answer["Last"]})
        yield answer


def _follow(opened_kms: "OpenedKms", after: int, as_json: bool) -> None:
    while True:
        time.sleep(INTERVAL)
        for answer in _pages(opened_kms, {"After": after}):
            _print(answer["Events"], as_json)
            after = answer["Last"]


def _print(events: list[dict[str, Any]], as_json: bool) -> None:
    from kmslab.kms.audit import Trail

    lines = [json.dumps(event) for event in events] if as_json else _lines(Trail(events))
    for line in lines:
        typer.echo(line)


def _lines(events: "Trail") -> list[str]:
    rows = events.table().rows
    return ["  ".join([*map(padded, row, WIDTHS), *row[len(WIDTHS) :]]).rstrip() for row in rows]
