"""The files of an endpoint's certificate: given ones, or made for one run.

Rule: a private key that is made is in a file that only its owner may read. The authority's is kept
only if a path for it is given: then the next run's certificate is trusted by the same clients.
"""

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kmslab.crypto import certificate
from kmslab.display import PlainError

ANYWHERE = {"0.0.0.0", "::"}


class ServeError(PlainError):
    """The endpoint cannot be started. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM. `authority`: the CA certificate that clients must be set to trust, if any."""

    certificate: Path
    private_key: Path
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """A certificate to make, for this machine and for `names`: host names and IP addresses.

    `authority`: a file for the authority's certificate and private key, which is made if it is not
    there. The certificate alone, for the clients, is written beside it, with `.crt` added.
    """

    names: tuple[str, ...] = ()
    authority: Path | None = None


@contextlib.contextmanager
def made(wanted: SelfSigned, host: str) -> Iterator[Tls]:
    """Made for this run, in a directory that only its owner may read and that is deleted again."""
    now = datetime.now(UTC)
    authority = _kept(wanted.authority, now) if wanted.authority else None
    own = {"localhost", "127.0.0.1", "::1", *filter(_valid, [socket.gethostname(), host])}
    with tempfile.TemporaryDirectory(prefix="kmslab-tls-") as folder:
        try:
            written = certificate.self_signed(
                sorted((own - ANYWHERE) | {*wanted.names}), now, authority
            )
        except ValueError as error:
            raise ServeError(f"No certificate can be made: {error}.") from None
        paths = [Path(folder, name) for name in ("server.pem", "server.key", "authority.pem")]
        contents = (written.certificate, written.private_key, written.authority)
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        if wanted.authority:
            paths[2] = public_beside(wanted.authority).absolute()
        yield Tls(*paths)


def public_beside(authority: Path) -> Path:
    """Where the certificate of a kept authority is: all that its clients need."""
    return authority.with_name(authority.name + ".crt")


def _kept(path: Path, now: datetime) -> certificate.Authority:
    try:
        with contextlib.suppress(FileExistsError):
            _create(path, certificate.new_authority(now).pem)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ServeError(
                f"Others may read {path}, and so pass for this endpoint with its clients. "
                f"Make it yours alone: chmod 600 {path}"
            )
        authority = certificate.load_authority(path.read_bytes(), now)
        public_beside(path).write_bytes(authority.public_pem)
    except OSError as error:
        raise ServeError(f"{error.filename or path} cannot be used: {error.strerror}.") from None
    except ValueError as error:
        raise ServeError(
            f"{path} cannot be used: {error}. Give another path, at which a new one is made."
        ) from None
    return authority


def _create(path: Path, content: bytes) -> None:
    """Readable by its owner only from the beginning; one that is there stays as it is."""
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)


def _valid(name: str) -> bool:
    try:
        certificate.alternative(name)
    except ValueError:
        return False
    return True
