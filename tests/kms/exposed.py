"""Everything that was exposed, and a search in it for secrets in many encodings.

Not found: a secret that was compressed or encrypted, of which fewer than nine bytes stand together,
or that was encoded twice.
"""

import base64
import json
import pickle
import pprint
import secrets as system
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from kmslab.kms.contract.errors import KMSError

WINDOW = 9  # bytes of a secret that must not be seen together; divisible by 3, for base64


def plant() -> bytes:
    """A unique text that every encoding leaves readable, so that a leak of it is found."""
    return system.token_hex(24).encode()


def disguises(secret: bytes) -> Iterator[bytes]:
    """A part of the secret as raw bytes, in hex, in base64, and as programs and people show it."""
    for start in range(0, len(secret) - WINDOW + 1, WINDOW):
        for part in (secret[start : start + WINDOW], secret[start : start + WINDOW][::-1]):
            yield from _raw(part)
            yield from _numbers(part)
    for shift in range(3):  # base64 has three alignments; neighbours change its ends
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(secret[shift:])
            yield from (whole[i : i + 12] for i in range(0, len(whole) - 16, 12))
    for shift in range(5):
        whole = base64.b32encode(secret[shift:])
        yield from (whole[i : i + 16] for i in range(0, len(whole) - 24, 16))
    for order in ("big", "little"):
        yield str(int.from_bytes(secret, order)).encode()  # type: ignore[arg-type]


def _raw(part: bytes) -> Iterator[bytes]:
    text = part.decode("latin-1")
    yield part
    yield repr(part)[2:-1].encode()
    yield text.encode()  # as UTF-8
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield json.dumps(text)[1:-1].encode()
    yield quote(part, safe="").encode()  # at least as long as the part


def _numbers(part: bytes) -> Iterator[bytes]:
    for separator in ("", " ", ":", "-"):
        written = part.hex(separator) if separator else part.hex()
        yield written.encode()
        yield written.upper().encode()
    for separator in (", ", ",", " ", ",\n"):
        yield separator.join(map(str, part)).encode()
        yield separator.join(f"0x{each:02x}" for each in part).encode()


class Exposed:
    """Everything that was exposed, by the name of its place."""

    def __init__(self) -> None:
        self._seen: dict[bytes, str] = {}

    def add(self, where: str, what: str | bytes) -> None:
        self._seen.setdefault(what if isinstance(what, bytes) else what.encode(), where)

    def add_shown(self, where: str, value: Any) -> None:
        """A value as Python, a notebook or a log makes text of it."""
        self.add(f"{where}: repr", repr(value))
        self.add(f"{where}: str", str(value))
        self.add(f"{where}: f-string", f"{value} {value!r} {value!s}")
        self.add(f"{where}: %", "%s %r" % (value, value))  # noqa: UP031
        self.add(f"{where}: pprint", pprint.pformat(value))
        self.add(f"{where}: JSON", json.dumps(value, default=repr, skipkeys=True))
        for name in ("_repr_markdown_", "_repr_html_", "_repr_pretty_"):
            if show := getattr(value, name, None):
                self.add(f"{where}: {name}", str(show()))

    def add_error(self, where: str, error: Exception) -> None:
        self.add_shown(where, error)
        if isinstance(error, KMSError):
            self.add_shown(f"{where}: response", error.response)
            self.add(f"{where}: notebook", "\n".join(error._render_traceback_()))
        self.add(f"{where}: traceback", "".join(traceback.format_exception(error)))
        self.add(f"{where}: attributes", repr(vars(error)))
        self.add(f"{where}: pickle", pickle.dumps(error))

    def search(self, planted: dict[str, bytes]) -> None:
        """One pass over everything; at each byte it checks whether a form could begin there."""
        begin: dict[bytes, list[tuple[str, bytes]]] = {}
        for name, secret in planted.items():
            for form in disguises(secret):
                begin.setdefault(form[:WINDOW], []).append((name, form))
        found = {
            (name, where)
            for what, where in self._seen.items()
            for at in range(len(what) - WINDOW + 1)
            for name, form in begin.get(what[at : at + WINDOW], ())
            if what.startswith(form, at)
        }
        assert not found, f"{sorted(found)}"
