"""`kmslab bill`: what an account pays for a month."""

from typing import Annotated

import typer

from kmslab.cli.options import Account, AsJson, Endpoint, Region, RootKey, Store, print_json

Month = Annotated[
    str | None, typer.Option(metavar="YYYY-MM", help="Default: the current month so far.")
]


def bill(
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    root_key: RootKey = None,
    month: Month = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account pays for a month, in all its Regions, in USD."""
    from kmslab.cli.opening import opened
    from kmslab.endpoint.lab_api import bill_from_json

    with opened(store, endpoint, account, region, root_key) as opened_kms:
        answer = opened_kms.ask_lab("Bill", {"Month": month} if month else {})
    if as_json:
        print_json(answer)
    else:
        typer.echo(repr(bill_from_json(answer)))
