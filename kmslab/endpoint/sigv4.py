"""Verifies AWS Signature Version 4: which access key signed a request, and for which Region.

Rule: the signature is computed again from the request as received, with the headers that the client
says it signed. Everything that the service depends on (Host, date, X-Amz-Target, body) must be
signed. Signatures and tokens are compared in constant time. Checks come in AWS's order. Nothing
that is not verified is cached, unless it is short.
Source: IAM User Guide, "AWS Signature Version 4 for API requests"; the texts are those of AWS's
common layer, as clients have reported them.
"""

import calendar
import hmac
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from posixpath import normpath
from typing import NamedTuple, NoReturn
from urllib.parse import quote

from kmslab.endpoint.claims import SKEW, Claim, Request, as_text, claim_of, incomplete
from kmslab.kms.backing.access_keys import digest_of, signing_key
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import AccessKey

CACHED = 1_024
LONGEST_DATE = 64  # bytes
ALGORITHM = b"AWS4-HMAC-SHA256"
TERMINATOR = b"aws4_request"
REGION = re.compile(rb"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
STAMP = re.compile(rb"\d{8}T\d{6}Z")

UNKNOWN = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"
WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)


class Signer(NamedTuple):
    """Who signed a request, and the Region that it was signed for."""

    key: AccessKey
    region: str


class Verifier:
    """`find` returns the access key with an id, `secret` the secret of an access key."""

    def __init__(
        self, find: Callable[[str], AccessKey | None], secret: Callable[[AccessKey], bytes]
    ) -> None:
        self._find = find
        self._secret = secret
        self._keyed: dict[tuple[bytes, bytes], hmac.HMAC] = {}

    def verify(self, request: Request, service: bytes, now: float) -> Signer:
        """The signer of a request to this service at this wall time, in seconds since 1970.

        Raises the `KMSError` that AWS answers.
        """
        claim = claim_of(request)
        stamp = _check_date(claim, now)
        names, listed = _names(claim.signed)
        _check_names(names, claim, request.headers)
        if claim.algorithm != ALGORITHM:
            incomplete(
                f"Unsupported AWS 'algorithm': '{as_text(claim.algorithm)}' "
                "(only AWS4-HMAC-SHA256 for now). "
            )
        key_id, scope = _scope(claim.credential)
        region = _region(scope, service, stamp[:8]) or _refuse_scope(scope, service, stamp)
        key = self._find(key_id)
        if key is None:
            fail("UnrecognizedClientException", UNKNOWN)
        digest = sha256(_canonical(request, claim.query, names, listed)).hexdigest().encode()
        text = b"\n".join((ALGORITHM, stamp, scope, digest))
        if not hmac.compare_digest(self._sign(key, scope, text), claim.signature):
            fail("InvalidSignatureException", WRONG)
        _check_token(key, claim.token, now)
        return Signer(key, region)

    def _sign(self, key: AccessKey, scope: bytes, text: bytes) -> bytes:
        """With an HMAC object that is keyed once for a scope and copied.

        `hmac.digest` would release the interpreter's lock each time. The objects are kept by the
        sealed secret, so that one is not used again once its access key has another secret.
        """
        place = key.sealed, scope
        keyed = self._keyed.get(place)
        if keyed is None:
            keyed = hmac.new(signing_key(self._secret(key), scope), None, "sha256")
            if len(self._keyed) >= CACHED:
                self._keyed.clear()
            self._keyed[place] = keyed
        own = keyed.copy()
        own.update(text)
        return own.hexdigest().encode()


# ------------------------------------------------------------------------------------------ checks


def _check_date(claim: Claim, now: float) -> bytes:
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


def _moment(date: bytes) -> tuple[bytes, float]:
    """A date as `20260105T090000Z`, and in seconds since 1970. It may come in HTTP's form."""
    try:
        if STAMP.fullmatch(date):
            return date, _seconds(date)
        if len(date) <= LONGEST_DATE:
            moment = parsedate_to_datetime(date.decode()).timestamp()
            return _stamp(moment).encode(), moment
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        pass
    incomplete(
        f"Date must be in ISO-8601 'basic format'. Got '{as_text(date)}'. "
        "See http://en.wikipedia.org/wiki/ISO_8601"
    )


