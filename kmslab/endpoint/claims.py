"""What a request says about its own signature, in its Authorization header or in its query.

Rule: nothing here is verified yet, so nothing is cached: anybody could fill the memory. An
incomplete claim is refused with a text that lists everything that is missing.
Source: IAM User Guide, "Elements of an AWS API request signature"; texts as clients report them.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple, NoReturn
from urllib.parse import quote, unquote_to_bytes

from kmslab.kms.contract.errors import fail

SKEW = 5 * 60  # seconds that a client's clock may be wrong
WEEK = 7 * 24 * 60 * 60  # seconds: the longest that a presigned request can be valid
DIGITS = 64  # of a signature
SHOWN = 64  # bytes of a service's name

SEPARATORS = re.compile(rb"[,\s]+")
IN_HEADER = (b"Credential", b"Signature", b"SignedHeaders")
IN_QUERY = (b"Algorithm", b"Credential", b"Signature", b"SignedHeaders", b"Date")

MISSING = "Missing Authentication Token"
BOTH = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
NO_PAIR = (
    "Invalid key=value pair (missing equal-sign) in Authorization header "
    "(hashed with SHA-256 and encoded with Base64): '{}'."
)
NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "


class Request(NamedTuple):
    """The parts of an HTTP request that can be signed, in bytes as received."""

    method: bytes
    path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]  # names in lower case; values of the same name joined by ","
    body: bytes


class Claim(NamedTuple):
    """What a request says about its signature."""

    algorithm: bytes
    credential: bytes
    signed: bytes  # names of headers, with semicolons
    signature: bytes
    date: bytes
    token: bytes
    query: bytes  # in canonical form
    dated_by: bytes = b""  # the header that holds the date
    seconds: int = SKEW  # for which the signature is valid


def joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name. The values of a name that comes several times are joined, in their order."""
    found = dict(headers)
    if len(found) == len(headers):
        return found
    found.clear()
    for name, value in headers:
        found[name] = found[name] + b"," + value if name in found else value
    return found


def claim_of(request: Request) -> Claim:
    """The request's claim; raises AWS's `KMSError` if it is missing or incomplete."""
    header = request.headers.get(b"authorization")
    if b"X-Amz-Algorithm" in request.query:
        if header is not None:
            fail("InvalidSignatureException", BOTH)
        return _in_query(request)
    if header is None or not header.startswith(b"AWS4-"):
        fail("MissingAuthenticationTokenException", MISSING)
    return _in_header(header, request)


def service_of(request: Request) -> str:
    """The service that a request says it was signed for, or ""."""
    text = request.headers.get(b"authorization") or unquote_to_bytes(request.query)
    parts = text.partition(b"Credential=")[2].split(b"/", 4)
    found = parts[3] if len(parts) == 5 else b""
    return "" if SEPARATORS.search(found) else as_text(found[:SHOWN])


def incomplete(text: str) -> NoReturn:
    fail("IncompleteSignatureException", text)


def as_text(value: bytes) -> str:
    """Bytes that a client has sent, to show in a message."""
    return value.decode("utf-8", "replace")


# -------------------------------------------------------------------------------------- in a header


def _in_header(header: bytes, request: Request) -> Claim:
    # Clients write the signature last.
    stem, named, signature = header.rpartition(b"Signature=")
    if not named or len(signature) != DIGITS or b"," in signature or b" " in signature:
        stem, signature = header, b""
    algorithm, fields = _parameters(stem) or incomplete(NO_PAIR.format(_hashed(header)))
    headers = request.headers
    dated_by = b"x-amz-date" if b"x-amz-date" in headers else b"date"
    claim = Claim(
        algorithm,
        fields.get(b"Credential", b""),
        fields.get(b"SignedHeaders", b""),
        signature or fields.get(b"Signature", b""),
        headers.get(dated_by, b""),
        headers.get(b"x-amz-security-token", b""),
        canonical_query(request.query),
        dated_by,
    )
    if not (claim.credential and claim.signature and claim.date and b"SignedHeaders" in fields):
        _refuse_incomplete(header, claim, fields)
    return claim


def _parameters(stem: bytes) -> tuple[bytes, dict[bytes, bytes]] | None:
    """The algorithm and the parameters in an Authorization header, or in its first part."""
    algorithm, *parts = [part for part in SEPARATORS.split(stem) if part]
    pairs = [part.partition(b"=") for part in parts]
    if not all(equals for _, equals, _ in pairs):
        return None
    return algorithm, {name: value for name, _, value in pairs}


def _refuse_incomplete(header: bytes, claim: Claim, fields: Mapping[bytes, bytes]) -> NoReturn:
    there = {**fields, b"Signature": claim.signature}
    text = "".join(
        f"Authorization header requires '{name.decode()}' parameter. "
        for name in IN_HEADER
        if not there.get(name)
    )
    text += "" if claim.date else NO_DATE
    incomplete(
        f"{text}(Hashed with SHA-256 and encoded with Base64) Authorization={_hashed(header)}"
    )


def _hashed(header: bytes) -> str:
    """Instead of the header, which may hold a password meant for another service."""
    return b64encode(sha256(header).digest()).decode()


# -------------------------------------------------------------------------------------- in a query


def _in_query(request: Request) -> Claim:
    """A presigned request says itself how long it is valid."""
    pairs = _pairs(request.query)
    fields = dict(pairs)
    values = [fields.get(b"X-Amz-" + name, b"") for name in IN_QUERY]
    if not all(values):
        text = "".join(
            f"AWS query-string parameters must include 'X-Amz-{name.decode()}'. "
            for name, value in zip(IN_QUERY, values, strict=True)
            if not value
        )
        incomplete(text + "Re-examine the query-string parameters.")
    algorithm, credential, signature, signed, date = values
    expires = fields.get(b"X-Amz-Expires", b"900")
    return Claim(
        algorithm,
        credential,
        signed,
        signature,
        date,
        fields.get(b"X-Amz-Security-Token", b""),
        _encoded([(name, value) for name, value in pairs if name != b"X-Amz-Signature"]),
        seconds=min(int(expires), WEEK) if re.fullmatch(rb"\d{1,9}", expires) else 0,
    )


def canonical_query(query: bytes) -> bytes:
    """The query decoded, encoded in the one form that is signed, and sorted."""
    return _encoded(_pairs(query)) if query else b""


def _pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    parts = [part.partition(b"=") for part in query.split(b"&") if part]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts]


def _encoded(pairs: list[tuple[bytes, bytes]]) -> bytes:
    encoded = [(quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded)).encode()
