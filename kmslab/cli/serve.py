"""`kmslab serve`: serves a lab over HTTP, until Ctrl+C or SIGTERM.

It first prints lines to paste into a shell, so that AWS's clients there find the endpoint. Only
these lines go to stdout; everything else goes to stderr.
"""

import logging
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmslab.cli.options import ROOT_KEY, CommandError, library_errors, validate
from kmslab.cli.root_keys import with_root_key
from kmslab.lab import ACCOUNT, REGION

if TYPE_CHECKING:
    from kmslab.cli.classroom import Classroom
    from kmslab.endpoint.server import Endpoint
    from kmslab.endpoint.tls import SelfSigned, Tls
    from kmslab.kms.backing.passphrase import Passphrase
    from kmslab.lab.lab import Lab

MOST_WORKERS = 64
IN_MEMORY = ("sqlite://", "sqlite:///:memory:")
MEMORY = "in memory: everything is lost when it stops (--store keeps it)"


class TlsKind(StrEnum):
    SELF_SIGNED = "self-signed"


Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any free one.")]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where to keep the lab: sqlite:///my.db, or postgresql://user@host/database. "
        "Default: in memory.",
    ),
]
RootKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar=ROOT_KEY,
        show_envvar=True,
        help="The root key, for a store in PostgreSQL. Made on first use. Default for a store in "
        "a file: beside it.",
    ),
]
AskPassphrase = Annotated[
    bool,
    typer.Option(
        "--passphrase",
        help="Make the root key from a passphrase, and ask for it. Where there is no terminal, "
        "KMSLAB_PASSPHRASE has it, or a file that KMSLAB_PASSPHRASE_FILE names.",
    ),
]
Account = Annotated[
    str | None,
    typer.Option(metavar="ID", help=f"The account, 12 digits. Default: the seed's, or {ACCOUNT}."),
]
Region = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"The clients' Region. Default: the seed's, or {REGION}."),
]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--access-key",
        metavar="ID:SECRET",
        envvar="KMSLAB_ACCESS_KEYS",
        show_envvar=True,
        help="An access key of the root user; can be given several times. Default: one is made.",
    ),
]
Seed = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keys and users to start with; YAML or JSON.")
]
Throttle = Annotated[bool, typer.Option("--throttle", help="Enforce AWS's request quotas.")]
Trail = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Append every event to this file, as a line of JSON."),
]
TlsOption = Annotated[
    TlsKind | None, typer.Option("--tls", help="Serve TLS with a certificate made for this run.")
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--tls-name",
        metavar="NAME",
        help="A name or address of this machine that --tls self-signed certifies too; can be "
        "given several times.",
    ),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--tls-authority",
        metavar="FILE",
        help="Where --tls self-signed keeps its authority, so that clients trust the next run "
        "too. Made if it is not there.",
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate, in PEM."),
]
PrivateKey = Annotated[
    Path | None,
    typer.Option("--tls-key", metavar="FILE", help="The certificate's private key, in PEM."),
]

Learners = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER|FILE",
        help="An account and an access key for each learner of a class: for so many, or for each "
        "name in a file with one name a line.",
    ),
]
SheetOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="With --learners: where to write the slips to print and cut; .html or .txt.",
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        min=1,
        max=MOST_WORKERS,
        metavar="NUMBER",
        help="Serve from so many processes, one for each core to use; needs --store.",
    ),
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 4566,
    store: Store = None,
    root_key: RootKey = None,
    passphrase: AskPassphrase = False,
    account: Account = None,
    region: Region = None,
    access_key: Keys = None,
    seed: Seed = None,
    throttle: Throttle = False,
    trail: Trail = None,
    tls: TlsOption = None,
    tls_name: Names = None,
    tls_authority: Authority = None,
    tls_cert: Certificate = None,
    tls_key: PrivateKey = None,
    learners: Learners = None,
    sheet: SheetOption = Path("learners.html"),
    workers: WorkersOption = 1,
) -> None:
    """Serve AWS KMS to any AWS client, until Ctrl+C."""
    with library_errors():
        from kmslab.endpoint import server  # imports uvicorn, which no other command needs

    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    _check_workers(workers, store, throttle)
    pairs = dict(_pair(text) for text in access_key or ())
    self_signed = _self_signed(tls, tls_name or [], tls_authority)
    files = _tls_files(tls, tls_cert, tls_key) or self_signed
    with _lab(store, root_key, passphrase, account, region, seed, throttle, trail) as lab:
        room = _classroom(learners, sheet, host, self_signed, lab.caller.account, store)

        def ready(endpoint: "Endpoint") -> None:
            if room:
                room.hand_out(lab, endpoint)
                typer.echo(room.summary, err=True)
            _print_endpoint(lab, endpoint, store, workers)

        server.serve(lab, host, port, tls=files, access_keys=pairs, ready=ready, workers=workers)


