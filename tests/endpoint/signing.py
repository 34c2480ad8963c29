"""For tests of signatures: requests as botocore signs them, in the form that a server receives."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import auth
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kmslab.endpoint.claims import Request, joined
from kmslab.endpoint.sigv4 import Verifier
from kmslab.kms.contract.records import AccessKey

ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HOST = "127.0.0.1:4566"
ROOT = "arn:aws:iam::111122223333:root"
KEY = AccessKey(id=ID, principal=ROOT, sealed=SECRET.encode(), created=datetime.now(UTC))


def verifier(*keys: AccessKey) -> Verifier:
    """A verifier for which a sealed secret is the secret itself."""
    return Verifier({key.id: key for key in keys or (KEY,)}.get, lambda key: key.sealed)


def signed(
    body: bytes = b"{}",
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    secret: str = SECRET,
    key_id: str = ID,
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "kms",
    presigned: int = 0,
    seconds: float = 0,
) -> Request:
    """A request as botocore signs it, so many `seconds` from now, in the form that a server
    receives."""
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, headers=dict(headers or {}), data=body)
    credentials = Credentials(key_id, secret, token)
    signer: Any = SigV4Auth(credentials, service, region)
    if presigned:
        signer = SigV4QueryAuth(credentials, service, region, presigned)
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: at)
        signer.add_auth(request)
    return received(request, body)


def received(request: Any, body: bytes) -> Request:
    parts = urlsplit(request.url)
    headers = [(name.lower().encode(), _bytes(value)) for name, value in request.headers.items()]
    headers += [(b"host", HOST.encode()), (b"accept-encoding", b"identity")]
    query = parts.query.encode()
    return Request(request.method.encode(), parts.path.encode(), query, joined(headers), body)


def with_headers(request: Request, **changed: bytes | None) -> Request:
    """The same request with other headers: `x_amz_date=b"…"`; None removes one."""
    headers = dict(request.headers)
    for name, value in changed.items():
        headers.pop(name.replace("_", "-").encode(), None)
        if value is not None:
            headers[name.replace("_", "-").encode()] = value
    return request._replace(headers=headers)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
