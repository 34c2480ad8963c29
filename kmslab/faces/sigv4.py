"""Signature Version 4, checked: which access key signed this request, and for which Region.

The rule: the signature is computed anew over the headers as they were received, and only those that
the client says it signed; what the service acts upon (Host, date, X-Amz-Target, body) must be among
it. Signatures and tokens are compared in constant time. Checks come in AWS's order.
Source: IAM User Guide, "AWS Signature Version 4 for API requests"; the texts are those of AWS's
common layer, as clients have reported them.
"""

import calendar
import hmac
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from posixpath import normpath
from typing import NamedTuple, NoReturn
from urllib.parse import quote, unquote_to_bytes

from kmslab.contract.errors import fail
from kmslab.contract.records import AccessKey
from kmslab.crypto import SecretBytes

ALGORITHM = b"AWS4-HMAC-SHA256"
TERMINATOR = b"aws4_request"
SKEW = 5 * 60  # seconds that a client's clock may be wrong
WEEK = 7 * 24 * 60 * 60  # seconds that a presigned request may be good for
CACHED = 1_024

REGION = re.compile(rb"[a-z]{2}(-[a-z]+)+-\d+")
STAMP = re.compile(rb"\d{8}T\d{6}Z")
SEPARATORS = re.compile(rb"[,\s]+")

MISSING = "Missing Authentication Token"
BOTH = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
NO_PAIR = (
    "Invalid key=value pair (missing equal-sign) in Authorization header "
    "(hashed with SHA-256 and encoded with Base64): '{}'."
)
UNKNOWN = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"
WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)


class Request(NamedTuple):
    """What of an HTTP request can be signed, in bytes as they came."""

    method: bytes
    path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]  # names in lower case; values of the same name joined by ","
    body: bytes


class Signer(NamedTuple):
    """Who signed a request, and the Region that it was signed for."""

    key: AccessKey
    region: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature."""

    algorithm: bytes
    credential: bytes
    signed: bytes  # names of headers, with semicolons
    signature: bytes
    date: bytes
    token: bytes
    query: bytes  # as it was signed
    dated_by: bytes = b""  # the header that holds the date
    seconds: int = SKEW  # that it is good for


class Verifier:
    """Knows access keys by `find`, and what each one's secret is by `secret`."""

    def __init__(
        self, find: Callable[[str], AccessKey | None], secret: Callable[[AccessKey], bytes]
    ) -> None:
        self._find = find
        self._secret = secret
        self._signing_keys: dict[tuple[bytes, bytes], SecretBytes] = {}

    def verify(self, request: Request, service: bytes, now: float) -> Signer:
        """The signer of a request to this service at this wall time, in seconds since 1970.

        Raises the `KMSError` that AWS answers.
        """
        claim = claim_of(request)
        stamp = _judge_date(claim, now)
        names, listed = _names(claim.signed)
        _judge_names(names, claim, request)
        if claim.algorithm != ALGORITHM:
            _incomplete(
                f"Unsupported AWS 'algorithm': '{_shown(claim.algorithm)}' "
                "(only AWS4-HMAC-SHA256 for now). "
            )
        key_id, scope = _scope(claim.credential)
        date, region = _judge_scope(scope, service, stamp)
        key = self._find(key_id)
        if key is None:
            fail("UnrecognizedClientException", UNKNOWN)
        digest = sha256(_canonical(request, claim.query, names, listed)).hexdigest().encode()
        text = b"\n".join((ALGORITHM, stamp, scope, digest))
        signing_key = self._signing_key(key, scope, date, region, service)
        expected = hmac.digest(signing_key, text, "sha256").hex().encode()
        if not hmac.compare_digest(expected, claim.signature):
            fail("InvalidSignatureException", WRONG)
        _judge_token(key, claim.token, now)
        return Signer(key, region.decode())

    def _signing_key(self, key: AccessKey, *scope: bytes) -> SecretBytes:
        """Kept by the sealed secret: of a key that was given another one, none is found."""
        place = key.sealed, scope[0]
        found = self._signing_keys.get(place)
        if found is None:
            found = signing_key(self._secret(key), *scope[1:])
            if len(self._signing_keys) >= CACHED:
                self._signing_keys.clear()
            self._signing_keys[place] = found
        return found


def signing_key(secret: bytes, date: bytes, region: bytes, service: bytes) -> SecretBytes:
    """The key of one day, Region and service, derived from the secret access key."""
    key = b"AWS4" + secret
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part, "sha256")
    return SecretBytes(key)


def joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name. A name that came several times has all its values, in their order."""
    found = dict(headers)
    if len(found) == len(headers):
        return found
    found.clear()
    for name, value in headers:
        found[name] = found[name] + b"," + value if name in found else value
    return found


# ----------------------------------------------------------------- what the request says of itself


def claim_of(request: Request) -> Claim:
    """The claim in the Authorization header or in the query; raises if there is none, or half."""
    header = request.headers.get(b"authorization")
    if b"X-Amz-Algorithm" in request.query:
        if header is not None:
            fail("InvalidSignatureException", BOTH)
        return _in_query(request)
    if header is None or not header.startswith(b"AWS4-"):
        fail("MissingAuthenticationTokenException", MISSING)
    return _in_header(header, request)


def _in_header(header: bytes, request: Request) -> Claim:
    algorithm, *parts = SEPARATORS.split(header.strip())
    fields = {}
    for part in parts:
        name, equals, value = part.partition(b"=")
        if not equals:
            _incomplete(NO_PAIR.format(_hashed(header)))
        fields[name] = value
    dated_by = b"x-amz-date" if b"x-amz-date" in request.headers else b"date"
    claim = Claim(
        algorithm,
        fields.get(b"Credential", b""),
        fields.get(b"SignedHeaders", b""),
        fields.get(b"Signature", b""),
        request.headers.get(dated_by, b""),
        request.headers.get(b"x-amz-security-token", b""),
        _canonical_query(request.query),
        dated_by,
    )
    if not (claim.credential and claim.signature and claim.date and b"SignedHeaders" in fields):
        _refuse_half(header, fields, claim.date)
    return claim


def _refuse_half(header: bytes, fields: Mapping[bytes, bytes], date: bytes) -> NoReturn:
    text = "".join(
        f"Authorization header requires '{name}' parameter. "
        for name in ("Credential", "Signature", "SignedHeaders")
        if not fields.get(name.encode())
    )
    if not date:
        text += (
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        )
    _incomplete(
        f"{text}(Hashed with SHA-256 and encoded with Base64) Authorization={_hashed(header)}"
    )


def _in_query(request: Request) -> Claim:
    """A presigned request: the claim is in the query, and good for as long as it says itself."""
    pairs = _pairs(request.query)
    fields = dict(pairs)
    needed = [b"Algorithm", b"Credential", b"Signature", b"SignedHeaders", b"Date"]
    values = [fields.get(b"X-Amz-" + name, b"") for name in needed]
    if not all(values):
        text = "".join(
            f"AWS query-string parameters must include 'X-Amz-{name.decode()}'. "
            for name, value in zip(needed, values, strict=True)
            if not value
        )
        _incomplete(text + "Re-examine the query-string parameters.")
    algorithm, credential, signature, signed, date = values
    expires = fields.get(b"X-Amz-Expires", b"900")
    seconds = int(expires) if expires.isdigit() and len(expires) < 9 else 0
    return Claim(
        algorithm,
        credential,
        signed,
        signature,
        date,
        fields.get(b"X-Amz-Security-Token", b""),
        _written([(name, value) for name, value in pairs if name != b"X-Amz-Signature"]),
        seconds=min(seconds, WEEK),
    )


@lru_cache(CACHED)
def _names(signed: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The signed headers' names in order, and as one line."""
    names = sorted(signed.lower().split(b";"))
    return tuple(names), b";".join(names)


@lru_cache(CACHED)
def _scope(credential: bytes) -> tuple[str, bytes]:
    """The access key's id, and the scope that follows it."""
    key_id, _, scope = credential.rstrip(b"/").partition(b"/")
    if scope.count(b"/") != 3:
        _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{_shown(credential)}'"
        )
    return _shown(key_id), scope


def service_of(request: Request) -> str:
    """The service that a request was signed for, or "": nothing of it is checked yet."""
    found = re.search(rb"Credential=[^/]*/[^/]*/[^/]*/([^/,\s]*)/", _credentials(request))
    return _shown(found[1]) if found else ""


def _credentials(request: Request) -> bytes:
    return request.headers.get(b"authorization") or unquote_to_bytes(request.query)


# ----------------------------------------------------------------------------------------- judging


def _judge_date(claim: Claim, now: float) -> bytes:
    """The time of signing, in the form in which it is signed."""
    stamp, moment = _moment(claim.date)
    if moment < now - claim.seconds:
        fail(
            "InvalidSignatureException",
            f"Signature expired: {stamp.decode()} is now earlier than "
            f"{_stamp(now - claim.seconds)} ({_stamp(now)} - {claim.seconds // 60} min.)",
        )
    if moment > now + SKEW:
        fail(
            "InvalidSignatureException",
            f"Signature not yet current: {stamp.decode()} is still later than "
            f"{_stamp(now + SKEW)} ({_stamp(now)} + {SKEW // 60} min.)",
        )
    return stamp