@lru_cache(CACHED)
def _seconds(stamp: bytes) -> float:
    return calendar.timegm(time.strptime(stamp.decode(), "%Y%m%dT%H%M%SZ"))


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def _check_names(names: tuple[bytes, ...], claim: Claim, headers: Mapping[bytes, bytes]) -> None:
    """What the service depends on must be signed, or it could be changed on the way."""
    if b"host" not in names:
        _refuse_unsigned("'Host' or ':authority'")
    if claim.dated_by and claim.dated_by not in names:
        _refuse_unsigned("'X-Amz-Date'" if claim.dated_by == b"x-amz-date" else "'Date'")
    if b"x-amz-target" in headers and b"x-amz-target" not in names:
        _refuse_unsigned("'X-Amz-Target'")


def _refuse_unsigned(header: str) -> NoReturn:
    text = f"{header} must be a 'SignedHeader' in the AWS Authorization."
    fail("InvalidSignatureException", text)


def _names(signed: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The names of the signed headers, sorted, as a tuple and as one line."""
    names = sorted(signed.lower().split(b";"))
    if len(set(names)) < len(names):  # so that what is hashed is not longer than the request
        fail("InvalidSignatureException", WRONG)
    return tuple(names), b";".join(names)


def _scope(credential: bytes) -> tuple[str, bytes]:
    """The access key's id, and the scope that follows it."""
    key_id, _, scope = credential.rstrip(b"/").partition(b"/")
    if scope.count(b"/") != 3:
        incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{as_text(credential)}'"
        )
    return as_text(key_id), scope


def _region(scope: bytes, service: bytes, day: bytes) -> str | None:
    """The Region of a scope; None if any part of the scope is wrong."""
    date, region, *rest = scope.split(b"/")
    fits = date == day and rest == [service, TERMINATOR] and REGION.fullmatch(region)
    return region.decode() if fits else None


def _refuse_scope(scope: bytes, service: bytes, stamp: bytes) -> NoReturn:
    """With one text that lists everything that is wrong."""
    date, region, named, terminator = scope.split(b"/")
    text = ""
    if not REGION.fullmatch(region):
        text += "Credential should be scoped to a valid region. "
    if named != service:
        text += f"Credential should be scoped to correct service: '{as_text(service)}'. "
    if terminator != TERMINATOR:
        text += (
            "Credential should be scoped with a valid terminator: 'aws4_request', "
            f"not '{as_text(terminator)}'. "
        )
    if date != stamp[:8]:
        text += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{as_text(date)}' != '{stamp[:8].decode()}', from '{stamp.decode()}'."
        )
    fail("InvalidSignatureException", text)


def _check_token(key: AccessKey, token: bytes, now: float) -> None:
    """A session's key needs its token, and expires; any other key has no token."""
    if not hmac.compare_digest(key.token, digest_of(token)):
        fail("UnrecognizedClientException", UNKNOWN)
    if key.expires is not None and key.expires.timestamp() <= now:
        fail("ExpiredTokenException", EXPIRED)


# ----------------------------------------------------------------------------------- canonical form


def _canonical(request: Request, query: bytes, names: tuple[bytes, ...], listed: bytes) -> bytes:
    headers = request.headers
    try:
        lines = [name + b":" + b" ".join(headers[name].split()) for name in names]
    except KeyError:  # a header that is listed as signed is missing
        fail("InvalidSignatureException", WRONG)
    path = _canonical_path(request.path)
    digest = sha256(request.body).hexdigest().encode()
    return b"\n".join((request.method, path, query, *lines, b"", listed, digest))


def _canonical_path(path: bytes) -> bytes:
    """Without empty and dot segments, and percent-encoded once more."""
    if path == b"/":
        return path
    normal = b"/" + normpath(path).lstrip(b"/")
    ending = b"/" if path.endswith(b"/") and normal != b"/" else b""
    return quote(normal + ending, safe="/-._~").encode()
