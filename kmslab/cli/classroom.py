"""`kmslab serve --learners`: what a class asks of the endpoint, and the sheet that comes of it.

What is wrong with the options is said before anything is served or written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kmslab.cli import sheet
from kmslab.cli.learners import Learner, account_of, enrol, names_in
from kmslab.cli.options import validate
from kmslab.endpoint.tls import ANYWHERE
from kmslab.kms.backing.access_keys import AccessKeyPair

if TYPE_CHECKING:
    from kmslab.endpoint.server import Endpoint
    from kmslab.lab.lab import Lab

PLACEHOLDER = AccessKeyPair("ID", b"SECRET")  # type: ignore[arg-type]
NO_ADDRESS = (
    "with --host {host} it needs the address that the learners' computers use: give --tls-name, or "
    "that address as --host"
)
IN_MEMORY = (
    "These access keys end when this server stops: it keeps nothing. With --store "
    "sqlite:///class.db the same sheet is right at the next start."
)
NEW_CERTIFICATE = (
    "The certificate is made for this run alone. With --tls-authority class.pem learners need its "
    "file once."
)
ONLY_HERE = "This address is found on this computer only. For others: --host 0.0.0.0 and --tls."


@dataclass(frozen=True, slots=True)
class Classroom:
    """`address`: what the learners' computers call, if it is not the endpoint's own URL."""

    names: Sequence[str]
    target: Path
    address: str = ""
    notes: tuple[str, ...] = ()

    def hand_out(self, lab: "Lab", endpoint: "Endpoint") -> list[Learner]:
        """Make what is missing of the learners' access keys, and write the sheet."""
        learners = enrol(self.names, lab.iam.access_keys)
        sheet.write(self._sheet(learners, endpoint), self.target)
        return learners

    @property
    def summary(self) -> str:
        """For the terminal; it shows no secret."""
        number = len([name for name in self.names if name]) or len(self.names)
        slips = "a slip" if number == 1 else f"{number} slips"
        first = f"{self.target}: {slips} to print and cut. It holds secrets: keep it to yourself."
        return "\n".join([first, *self.notes]) + "\n"

    def _sheet(self, learners: list[Learner], endpoint: "Endpoint") -> sheet.Sheet:
        certificate = endpoint.authority.name if endpoint.authority else ""
        shown = replace(
            endpoint,
            url=self._url(endpoint.url),
            access_key=PLACEHOLDER,
            authority=Path(certificate) if certificate else None,
        )
        shells = {
            "Terminal (macOS, Linux)": shown.shell(powershell=False),
            "PowerShell (Windows)": shown.shell(powershell=True),
        }
        return sheet.Sheet(learners, shown.url, shown.region, certificate, shells, self.notes)

    def _url(self, own: str) -> str:
        if not self.address:
            return own
        scheme, port = own.partition(":")[0], own.rpartition(":")[2]
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{scheme}://{host}:{port}"


def classroom(
    asked: str,
    target: Path,
    *,
    host: str,
    names: Sequence[str],
    account: str,
    in_memory: bool,
    new_certificate: bool,
) -> Classroom:
    """`names`: of the certificate; the first is what the learners call. Raises `BadParameter`."""
    learners = validate("--learners", names_in, asked)
    validate("--sheet", lambda _: sheet.check_target(target), "")
    if account in map(account_of, range(1, len(learners) + 1)):
        raise typer.BadParameter(
            "this is a learner's account: give another", param_hint="--account"
        )
    if host in ANYWHERE and not names:
        raise typer.BadParameter(NO_ADDRESS.format(host=host), param_hint="--learners")
    notes = {
        IN_MEMORY: in_memory,
        NEW_CERTIFICATE: new_certificate,
        ONLY_HERE: not names and _is_own(host),
    }
    chosen = tuple(note for note, is_true in notes.items() if is_true)
    return Classroom(learners, target, names[0] if names else "", chosen)


def _is_own(host: str) -> bool:
    """Whether only this computer finds itself by that name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
