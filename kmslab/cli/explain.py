"""`kmslab explain`: whether a principal may do an action, and which policies decide it."""

from typing import Annotated

import typer

from kmslab.cli.options import (
    Account,
    AsJson,
    Context,
    Endpoint,
    Region,
    RootKey,
    Store,
    pairs,
    print_json,
)


def _actions(incomplete: str) -> list[str]:
    """From the contract: a shell would have to wait for THE TABLE at each press of its key."""
    from kmslab.kms.contract.source import KMS

    operations = {*KMS["operations"], "ReEncryptFrom", "ReEncryptTo"} - {"ReEncrypt"}
    actions = (f"kms:{name}" for name in sorted(operations))
    return [action for action in actions if action.startswith(incomplete)]


Principal = Annotated[
    str, typer.Option(metavar="WHO", help="Who: root, a user's name, role/NAME, or an ARN.")
]
Action = Annotated[
    str,
    typer.Option(
        metavar="ACTION", help="The action, such as kms:Decrypt.", autocompletion=_actions
    ),
]
Key = Annotated[
    str | None, typer.Option(metavar="KEY", help="A key's id, ARN or alias (alias/orders).")
]


def explain(
    action: Action,
    principal: Principal = "root",
    key: Key = None,
    context: Context = None,
    store: Store = None,
    endpoint: Endpoint = None,
    account: Account = None,
    region: Region = None,
    root_key: RootKey = None,
    as_json: AsJson = False,
) -> None:
    """Show whether a principal may do an action, and why. Exit code 0: yes, 1: no."""
    from kmslab.cli.opening import opened

    request = {"Action": action, "Principal": principal, "KeyId": key, "EncryptionContext": None}
    if context:
        request["EncryptionContext"] = pairs(context)  # type: ignore[assignment]
    given = {name: value for name, value in request.items() if value is not None}
    with opened(store, endpoint, account, region, root_key) as opened_kms:
        answer = opened_kms.ask_lab("Explain", given)
    if as_json:
        print_json(answer)
    else:
        typer.echo(answer["Text"])
    raise typer.Exit(not answer["Allowed"])