def _check_workers(workers: int, store: str | None, throttle: bool) -> None:
    if workers == 1:
        return
    why = ""
    if store is None or store in IN_MEMORY:
        why = "it needs --store with a file or a server: a lab in memory is in one process"
    elif throttle:
        why = "it goes without --throttle: each process would count requests for itself"
    if why:
        raise typer.BadParameter(why, param_hint="--workers")


def _classroom(
    learners: str | None,
    sheet: Path,
    host: str,
    tls: "SelfSigned | None",
    account: str,
    store: str | None,
) -> "Classroom | None":
    if learners is None:
        return None
    from kmslab.cli.classroom import classroom

    return classroom(
        learners,
        sheet,
        host=host,
        names=tls.names if tls else (),
        account=account,
        in_memory=store is None,
        new_certificate=tls is not None and tls.authority is None,
    )


def _lab(
    store: str | None,
    root_key: Path | None,
    passphrase: bool,
    account: str | None,
    region: str | None,
    seed: Path | None,
    throttle: bool,
    trail: Path | None,
) -> "Lab":
    from kmslab.kms.iam import account_number, region_name
    from kmslab.lab.lab import Lab

    if account is not None:
        validate("--account", account_number, account)
    if region is not None:
        validate("--region", region_name, region)
    options: dict[str, Any] = {"throttle": throttle, "trail": trail}

    def opened(root_key: "Path | Passphrase | None") -> Lab:
        if seed:
            return Lab.from_seed(seed, store, account, region, root_key=root_key, **options)
        options.update(account=account or ACCOUNT, region=region or REGION)
        return Lab(store, root_key=root_key, **options)

    if passphrase and not store:
        raise typer.BadParameter("it needs --store", param_hint="--passphrase")
    try:
        with library_errors():
            # In memory, no variable counts that is set for other stores.
            ask = store if passphrase else None
            return with_root_key(opened, root_key, ask) if store else opened(None)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--store") from None
    except OSError as error:
        raise CommandError(f"{trail} cannot be written: {error.strerror}") from None


def _self_signed(
    tls: TlsKind | None, names: list[str], authority: Path | None
) -> "SelfSigned | None":
    from kmslab.crypto.certificate import alternative
    from kmslab.endpoint.tls import SelfSigned

    for name in names:
        validate("--tls-name", alternative, name)
    if tls:
        return SelfSigned(tuple(names), authority)
    if names or authority:
        hint = "--tls-name" if names else "--tls-authority"
        raise typer.BadParameter("it needs --tls self-signed", param_hint=hint)
    return None


def _tls_files(
    tls: TlsKind | None, certificate: Path | None, private_key: Path | None
) -> "Tls | None":
    from kmslab.endpoint.tls import Tls

    if certificate and private_key and tls is None:
        return Tls(certificate, private_key)
    if certificate or private_key:
        text = "give both --tls-cert and --tls-key, or --tls self-signed"
        raise typer.BadParameter(text, param_hint="--tls-cert")
    return None


def _pair(text: str) -> tuple[str, str]:
    """The error does not repeat the text, because it contains a secret."""
    key_id, _, secret = text.partition(":")
    if not (key_id.isascii() and key_id.replace("_", "").isalnum() and secret):
        raise typer.BadParameter("it has to be ID:SECRET", param_hint="--access-key")
    return key_id, secret


def _print_endpoint(lab: "Lab", endpoint: "Endpoint", store: str | None, workers: int) -> None:
    from kmslab.kms import store as stores

    account, region = lab.caller.account, lab.caller.region
    where = stores.shown(store) if store else MEMORY
    where += f", {workers} worker processes" if workers > 1 else ""
    typer.echo(
        f"AWS KMS at {endpoint.url}, account {account}, Region {region}, {where}.\n"
        "Paste this into another shell, and AWS's clients there will find it:\n",
        err=True,
    )
    typer.echo(endpoint.shell())
    typer.echo("\nCtrl+C stops it.", err=True)
