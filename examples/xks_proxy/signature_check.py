"""Checks that AWS KMS has sent a request: AWS Signature Version 4, service `kms-xks-proxy`.

Both sides know the proxy credential: an id and a secret. It has nothing to do with AWS's own.
Source: AWS KMS External Key Store Proxy API Specification, Appendix A.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

SKEW = timedelta(minutes=5)  # how old a request may be, or how far ahead its sender's clock
SERVICE = "kms-xks-proxy"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[A-Z2-7]+)/"
    r"(?P<scope>(?P<day>\d{8})/[a-z0-9-]+/kms-xks-proxy/aws4_request), ?"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


def is_signed(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Mapping[str, str],
    now: datetime,
) -> bool:
    """`headers`: by names in lower case. `credentials`: secrets by their ids."""
    claim = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    stamp = headers.get("x-amz-date", "")
    if claim is None or claim["id"] not in credentials or not _is_recent(stamp, now):
        return False
    names = claim["names"].split(";")
    if not {"host", "x-amz-date"} <= set(names) <= headers.keys() or stamp[:8] != claim["day"]:
        return False
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in names]
    canonical = [method, path, "", *lines, "", claim["names"], sha256(body).hexdigest()]
    digest = sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, claim["scope"], digest])
    key = b"AWS4" + credentials[claim["id"]].encode()
    for part in claim["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    own = hmac.digest(key, text.encode(), "sha256").hex()
    return hmac.compare_digest(own, claim["signature"])


def _is_recent(stamp: str, now: datetime) -> bool:
    """Otherwise a request that was overheard could be sent again for ever."""
    try:
        sent = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(sent - now) <= SKEW
