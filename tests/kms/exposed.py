"""Everything that was exposed, and a search in it for secrets in many encodings."""

import base64
import json
import pickle
import pprint
import secrets as system
import traceback
from collections.abc import Iterator
from typing import Any

from kmslab.kms.contract.errors import KMSError

WINDOW = 9  # bytes of a secret that must not be seen together; divisible by 3, for base64


def plant() -> bytes:
    """A unique text that every encoding leaves readable, so that a leak of it is found."""
    return system.token_hex(24).encode()


def disguises(secret: bytes) -> Iterator[bytes]:
    """A part of the secret as raw bytes, in hex, in base64, and as Python and JSON show it."""
    for start in range(0, len(secret) - WINDOW + 1, WINDOW):
        part = secret[start : start + WINDOW]
        yield part
        yield part.hex().encode()
        yield part.hex().upper().encode()
        yield part.hex(" ").encode()
        yield repr(part)[2:-1].encode()
        yield str(list(part))[1:-1].encode()
        yield ",".join(map(str, part)).encode()
    for shift in range(3):  # base64 has three alignments; neighbours change its ends
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(secret[shift:])
            yield from (whole[i : i + 12] for i in range(0, len(whole) - 16, 12))


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
