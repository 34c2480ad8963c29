"""`kmslab bill`: what an account pays for a month."""

from typing import Annotated

import typer

from kmslab.cli.keys import AsJson
from kmslab.cli.sources import Account, Endpoint, Region, Store, opened, print_json
from kmslab.endpoint.lab_api import bill_of

Month = Annotated[
    str | None, typer.Option(metavar="2026-01", help="The running one so far, unless given.")
]


def bill(
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    month: Month = None,
    as_json: AsJson = False,
) -> None:
    """Tell what an account pays for a month, in all its Regions, in USD."""
    with opened(store, endpoint, account, region) as source:
        told = source.ask("Bill", {"Month": month} if month else {})
    if as_json:
        print_json(told)
    else:
        typer.echo(repr(bill_of(told)))
