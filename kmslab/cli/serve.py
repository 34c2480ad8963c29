"""`kmslab serve`: a lab on a socket, until Ctrl+C or SIGTERM.

What is printed at the start can be pasted into a shell: clients then find the endpoint. On stdout
is that alone, on stderr what else there is to say.
"""

import logging
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmslab.cli.sources import CommandError, extras, judged
from kmslab.kms.iam import account_number, region_name
from kmslab.lab.lab import ACCOUNT, REGION, Lab

if TYPE_CHECKING:
    from kmslab.endpoint.server import Endpoint, Tls

MEMORY = "in memory: all of it is gone when this stops (--store keeps it)"


class TlsKind(StrEnum):
    SELF_SIGNED = "self-signed"


Host = Annotated[str, typer.Option(help="The address to serve at.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any that is free.")]
Store = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Keep the lab in sqlite:///my.db; in memory, unless given."),
]
Account = Annotated[str | None, typer.Option(metavar="ID", help=f"12 digits; {ACCOUNT}.")]
Region = Annotated[str | None, typer.Option(metavar="NAME", help=f"For clients; {REGION}.")]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--access-key",
        metavar="ID:SECRET",
        envvar="KMSLAB_ACCESS_KEYS",
        show_envvar=True,
        help="An access key of the root user, several times if need be; one is made, unless given.",
    ),
]
Seed = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What the lab has from the start; YAML or JSON.")
]
Throttle = Annotated[bool, typer.Option("--throttle", help="Keep AWS's request quotas.")]
Trail = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Append every event to it, as JSON lines.")
]
TlsOption = Annotated[TlsKind | None, typer.Option("--tls", help="Make a certificate.")]
Certificate = Annotated[Path | None, typer.Option("--tls-cert", metavar="FILE", help="In PEM.")]
PrivateKey = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="In PEM.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 4566,
    store: Store = None,
    account: Account = None,
    region: Region = None,
    access_key: Keys = None,
    seed: Seed = None,
    throttle: Throttle = False,
    trail: Trail = None,
    tls: TlsOption = None,
    tls_cert: Certificate = None,
    tls_key: PrivateKey = None,
) -> None:
    """Serve AWS KMS to any AWS client, until Ctrl+C."""
    with extras():
        from kmslab.endpoint import server  # uvicorn: only who serves needs it

    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    pairs = dict(_pair(text) for text in access_key or ())
    files = _files(tls, tls_cert, tls_key)
    with _lab(store, account, region, seed, throttle, trail) as lab:
        server.serve(
            lab,
            host,
            port,
            tls=files,
            self_signed=tls is not None,
            access_keys=pairs,
            ready=lambda endpoint: _tell(lab, endpoint, store),
        )


def _lab(
    store: str | None,
    account: str | None,
    region: str | None,
    seed: Path | None,
    throttle: bool,
    trail: Path | None,
) -> Lab:
    if account is not None:
        judged("--account", account_number, account)
    if region is not None:
        judged("--region", region_name, region)
    options = {"throttle": throttle, "trail": trail}
    try:
        if seed:
            with extras():
                return Lab.from_seed(seed, store, account, region, **options)
        return Lab(
            store,
            account=account or ACCOUNT,
            region=region or REGION,
            throttle=throttle,
            trail=trail,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--store") from None
    except OSError as error:
        raise CommandError(f"{trail} cannot be written: {error.strerror}") from None


def _files(tls: TlsKind | None, certificate: Path | None, private_key: Path | None) -> "Tls | None":
    from kmslab.endpoint.server import Tls

    if certificate and private_key and tls is None:
        return Tls(certificate, private_key)
    if certificate or private_key:
        text = "give both --tls-cert and --tls-key, or --tls self-signed"
        raise typer.BadParameter(text, param_hint="--tls-cert")
    return None


def _pair(text: str) -> tuple[str, str]:
    """The text is not repeated: it is a secret."""
    key_id, _, secret = text.partition(":")
    if not (key_id.isascii() and key_id.replace("_", "").isalnum() and secret):
        raise typer.BadParameter("it has to be ID:SECRET", param_hint="--access-key")
    return key_id, secret


def _tell(lab: Lab, endpoint: "Endpoint", store: str | None) -> None:
    who, where = lab.caller.account, lab.caller.region
    typer.echo(
        f"AWS KMS at {endpoint.url}, account {who}, Region {where}, {store or MEMORY}.\n"
        "Paste this into another shell, and AWS's clients find it there:\n",
        err=True,
    )
    typer.echo(endpoint.shell())
    typer.echo("\nCtrl+C stops it.", err=True)
