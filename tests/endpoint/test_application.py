"""The endpoint over real sockets: AWS's clients find AWS KMS, and hostile clients meet limits."""

import asyncio
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, cast
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from kmslab import Lab
from kmslab.crypto import pycryptodome
from kmslab.endpoint import connections, crowd
from kmslab.endpoint.application import OF_WORKERS
from kmslab.endpoint.server import Endpoint, running
from tests.cases import for_every
from tests.endpoint.signing import Request, signed, with_headers
from tests.held_library import HeldLibrary
from tests.waiting import until

JSON = {"Content-Type": "application/x-amz-json-1.1"}
LIST_KEYS = JSON | {"X-Amz-Target": "TrentService.ListKeys"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def endpoint(lab: Lab) -> Iterator[Endpoint]:
    with running(lab) as endpoint:
        yield endpoint


def client(endpoint: Endpoint, service: str = "kms", **changed: Any) -> Any:
    key = endpoint.access_key
    settings = {
        "endpoint_url": endpoint.url,
        "region_name": endpoint.region,
        "aws_access_key_id": key.id,
        "aws_secret_access_key": key.secret.decode(),
        "config": Config(retries={"mode": "standard"}),
    }
    return boto3.session.Session().client(service, **settings | changed)


def own(endpoint: Endpoint, body: bytes = b"{}", **changed: Any) -> Request:
    """A request of the endpoint's own access key."""
    changed = {"headers": LIST_KEYS} | changed
    key = endpoint.access_key
    return signed(body, key_id=key.id, secret=key.secret.decode(), **changed)


def written(request: Request, chunked: bool = False) -> bytes:
    target = request.path + (b"?" + request.query if request.query else b"")
    headers = dict(request.headers)
    headers.pop(b"content-length", None)
    body = request.body
    if chunked:
        headers[b"transfer-encoding"] = b"chunked"
        body = b"".join(b"1\r\n%c\r\n" % each for each in body) + b"0\r\n\r\n"
    else:
        headers[b"content-length"] = str(len(body)).encode()
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers.items())
    return request.method + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n" + body