@lru_cache(CACHED)
def _moment(date: bytes) -> tuple[bytes, float]:
    """`20260105T090000Z`, or a Date header's form: the former, and its seconds since 1970."""
    try:
        if STAMP.fullmatch(date):
            return date, calendar.timegm(time.strptime(date.decode(), "%Y%m%dT%H%M%SZ"))
        moment = parsedate_to_datetime(date.decode())
        return _stamp(moment.timestamp()).encode(), moment.timestamp()
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        _incomplete(
            f"Date must be in ISO-8601 'basic format'. Got '{_shown(date)}'. "
            "See http://en.wikipedia.org/wiki/ISO_8601"
        )


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def _judge_names(names: tuple[bytes, ...], claim: Claim, request: Request) -> None:
    """What the service goes by must have been signed, or whoever is between could change it."""
    if b"host" not in names:
        _unsigned("'Host' or ':authority'")
    if claim.dated_by and claim.dated_by not in names:
        _unsigned("'X-Amz-Date'" if claim.dated_by == b"x-amz-date" else "'Date'")
    if b"x-amz-target" in request.headers and b"x-amz-target" not in names:
        _unsigned("'X-Amz-Target'")


def _unsigned(header: str) -> NoReturn:
    text = f"{header} must be a 'SignedHeader' in the AWS Authorization."
    fail("InvalidSignatureException", text)


def _judge_scope(scope: bytes, service: bytes, stamp: bytes) -> tuple[bytes, bytes]:
    """The scope's date and Region, if all of it fits; else one text for all that does not."""
    date, region, named, terminator = scope.split(b"/")
    fits = (bool(REGION.fullmatch(region)), named == service, terminator == TERMINATOR)
    if all(fits) and stamp.startswith(date) and len(date) == 8:
        return date, region
    wrong = [
        "Credential should be scoped to a valid region. ",
        f"Credential should be scoped to correct service: '{_shown(service)}'. ",
        "Credential should be scoped with a valid terminator: 'aws4_request', "
        f"not '{_shown(terminator)}'. ",
    ]
    text = "".join(line for line, good in zip(wrong, fits, strict=True) if not good)
    if date != stamp[:8]:
        text += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{_shown(date)}' != '{stamp[:8].decode()}', from '{stamp.decode()}'."
        )
    fail("InvalidSignatureException", text)


def _judge_token(key: AccessKey, token: bytes, now: float) -> None:
    """A session's key goes with its token, and only while it lasts; any other key with none."""
    if not hmac.compare_digest(key.token.encode(), token):
        fail("UnrecognizedClientException", UNKNOWN)
    if key.expires is not None and key.expires.timestamp() <= now:
        fail("ExpiredTokenException", EXPIRED)


# ----------------------------------------------------------------------------------- canonical form


def _canonical(request: Request, query: bytes, names: tuple[bytes, ...], listed: bytes) -> bytes:
    headers = request.headers
    if not headers.keys() >= set(names):
        fail("InvalidSignatureException", WRONG)  # it says that it signed what is not there
    return b"\n".join(
        (
            request.method,
            _canonical_path(request.path),
            query,
            *[name + b":" + b" ".join(headers[name].split()) for name in names],
            b"",
            listed,
            sha256(request.body).hexdigest().encode(),
        )
    )


def _canonical_path(path: bytes) -> bytes:
    """Without empty and dot segments, and what is encoded in it encoded once more."""
    if path == b"/":
        return path
    normal = b"/" + normpath(path).lstrip(b"/")
    ending = b"/" if path.endswith((b"/", b"/.", b"/..")) and normal != b"/" else b""
    return quote(normal + ending, safe="/-._~").encode()


def _canonical_query(query: bytes) -> bytes:
    return _written(_pairs(query)) if query else b""


def _pairs(query: bytes) -> list[tuple[bytes, bytes]]:
    parts = [part.partition(b"=") for part in query.split(b"&") if part]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts]


def _written(pairs: list[tuple[bytes, bytes]]) -> bytes:
    written = [(quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(written)).encode()


# ------------------------------------------------------------------------------------------- texts


def _incomplete(text: str) -> NoReturn:
    fail("IncompleteSignatureException", text)


def _hashed(header: bytes) -> str:
    """AWS shows no Authorization header any more: it may hold a password meant for others."""
    return b64encode(sha256(header).digest()).decode()


def _shown(value: bytes) -> str:
    return value.decode("utf-8", "replace")