def connected(endpoint: Endpoint) -> socket.socket:
    port = int(endpoint.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def exchange(endpoint: Endpoint, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    with connected(endpoint) as link:
        link.sendall(sent)
        return answer(link)


def answer(link: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer on this connection, and nothing of one behind."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += received(link, 1)
    first, *lines = head.decode().rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = b""
    while len(body) < int(headers["Content-Length"]):
        body += received(link, int(headers["Content-Length"]) - len(body))
    return int(first.split()[1]), headers, body


def received(link: socket.socket, most: int) -> bytes:
    got = link.recv(most)
    if not got:
        raise ConnectionError("closed before the end of the answer")
    return got


def flood(link: socket.socket, sent: bytes) -> None:
    """Send until the server closes the connection."""
    for _ in range(10_000):
        link.sendall(sent)


def code(body: bytes) -> str:
    return str(json.loads(body)["__type"])


# ------------------------------------------------------------------------------- AWS's own clients


def test_boto3_works_with_a_key(endpoint: Endpoint) -> None:
    kms = client(endpoint)
    key = kms.create_key(Description="진료 기록")["KeyMetadata"]
    kms.create_alias(AliasName="alias/http", TargetKeyId=key["KeyId"])
    sealed = kms.encrypt(KeyId="alias/http", Plaintext=b"card 4242")
    assert kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"] == b"card 4242"
    assert kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["Description"] == "진료 기록"
    kms.disable_key(KeyId=key["KeyId"])
    with pytest.raises(ClientError) as caught:
        kms.encrypt(KeyId="alias/http", Plaintext=b"x")
    assert str(caught.value) == (
        "An error occurred (DisabledException) when calling the Encrypt operation: "
        f"{key['Arn']} is disabled."
    )


def test_paging_ends(endpoint: Endpoint) -> None:
    kms = client(endpoint)
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert made <= {key["KeyId"] for page in pages for key in page["Keys"]}


def test_threads_share_a_client(endpoint: Endpoint) -> None:
    kms = client(endpoint)
    key = kms.create_key()["KeyMetadata"]["KeyId"]

    def both_ways(number: int) -> bool:
        plain = str(number).encode()
        sealed = kms.encrypt(KeyId=key, Plaintext=plain)["CiphertextBlob"]
        return bool(kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == plain)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(both_ways, range(80)))


def test_the_scope_names_the_region(endpoint: Endpoint, lab: Lab) -> None:
    there = client(endpoint, region_name="eu-west-1")
    arn = there.create_key()["KeyMetadata"]["Arn"]
    assert arn.split(":")[3] == "eu-west-1"
    with pytest.raises(ClientError, match="NotFoundException"):
        client(endpoint).describe_key(KeyId=arn.rpartition("/")[2])
    assert lab.region("eu-west-1").kms.describe_key(KeyId=arn)


def test_a_user_is_authorised_and_stands_in_the_trail(endpoint: Endpoint, lab: Lab) -> None:
    pair = lab.user("carol").access_key()
    carol = client(endpoint, aws_access_key_id=pair.id, aws_secret_access_key=pair.secret.decode())
    with pytest.raises(ClientError) as caught:
        carol.create_key()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "user/carol is not authorized to perform: kms:CreateKey" in str(caught.value)
    event = lab.trail[-1]
    assert event["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/carol"
    assert event["userIdentity"]["accessKeyId"] == lab.user("carol").access_key().id
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in event["userAgent"]


def test_a_roles_session_signs_with_a_token(endpoint: Endpoint, lab: Lab) -> None:
    allow = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
    }
    pair = lab.role("auditor", policy=allow, session="one").access_key()
    session = {"aws_access_key_id": pair.id, "aws_secret_access_key": pair.secret.decode()}
    kms = client(endpoint, **session, aws_session_token=pair.token)
    assert "Keys" in kms.list_keys()
    arn = lab.trail[-1]["userIdentity"]["arn"]
    assert arn == "arn:aws:sts::111122223333:assumed-role/auditor/one"
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client(endpoint, **session).list_keys()


def test_a_wrong_signature_leaves_no_event(endpoint: Endpoint, lab: Lab) -> None:
    before = len(lab.trail)
    with pytest.raises(ClientError) as caught:
        client(endpoint, aws_secret_access_key="guess").list_keys()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert len(lab.trail) == before


def test_the_endpoint_says_how_clients_find_it(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in endpoint.environment.items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session()
    assert "Keys" in session.client("kms").list_keys()
    assert session.client("sts").get_caller_identity()["Account"] == "111122223333"
    secret = endpoint.access_key.secret.decode()
    assert f"export AWS_SECRET_ACCESS_KEY={secret}" in endpoint.shell(powershell=False).splitlines()
    assert (
        f"$env:AWS_SECRET_ACCESS_KEY = '{secret}'" in endpoint.shell(powershell=True).splitlines()
    )
    assert secret not in repr(endpoint) + str(endpoint.access_key)


# ---------------------------------------------------------------------------------- other services


def test_sts_tells_who_is_calling(endpoint: Endpoint, lab: Lab) -> None:
    told = client(endpoint, "sts").get_caller_identity()
    root = ("111122223333", "111122223333", "arn:aws:iam::111122223333:root")
    assert (told["UserId"], told["Account"], told["Arn"]) == root
    user, session = lab.user("dora").access_key(), lab.role("guest", session="two").access_key()
    for pair, kind, tail in ((user, "AIDA", ""), (session, "AROA", ":two")):
        told = client(
            endpoint,
            "sts",
            aws_access_key_id=pair.id,
            aws_secret_access_key=pair.secret.decode(),
            aws_session_token=pair.token or None,
        ).get_caller_identity()
        assert told["UserId"].startswith(kind)
        assert told["UserId"].endswith(tail)
        assert len(told["UserId"]) == 21 + len(tail)


def test_a_presigned_request_to_sts_is_answered(endpoint: Endpoint) -> None:
    request = own(
        endpoint,
        b"",
        method="GET",
        headers={},
        query="Action=GetCallerIdentity&Version=2011-06-15",
        service="sts",
        presigned=60,
    )
    status, headers, body = exchange(endpoint, written(request))
    assert (status, headers["Content-Type"]) == (200, "text/xml")
    assert b"<Account>111122223333</Account>" in body


@pytest.mark.parametrize(
    ("changed", "error", "status"),
    [
        ({"aws_access_key_id": "AKIAUNKNOWN"}, "InvalidClientTokenId", 403),
        ({"aws_secret_access_key": "guess"}, "SignatureDoesNotMatch", 403),
        ({"aws_session_token": "any"}, "InvalidClientTokenId", 403),
    ],
)
def test_sts_has_its_own_names_for_errors(
    endpoint: Endpoint, changed: dict[str, str], error: str, status: int
) -> None:
    with pytest.raises(ClientError) as caught:
        client(endpoint, "sts", **changed).get_caller_identity()
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_sts_refuses_an_unsigned_request(endpoint: Endpoint) -> None:
    for form in (b"Action=GetCallerIdentity&Version=2011-06-15", b"a&" * 5_000):
        request = own(endpoint, form, headers={}, service="sts")
        status, _, body = exchange(endpoint, written(with_headers(request, authorization=None)))
        if b"Action" in form:
            assert status == 403
            assert b"<Code>MissingAuthenticationToken</Code>" in body
            assert b"<Message>Request is missing Authentication Token</Message>" in body
        else:
            assert (status, body) == (404, b"<UnknownOperationException/>\n")
    request = own(endpoint, b"a&" * 5_000, headers={}, service="sts")
    status, _, body = exchange(endpoint, written(request))
    assert (status, b"InvalidAction" in body) == (400, True)


def test_sts_has_no_other_operation(endpoint: Endpoint) -> None:
    with pytest.raises(ClientError) as caught:
        client(endpoint, "sts").get_session_token()
    assert str(caught.value) == (
        "An error occurred (InvalidAction) when calling the GetSessionToken operation: "
        "Could not find operation GetSessionToken for version 2011-06-15"
    )


@for_every(
    ("service", "operation"),
    [
        ("s3", "list_buckets"),
        ("dynamodb", "list_tables"),
        ("ec2", "describe_vpcs"),
        ("iam", "list_users"),
        ("lambda", "list_functions"),
        ("secretsmanager", "list_secrets"),
    ],
)
def test_the_error_names_the_other_service(
    endpoint: Endpoint, service: str, operation: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(endpoint, service), operation)()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert f"but not {service}. " in caught.value.response["Error"]["Message"]


def test_a_signature_for_another_service_is_refused(endpoint: Endpoint) -> None:
    status, _, body = exchange(endpoint, written(own(endpoint, service="s3")))
    assert (status, json.loads(body)) == (
        400,
        {
            "__type": "InvalidSignatureException",
            "message": "Credential should be scoped to correct service: 'kms'. ",
        },
    )


@pytest.mark.parametrize("path", ["/health", "/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_script_can_ask_whether_it_is_ready(endpoint: Endpoint, method: str, path: str) -> None:
    with connected(endpoint) as link:
        link.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        got = b"".join(iter(lambda: link.recv(65_536), b""))
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b'{"status":"ok"}' if method == "GET" else b"\r\n\r\n")


# ----------------------------------------------------------------------------- outside the protocol


def test_an_unknown_operation_is_refused(endpoint: Endpoint) -> None:
    for target in ("TrentService.Nothing", "TrentService.", "TrentService"):
        request = own(endpoint, headers=JSON | {"X-Amz-Target": target})
        status, _, body = exchange(endpoint, written(request))
        assert (status, json.loads(body)) == (400, {"__type": "UnknownOperationException"})
    status, _, body = exchange(endpoint, written(own(endpoint, headers=JSON)))
    assert (status, json.loads(body)) == (400, {"__type": "UnknownOperationException"})


@for_every(
    "changed",
    [
        {"method": "GET", "body": b""},
        {"method": "PUT"},
        {"path": "/keys"},
        {"headers": LIST_KEYS | {"Content-Type": "application/x-amz-cbor-1.1"}},
        {"headers": LIST_KEYS | {"Content-Type": "text/plain"}},
        {"headers": {"X-Amz-Target": "TrentService.ListKeys"}},
    ],
)
def test_what_is_not_the_protocol_is_not_found(endpoint: Endpoint, changed: dict[str, Any]) -> None:
    status, headers, body = exchange(endpoint, written(own(endpoint, **changed)))
    assert (status, body) == (404, b"<UnknownOperationException/>\n")
    assert "x-amzn-RequestId" in headers


@for_every(
    "body",
    [
        b"{",
        b"\xff",
        b"[]",
        b'{"Limit": 1, "Limit": 2}',
        b'{"Limit": ' + b"9" * 5_000 + b"}",
        b'{"Limit": 1e999}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"Limit": NaN}',
        b'{"Limit": 1} x',
        b'\xef\xbb\xbf{"Limit": 1}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_a_request_is_refused(endpoint: Endpoint, body: bytes) -> None:
    status, _, told = exchange(endpoint, written(own(endpoint, body)))
    assert (status, code(told)) == (400, "SerializationException")


@pytest.mark.parametrize("content_type", ["application/json", "Application/X-Amz-Json-1.0; a=b"])
def test_other_names_of_json_are_understood(endpoint: Endpoint, content_type: str) -> None:
    request = own(endpoint, b' {"Limit": 1}\n', headers=LIST_KEYS | {"Content-Type": content_type})
    assert exchange(endpoint, written(request))[0] == 200


def test_an_empty_body_needs_no_type(endpoint: Endpoint) -> None:
    request = own(endpoint, b"", headers={"X-Amz-Target": "TrentService.ListKeys"})
    assert exchange(endpoint, written(request))[0] == 200


# --------------------------------------------------------------------- hostile and broken clients


def test_a_body_in_chunks_is_put_together(endpoint: Endpoint) -> None:
    sent = written(own(endpoint, b'{"Limit": 1}'), chunked=True)
    assert exchange(endpoint, sent)[0] == 200


def test_trailers_are_not_headers(endpoint: Endpoint) -> None:
    request = with_headers(own(endpoint), x_amz_target=None)
    sent = written(request, chunked=True)[:-2] + b"x-amz-target: TrentService.ListKeys\r\n\r\n"
    status, _, body = exchange(endpoint, sent)
    assert (status, code(body)) == (400, "UnknownOperationException")


def test_endless_trailers_are_cut_off(endpoint: Endpoint) -> None:
    with connected(endpoint) as link:
        link.sendall(written(own(endpoint), chunked=True)[:-2])
        with pytest.raises(ConnectionError):
            flood(link, b"x-amz-a: b\r\n" * 5_000)


def test_a_body_is_waited_for(endpoint: Endpoint) -> None:
    request = with_headers(own(endpoint, b'{"Limit": 1}'), expect=b"100-continue")
    head, _, body = written(request).partition(b"\r\n\r\n")
    with connected(endpoint) as link:
        link.sendall(head + b"\r\n\r\n")
        assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for each in body:
            link.sendall(bytes([each]))
        assert answer(link)[0] == 200


def test_a_huge_body_is_refused_before_it_is_sent(endpoint: Endpoint) -> None:
    head, _, _ = written(own(endpoint)).partition(b"\r\n\r\n")
    for length in (b"16777217", b"9" * 18):
        sent = head.replace(b"content-length: 2", b"content-length: " + length)
        status, headers, body = exchange(endpoint, sent + b"\r\n\r\n")
        assert (status, code(body)) == (413, "RequestEntityTooLargeException")
        assert headers["Connection"] == "close"


def test_a_huge_body_in_chunks_is_refused_on_the_way(endpoint: Endpoint) -> None:
    head, _, _ = written(own(endpoint), chunked=True).partition(b"\r\n\r\n")
    chunk = b"%x\r\n" % 65_536 + b" " * 65_536 + b"\r\n"
    for chunks in (chunk * 17 + b"0\r\n\r\n", chunk * 257):
        status, headers, body = exchange(endpoint, head + b"\r\n\r\n" + chunks)
        assert (status, code(body)) == (413, "RequestEntityTooLargeException")
        assert headers["Connection"] == "close"


def test_a_client_reads_that_its_body_was_too_large(endpoint: Endpoint) -> None:
    with pytest.raises(ClientError) as caught:
        client(endpoint).encrypt(KeyId="alias/http", Plaintext=bytes(4 * 1024 * 1024))
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"


def test_the_largest_body_is_read(endpoint: Endpoint) -> None:
    body = b'{"Limit": 1}'.ljust(1024 * 1024)
    assert exchange(endpoint, written(own(endpoint, body)))[0] == 200


def test_requests_in_a_row_are_answered_in_a_row(endpoint: Endpoint) -> None:
    wanted = [b'{"Limit": 1}', b"{", b'{"Limit": 0}', b'{"Limit": 1}']
    with connected(endpoint) as link:
        link.sendall(b"".join(written(own(endpoint, body)) for body in wanted))
        link.shutdown(socket.SHUT_WR)
        got = b"".join(iter(lambda: link.recv(65_536), b""))
    statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400", b"400", b"200"]


def test_a_connection_is_kept(endpoint: Endpoint) -> None:
    with connected(endpoint) as link:
        for _ in range(3):
            link.sendall(written(own(endpoint)))
            assert answer(link)[0] == 200


def test_a_client_that_has_closed_its_side_is_still_answered(endpoint: Endpoint) -> None:
    create = own(endpoint, headers=JSON | {"X-Amz-Target": "TrentService.CreateKey"})
    for request in (own(endpoint), create):
        with connected(endpoint) as link:
            link.sendall(written(request))
            link.shutdown(socket.SHUT_WR)
            assert answer(link)[0] == 200
            assert link.recv(1) == b""


def test_an_http_1_0_client_is_answered_and_disconnected(endpoint: Endpoint) -> None:
    sent = written(own(endpoint)).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    with connected(endpoint) as link:
        link.sendall(sent)
        assert answer(link)[0] == 200
        assert link.recv(1) == b""


def offering(request: Request) -> Request:
    """As Java's client offers HTTP/2 in its first request."""
    return with_headers(
        request,
        connection=b"Upgrade, HTTP2-Settings",
        upgrade=b"h2c",
        http2_settings=b"AAEAAEAAAAIAAAAB",
    )


def statuses(got: bytes) -> list[bytes]:
    return [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]


def sent_together(endpoint: Endpoint, sent: bytes) -> bytes:
    with connected(endpoint) as link:
        link.sendall(sent)
        link.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: link.recv(65_536), b""))


@pytest.mark.parametrize("chunked", [False, True])
def test_an_offer_to_upgrade_is_ignored_wherever_the_packets_end(
    endpoint: Endpoint, chunked: bool
) -> None:
    sent = written(offering(own(endpoint, b'{"Limit": 1}')), chunked)
    at = sent.index(b"upgrade")
    for cut in (0, at + 3, sent.index(b"Upgrade") + 3, sent.index(b"\r\n\r\n") + 2, len(sent) - 1):
        with connected(endpoint) as link:
            link.sendall(sent[:cut])
            link.sendall(sent[cut:])
            assert answer(link)[0] == 200
            link.sendall(written(own(endpoint, b'{"Limit": 1}')))
            assert answer(link)[0] == 200


@pytest.mark.parametrize("what", [b"websocket", b"h2c", b"TLS/1.0, HTTP/1.1"])
def test_no_offer_to_upgrade_is_taken(endpoint: Endpoint, what: bytes) -> None:
    request = with_headers(own(endpoint), connection=b"close, Upgrade", upgrade=what)
    got = sent_together(endpoint, written(request) + written(own(endpoint)))
    assert statuses(got) == [b"200"]  # it asked for the end of the connection


def test_an_offer_to_upgrade_may_be_signed(endpoint: Endpoint) -> None:
    offer = {"Upgrade": "h2c", "Connection": "Upgrade"}
    sent = written(own(endpoint, headers=LIST_KEYS | offer))
    assert exchange(endpoint, sent)[0] == 200


def test_a_body_that_looks_like_an_offer_is_a_body(endpoint: Endpoint) -> None:
    """With the other spelling, a body's own request would have been answered as well."""
    inner = b"\r\nUpgrade: h2c\r\n\r\n" + written(own(endpoint)) + b"\r\nupgrade: x\r\n\r\n"
    body = json.dumps({"Limit": 1}).encode() + b" " * 20 + inner
    got = sent_together(endpoint, written(own(endpoint, body)))
    assert statuses(got) == [b"400"]
    assert b"SerializationException" in got


@pytest.mark.parametrize("kind", ["plain", "offering", "chunked", "slow"])
def test_sixty_requests_at_once_get_sixty_answers_in_order(endpoint: Endpoint, kind: str) -> None:
    create = JSON | {"X-Amz-Target": "TrentService.CreateAlias"}
    headers = create if kind == "slow" else LIST_KEYS
    bodies = [b'{"Limit": 1}' if at % 3 else b"{" for at in range(60)]
    requests = [own(endpoint, body, headers=headers) for body in bodies]
    if kind == "offering":
        requests = [offering(each) if at % 2 else each for at, each in enumerate(requests)]
    got = sent_together(
        endpoint, b"".join(written(each, chunked=kind == "chunked") for each in requests)
    )
    right = b"400" if kind == "slow" else b"200"
    assert statuses(got) == [right if at % 3 else b"400" for at in range(60)]
    assert got.count(b"SerializationException") == 20


@pytest.mark.parametrize(
    "broken", [b"nothing that is HTTP\r\n\r\n", b"x" * 300_000], ids=["short", "long"]
)
def test_what_came_before_a_broken_request_is_answered_first(
    endpoint: Endpoint, broken: bytes
) -> None:
    create = JSON | {"X-Amz-Target": "TrentService.CreateKey"}
    good = written(own(endpoint, headers=create)) + written(own(endpoint))
    got = sent_together(endpoint, good + broken)
    assert statuses(got) == [b"200", b"200", b"400"]
    half = written(own(endpoint), chunked=True).partition(b"\r\n\r\n")[0] + b"\r\n\r\nno\r\n"
    assert statuses(sent_together(endpoint, good + half)) == [b"200", b"200", b"400"]


@for_every(
    ("old", "new"),
    [
        (b"POST / ", b"POST http://127.0.0.1/ "),
        (b"POST / ", b"POST http://127.0.0.1 "),
        (b"HTTP/1.1", b"HTTP/1.1\r\nx-empty:"),
        (b"1\r\n{", b"1;name=value\r\n{"),
        (b"1\r\n{", b'1;name="a;b"\r\n{'),
        (b"1\r\n{", b"0001\r\n{"),
    ],
)
def test_other_forms_of_a_request_are_read(endpoint: Endpoint, old: bytes, new: bytes) -> None:
    sent = written(own(endpoint), chunked=True)
    assert old in sent
    assert statuses(sent_together(endpoint, sent.replace(old, new, 1))) == [b"200"]


def test_an_http_1_0_client_is_not_told_to_continue(endpoint: Endpoint) -> None:
    sent = written(with_headers(own(endpoint), expect=b"100-continue"))
    assert statuses(sent_together(endpoint, sent.replace(b"HTTP/1.1", b"HTTP/1.0", 1))) == [b"200"]


def test_idle_connections_make_room(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "FROM_ONE", 20)
    with ExitStack() as stack:
        begun = stack.enter_context(connected(endpoint))
        head, _, body = written(own(endpoint, b'{"Limit": 1}')).partition(b"\r\n\r\n")
        begun.sendall(head)
        assert exchange(endpoint, written(own(endpoint)))[0] == 200
        idle = [stack.enter_context(connected(endpoint)) for _ in range(60)]
        assert exchange(endpoint, written(own(endpoint)))[0] == 200
        assert idle[0].recv(1) == b""  # it had waited longest
        begun.sendall(b"\r\n\r\n" + body)  # a request that has begun is kept longer
        assert answer(begun)[0] == 200
        for link in [stack.enter_context(connected(endpoint)) for _ in range(60)]:
            with suppress(ConnectionError):
                link.sendall(b"POST ")
        assert exchange(endpoint, written(own(endpoint)))[0] == 200


@for_every(
    ("old", "new"),
    [
        (b"content-length: 2", b"content-length: 2\r\ncontent-length: 3"),
        (b"content-length: 2", b"content-length: 2\r\ntransfer-encoding: chunked"),
        (b"content-length: 2", b"transfer-encoding: chunked, identity"),
        (b"content-length: 2", b"content-length: -2"),
        (b"content-length: 2", b"content-length: 2 2"),
        (b"content-length: 2", b"content-length: 0x2"),
        (b"content-length: 2", b"content-length : 2"),
        (b"content-length: 2", b"content-length: 2\r\nx-amz-a: b\x00c"),
        (b"content-length: 2", b"content-length: 2\r\n folded: x"),
        (b"content-length: 2", b"content-length: 2\nx-amz-a: b"),
        (b"content-length: 2", b"content-length: 2\r\nx-amz-a: b\rx-amz-c: d"),
        (b"content-length: 2", b"content-length: 2\r\ncontent-length: 2"),
        (b"content-length: 2", b"content-length: +2"),
        (b"content-length: 2", b"transfer-encoding: chunked\r\ntransfer-encoding: identity"),
        (b"content-length: 2", b"transfer-encoding: xchunked"),
        (b"content-length: 2", b"transfer-encoding: gzip, chunked"),
        (b"content-length: 2", b"x y: 2"),
        (b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
        (b"HTTP/1.1", b"HTTP/1.0\r\ntransfer-encoding: chunked"),
        (b"HTTP/1.1", b"HTTP/2.0"),
        (b"HTTP/1.1", b"HTTP/0.9"),
        (b"POST /", b"CONNECT /"),
        (b"POST / ", b"CONNECT a:1 "),
        (b"HTTP/1.1", b"HTTP/3.7"),
        (b"POST", b"P\xc3\x96ST"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(
    endpoint: Endpoint, old: bytes, new: bytes
) -> None:
    sent = written(own(endpoint)).replace(old, new, 1)
    with connected(endpoint) as link:
        link.sendall(sent + b"0\r\n\r\n")
        got = b"".join(iter(lambda: link.recv(65_536), b""))
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "doubled", [b"x-amz-target", b"host", b"x-amz-date", b"authorization", b"x-amz-security-token"]
)
def test_a_header_that_comes_twice_is_refused(endpoint: Endpoint, doubled: bytes) -> None:
    request = own(endpoint)
    value = request.headers.get(doubled, b"x")
    for where in (b"\r\n", b"\r\n\r\n"):
        line = b"\r\n" + doubled + b": " + value
        sent = written(request).replace(where, line + where, 1)
        status, _, body = exchange(endpoint, sent)
        assert status == 400
        assert code(body) in {
            "IncompleteSignatureException",
            "InvalidSignatureException",
            "UnknownOperationException",
            "UnrecognizedClientException",
        }


def test_letters_beyond_ascii_in_headers_do_no_harm(endpoint: Endpoint) -> None:
    for name in ("user_agent", "x_amz_security_token", "content_type", "x_amz_target", "host"):
        request = with_headers(own(endpoint), **{name: "열쇠\xff".encode("utf-8", "replace")})
        status, _, _ = exchange(endpoint, written(request))
        assert status == (200 if name == "user_agent" else 404 if name == "content_type" else 400)
    signed_so = own(endpoint, headers=LIST_KEYS | {"X-Amz-A": "열쇠"})
    assert exchange(endpoint, written(signed_so))[0] == 200


@pytest.mark.parametrize("rest", [b"", b"\r\n\r\n"], ids=["endless", "complete"])
@pytest.mark.parametrize(
    "head",
    [
        b"POST /" + b"a" * 20_000,
        b"POST / HTTP/1.1\r\nx-amz-a: " + b"a" * 24_000,
        b"POST / HTTP/1.1\r\n" + b"x-amz-a: b\r\n" * 2_000 + b"a: b",
        b"POST / HTTP/1.1\r\n" + b"a" * 24_000 + b": b",
    ],
    ids=["target", "value", "headers", "name"],
)
def test_a_head_that_is_too_large_is_refused_even_in_one_packet(
    endpoint: Endpoint, head: bytes, rest: bytes
) -> None:
    with connected(endpoint) as link:
        link.sendall(head + rest)
        status, headers, body = answer(link)
    assert (status, headers["Connection"]) == (400, "close")
    assert body == b"The head of this request is too large."


def test_the_largest_head_is_read_in_packets_of_any_size(endpoint: Endpoint) -> None:
    request = own(endpoint, headers=LIST_KEYS | {"X-Amz-A": "a" * 15_500})
    sent = written(request)
    for size in (1_000, 4_096, 100_000):
        with connected(endpoint) as link:
            for at in range(0, 2 * len(sent), size):
                link.sendall((sent + sent)[at : at + size])
            assert [answer(link)[0], answer(link)[0]] == [200, 200]


def test_a_slow_client_is_disconnected_and_delays_no_other(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, _, body = written(own(endpoint, b'{"Limit": 1}')).partition(b"\r\n\r\n")
    starts = [b"", b"\r\n", b"POST / HT", head, head + b"\r\n\r\n" + body[:3]]
    links = [connected(endpoint) for _ in range(8) for _ in starts]
    try:
        for number, link in enumerate(links):
            link.sendall(starts[number % len(starts)])
        assert exchange(endpoint, written(own(endpoint)))[0] == 200
        monkeypatch.setattr(connections, "PATIENCE", 0)
        for link in links:
            assert link.recv(1) == b""
    finally:
        for link in links:
            link.close()


def test_a_client_that_reads_no_answer_is_disconnected(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.5)
    with connected(endpoint) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        link.settimeout(5)
        with suppress(ConnectionError, TimeoutError):  # a full socket may not learn of its end
            flood(link, written(own(endpoint)) * 20)
        link.settimeout(20)
        with suppress(ConnectionError):
            while link.recv(1 << 20):
                pass
    assert exchange(endpoint, written(own(endpoint)))[0] == 200


def test_an_answer_to_a_closed_connection_is_dropped() -> None:
    class Closed:
        """As uvloop's transport is after `abort`."""

        def is_closing(self) -> bool:
            return True

        def write(self, data: bytes) -> None:
            raise RuntimeError("the handler is closed")

    async def run() -> None:
        failures: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, failure: failures.append(failure))
        connections._AnswerTransport(cast(Any, Closed()), loop).write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert failures == []

    asyncio.run(run())


def test_a_client_that_disappears_does_no_harm(endpoint: Endpoint) -> None:
    for sent in (b"", b"POST", written(own(endpoint))[:-1], written(own(endpoint))):
        with connected(endpoint) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset
            link.sendall(sent)
    assert exchange(endpoint, written(own(endpoint)))[0] == 200


def test_a_long_operation_delays_no_other() -> None:
    library = HeldLibrary()
    with Lab(backends=(library, pycryptodome)) as lab, running(lab) as endpoint:
        kms = client(endpoint)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        with ThreadPoolExecutor(1) as pool:
            long = pool.submit(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")
            library.begun.wait()
            assert exchange(endpoint, written(own(endpoint)))[0] == 200
            assert not long.done()
            library.let_go()
        assert long.result()["KeyPairSpec"] == "RSA_2048"


def test_a_crowd_of_long_operations_delays_no_other() -> None:
    """All that may run are held, and many more wait: another operation does not wait with them."""
    library, crowd = HeldLibrary(), 24
    with Lab(backends=(library, pycryptodome)) as lab, running(lab) as endpoint:
        kms = client(endpoint, config=Config(max_pool_connections=crowd, read_timeout=600))
        other = client(endpoint, config=Config(read_timeout=20, retries={"total_max_attempts": 1}))
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        make = partial(kms.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")
        with ThreadPoolExecutor(crowd) as pool:
            try:
                long = [pool.submit(make) for _ in range(crowd)]
                until(lambda: len(library.held) >= OF_WORKERS)
                other.disable_key(KeyId=key)
                assert not any(each.done() for each in long)
            finally:
                library.let_go()
        errors = [each.exception() for each in long]
    assert errors.count(None) == OF_WORKERS  # the others began when the key was disabled


@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(st.sampled_from(["KeyId", "Limit", "Marker", "x"]), inner),
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    operation=st.sampled_from(
        ["ListKeys", "Encrypt", "Decrypt", "CreateKey", "Sign", "TagResource"]
    ),
)
def test_whatever_is_signed_is_answered_in_awss_form(
    endpoint: Endpoint, body: bytes, operation: str
) -> None:
    headers = JSON | {"X-Amz-Target": f"TrentService.{operation}"}
    status, _, told = exchange(endpoint, written(own(endpoint, body, headers=headers)))
    assert status in (200, 400)
    if status == 400:
        assert code(told).endswith("Exception")


@given(at=st.integers(0, 400), length=st.integers(0, 3), noise=st.binary(max_size=6))
def test_noise_in_a_request_is_never_the_servers_fault(
    endpoint: Endpoint, at: int, length: int, noise: bytes
) -> None:
    sent = written(own(endpoint))
    with connected(endpoint) as link:
        link.sendall(sent[:at] + noise + sent[at + length :])
        link.shutdown(socket.SHUT_WR)
        got = b"".join(iter(lambda: link.recv(65_536), b""))
    assert b"HTTP/1.1 5" not in got.replace(b"HTTP/1.1 501", b"")


def test_an_xml_answer_is_xml(endpoint: Endpoint) -> None:
    request = own(
        endpoint,
        b"Action=<&>&Version=%00<x>",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        service="sts",
    )
    status, _, body = exchange(endpoint, written(request))
    assert status == 400
    assert ElementTree.fromstring(body.decode()) is not None


def test_what_is_refused_is_not_stored_and_answered_whole(endpoint: Endpoint, lab: Lab) -> None:
    long = "k" * 900_000
    headers = JSON | {"X-Amz-Target": "TrentService.DescribeKey"}
    body = json.dumps({"KeyId": long}).encode()
    status, _, told = exchange(endpoint, written(own(endpoint, body, headers=headers)))
    assert (status, code(told)) == (400, "ValidationException")
    text = json.loads(told)["message"]
    assert text.startswith("1 validation error detected: Value 'kkk")
    assert text.endswith(
        "kkk...' at 'keyId' failed to satisfy constraint: "
        "Member must have length less than or equal to 2048"
    )
    assert len(text) < 5_000
    assert len(json.dumps(lab.trail[-1])) < 4_000
    headers = JSON | {"X-Amz-Target": "TrentService.Encrypt"}
    request = {"KeyId": "alias/none", "Plaintext": "YQ==", "EncryptionContext": {"a": long}}
    told = exchange(endpoint, written(own(endpoint, json.dumps(request).encode(), headers=headers)))
    assert len(told[2]) < 1_000
    event = lab.trail[-1]
    assert event["requestParameters"] == {"omitted": True}
    assert len(json.dumps(event)) < 4_000
    many = {"KeyId": "k", "Tags": [{"TagKey": "", "TagValue": ""}] * 10_000}
    headers = JSON | {"X-Amz-Target": "TrentService.TagResource"}
    told = exchange(endpoint, written(own(endpoint, json.dumps(many).encode(), headers=headers)))[2]
    assert len(told) < 20_000


def test_the_trail_keeps_as_much_of_a_user_agent_as_cloudtrail(
    endpoint: Endpoint, lab: Lab
) -> None:
    exchange(endpoint, written(with_headers(own(endpoint), user_agent=b"a" * 10_000)))
    assert lab.trail[-1]["userAgent"] == "a" * 1_024


def test_a_form_that_is_too_long_is_not_read(endpoint: Endpoint) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"Action=GetCallerIdentity&Version=2011-06-15&x=" + b"%41" * 300_000
    status, _, told = exchange(endpoint, written(own(endpoint, body, headers=form, service="sts")))
    assert status == 400
    assert len(told) < 1_000
