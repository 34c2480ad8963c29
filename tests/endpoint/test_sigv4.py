"""A request is accepted if, and only if, its signature is the one that AWS's own signer makes."""

import re
import time
import tracemalloc
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab.endpoint.claims import Request, claim_of, joined, service_of
from kmslab.endpoint.sigv4 import WRONG, Verifier
from kmslab.kms.backing.access_keys import digest_of
from kmslab.kms.contract.errors import KMSError
from tests.cases import for_every
from tests.endpoint.signing import ID, KEY, SECRET, signed, verifier, with_headers

TARGET = {"X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
DAY = time.strftime("%Y%m%d", time.gmtime())


def verify(request: Request, now: float | None = None, service: bytes = b"kms") -> Any:
    return verifier().verify(request, service, time.time() if now is None else now)


def refusal(request: Request, now: float | None = None) -> tuple[str, str]:
    with pytest.raises(KMSError) as caught:
        verify(request, now)
    return caught.value.code, caught.value.message


# ---------------------------------------------------------------------- what AWS's own signer makes

plain = st.text("abcXYZ019-._~", max_size=5)
awkward = st.text("a ~*'()!$&+,;=:@%/é\t", max_size=6)
names = st.from_regex(r"x-(amz|a)-[a-z]{2,6}", fullmatch=True)
values = st.text("ab  \t,;=\"'1", max_size=12)


@given(
    body=st.binary(max_size=40),
    headers=st.dictionaries(names, values, max_size=4),
    path=st.lists(st.one_of(plain, awkward.map(lambda text: quote(text, safe="")), st.just(".."))),
    query=st.lists(st.tuples(awkward, awkward), max_size=4),
    region=st.sampled_from(["us-east-1", "eu-central-2", "us-gov-west-1", "ap-northeast-3"]),
)
def test_what_botocore_signs_is_accepted(
    body: bytes,
    headers: dict[str, str],
    path: list[str],
    query: list[tuple[str, str]],
    region: str,
) -> None:
    written = "&".join(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in query)
    request = signed(
        body, headers=TARGET | headers, path="/" + "/".join(path), query=written, region=region
    )
    assert verify(request) == (KEY, region)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_presigned_request_is_accepted(method: str) -> None:
    request = signed(b"", method=method, query="Action=GetCallerIdentity", presigned=60)
    assert verify(request, time.time() + 59).key == KEY
    code, text = refusal(request, time.time() + 62)
    assert code == "InvalidSignatureException"
    assert text.startswith("Signature expired: ")


def test_the_date_header_is_a_date_too() -> None:
    request = signed(headers=TARGET | {"Date": "to be replaced"})
    assert b"x-amz-date" not in request.headers
    assert verify(request).key == KEY


def test_values_of_a_repeated_header_are_signed_together() -> None:
    pairs = [(b"x-amz-a", b"1"), (b"host", b"h"), (b"x-amz-a", b"2")]
    assert joined(pairs) == {b"x-amz-a": b"1,2", b"host": b"h"}
    request = signed(headers=TARGET | {"X-Amz-A": "1,2"})
    assert verify(request).key == KEY


def test_spaces_between_words_count_once() -> None:
    request = signed(headers=TARGET | {"X-Amz-A": "  one   two\tthree "})
    assert verify(with_headers(request, x_amz_a=b"one two  three")).key == KEY
    assert refusal(with_headers(request, x_amz_a=b"onetwo three"))[1] == WRONG


def test_letters_beyond_ascii_are_signed_as_utf_8() -> None:
    request = signed(headers=TARGET | {"X-Amz-A": "열쇠"})
    assert request.headers[b"x-amz-a"] == "열쇠".encode()
    assert verify(request).key == KEY


def test_unsigned_headers_may_change() -> None:
    request = with_headers(signed(headers=TARGET), user_agent=b"x", connection=b"close")
    assert verify(request).key == KEY


def test_the_parameters_may_come_in_any_order() -> None:
    request = signed(headers=TARGET)
    header = request.headers[b"authorization"]
    algorithm, credential, names, signature = re.split(rb",? ", header)
    for parts in (
        b" ".join([algorithm, signature + b",", names + b",", credential]),
        algorithm + b" " + b",".join([credential, names, signature]),
        algorithm + b"   " + b" ,  ".join([credential, signature, names]) + b"  ",
    ):
        assert verify(with_headers(request, authorization=parts)).key == KEY


# -------------------------------------------------------------------------- what must be refused


@for_every(
    "change",
    [
        lambda r: r._replace(body=b"{ }"),
        lambda r: r._replace(method=b"PUT"),
        lambda r: r._replace(path=b"/x"),
        lambda r: r._replace(query=b"a=b"),
        lambda r: with_headers(r, host=b"localhost:4566"),
        lambda r: with_headers(r, x_amz_target=b"TrentService.CreateKey"),
        lambda r: with_headers(r, content_type=b"application/json"),
        lambda r: with_headers(r, content_type=None),
    ],
)
def test_nothing_that_was_signed_may_change(change: Any) -> None:
    request = signed(headers=TARGET)
    assert verify(request)
    assert refusal(change(request)) == ("InvalidSignatureException", WRONG)


def test_another_secret_is_refused() -> None:
    assert refusal(signed(secret=SECRET[:-1])) == ("InvalidSignatureException", WRONG)
    assert refusal(signed(secret="")) == ("InvalidSignatureException", WRONG)


@given(at=st.integers(0, 63), digit=st.sampled_from(b"0123456789abcdefABCDEFg \xff"))
def test_every_digit_of_the_signature_counts(at: int, digit: int) -> None:
    request = signed(headers=TARGET)
    header = bytearray(request.headers[b"authorization"])
    same = header[len(header) - 64 + at] == digit
    header[len(header) - 64 + at] = digit
    if not same:
        code, _ = refusal(with_headers(request, authorization=bytes(header)))
        assert code in ("InvalidSignatureException", "IncompleteSignatureException")


def test_a_body_that_claims_another_digest_is_refused() -> None:
    request = signed(headers=TARGET | {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refusal(request) == ("InvalidSignatureException", WRONG)


def test_an_unknown_access_key_is_unrecognised() -> None:
    text = "The security token included in the request is invalid."
    assert refusal(signed(key_id="AKIAUNKNOWN")) == ("UnrecognizedClientException", text)


def test_a_key_with_a_new_secret_forgets_the_old_one() -> None:
    keys = {ID: KEY}
    one = Verifier(keys.get, lambda key: key.sealed)
    request = signed(headers=TARGET)
    assert one.verify(request, b"kms", time.time())
    keys[ID] = replace(KEY, sealed=b"another")
    with pytest.raises(KMSError, match="does not match"):
        one.verify(request, b"kms", time.time())
    keys.clear()
    with pytest.raises(KMSError, match="invalid"):
        one.verify(request, b"kms", time.time())


# -------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize("skew", [-299, -10, 0, 10, 299])
def test_clocks_may_differ_by_five_minutes(skew: int) -> None:
    assert verify(signed(headers=TARGET), time.time() + skew)


def test_an_old_signature_has_expired() -> None:
    request = signed(headers=TARGET)
    signed_at = datetime.strptime(request.headers[b"x-amz-date"].decode(), "%Y%m%dT%H%M%SZ")
    now = signed_at.replace(tzinfo=UTC) + timedelta(seconds=301)
    code, text = refusal(request, now.timestamp())
    assert code == "InvalidSignatureException"
    stamps = [f"{at:%Y%m%dT%H%M%SZ}" for at in (signed_at, now - timedelta(minutes=5), now)]
    assert text == (
        f"Signature expired: {stamps[0]} is now earlier than {stamps[1]} ({stamps[2]} - 5 min.)"
    )


def test_a_signature_of_the_future_is_not_yet_current() -> None:
    request = signed(headers=TARGET)
    code, text = refusal(request, time.time() - 400)
    assert code == "InvalidSignatureException"
    assert re.fullmatch(
        r"Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z "
        r"\(\d{8}T\d{6}Z \+ 5 min\.\)",
        text,
    )


@for_every(
    "date",
    [
        b"201",
        b"20261301T000000Z",
        b"yesterday",
        b"Tue, 99 Nov 2026 00:00:00 GMT",
        b"\xff",
        b"0" * 99,
    ],
)
def test_what_is_not_a_date_is_refused(date: bytes) -> None:
    code, text = refusal(with_headers(signed(headers=TARGET), x_amz_date=date))
    assert code == "IncompleteSignatureException"
    shown = date.decode("utf-8", "replace")
    assert text == (
        f"Date must be in ISO-8601 'basic format'. Got '{shown}'. "
        "See http://en.wikipedia.org/wiki/ISO_8601"
    )


# ------------------------------------------------------------------------------------------- scope


@pytest.mark.parametrize(
    ("credential", "text"),
    [
        (f"{ID}/{DAY}/nowhere/kms/aws4_request", "Credential should be scoped to a valid region. "),
        (
            f"{ID}/{DAY}/us-east-1/s3/aws4_request",
            "Credential should be scoped to correct service: 'kms'. ",
        ),
        (
            f"{ID}/{DAY}/us-east-1/kms/aws5",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'. ",
        ),
    ],
)
def test_a_wrong_scope_is_refused(credential: str, text: str) -> None:
    assert refusal(_with_credential(credential)) == ("InvalidSignatureException", text)


def test_everything_that_is_wrong_in_a_scope_is_listed() -> None:
    code, text = refusal(_with_credential("a/b/c/d/e"))
    assert code == "InvalidSignatureException"
    assert re.fullmatch(
        r"Credential should be scoped to a valid region\. "
        r"Credential should be scoped to correct service: 'kms'\. "
        r"Credential should be scoped with a valid terminator: 'aws4_request', not 'e'\. "
        r"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
        rf"HTTP: 'b' != '{DAY}', from '{DAY}T\d{{6}}Z'\.",
        text,
    )


@pytest.mark.parametrize("credential", ["AKID", "a/b/c/d", "a/b/c/d/e/f"])
def test_a_credential_has_five_parts(credential: str) -> None:
    assert refusal(_with_credential(credential)) == (
        "IncompleteSignatureException",
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        f"keyid/date/region/service/term, got '{credential}'",
    )


def _with_credential(credential: str) -> Request:
    request = signed(headers=TARGET)
    header = request.headers[b"authorization"]
    changed = re.sub(rb"Credential=[^,]*", f"Credential={credential}".encode(), header)
    return with_headers(request, authorization=changed)


# ---------------------------------------------------------------------------- incomplete signatures


def test_an_unsigned_request_is_refused() -> None:
    request = with_headers(signed(headers=TARGET), authorization=None)
    expected = ("MissingAuthenticationTokenException", "Missing Authentication Token")
    assert refusal(request) == expected
    assert refusal(with_headers(request, authorization=b"Bearer abc")) == expected
    assert refusal(with_headers(request, authorization=b"")) == expected


def test_a_header_without_parameters_is_incomplete() -> None:
    request = with_headers(
        signed(headers=TARGET), authorization=b"AWS4-HMAC-SHA256", x_amz_date=None
    )
    code, text = refusal(request)
    assert code == "IncompleteSignatureException"
    assert text == (
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. "
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        "(Hashed with SHA-256 and encoded with Base64) "
        f"Authorization={b64encode(sha256(b'AWS4-HMAC-SHA256').digest()).decode()}"
    )


@pytest.mark.parametrize(
    "header",
    [
        b"AWS4-HMAC-SHA256 Credential",
        b"AWS4-HMAC-SHA256 secret-password",
        b"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, AWS4-HMAC-SHA256 Credential=a/b/c/d/e",
    ],
)
def test_a_word_without_equal_sign_is_not_shown(header: bytes) -> None:
    code, text = refusal(with_headers(signed(headers=TARGET), authorization=header))
    assert code == "IncompleteSignatureException"
    assert re.fullmatch(
        r"Invalid key=value pair \(missing equal-sign\) in Authorization header "
        r"\(hashed with SHA-256 and encoded with Base64\): '[A-Za-z0-9+/]{43}='\.",
        text,
    )


def test_what_the_service_depends_on_must_be_signed() -> None:
    for name, shown in (
        ("host", "'Host' or ':authority'"),
        ("x-amz-date", "'X-Amz-Date'"),
        ("x-amz-target", "'X-Amz-Target'"),
    ):
        request = signed(headers=TARGET)
        header = request.headers[b"authorization"]
        header = re.sub(rb";?" + name.encode(), b"", header).replace(b"=;", b"=")
        assert refusal(with_headers(request, authorization=header)) == (
            "InvalidSignatureException",
            f"{shown} must be a 'SignedHeader' in the AWS Authorization.",
        )


def test_a_missing_header_cannot_have_been_signed() -> None:
    request = signed(headers=TARGET | {"X-Amz-A": ""})
    assert verify(request)
    assert refusal(with_headers(request, x_amz_a=None)) == ("InvalidSignatureException", WRONG)


def test_another_algorithm_is_unsupported() -> None:
    request = signed(headers=TARGET)
    header = request.headers[b"authorization"].replace(b"SHA256", b"SHA1", 1)
    assert refusal(with_headers(request, authorization=header)) == (
        "IncompleteSignatureException",
        "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1' (only AWS4-HMAC-SHA256 for now). ",
    )


def test_a_presigned_request_lists_what_it_lacks() -> None:
    request = signed(b"", presigned=60)
    request = request._replace(query=b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x")
    assert refusal(request) == (
        "IncompleteSignatureException",
        "AWS query-string parameters must include 'X-Amz-Signature'. "
        "AWS query-string parameters must include 'X-Amz-SignedHeaders'. "
        "AWS query-string parameters must include 'X-Amz-Date'. "
        "Re-examine the query-string parameters.",
    )


def test_two_signatures_are_refused() -> None:
    request = signed(headers=TARGET)._replace(query=b"X-Amz-Algorithm=AWS4-HMAC-SHA256")
    assert refusal(request) == (
        "InvalidSignatureException",
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    )


# ------------------------------------------------------------------------------------------ tokens


def test_a_sessions_key_needs_its_token_and_expires() -> None:
    soon = datetime.now(UTC) + timedelta(minutes=2)
    session = replace(KEY, token=digest_of(b"a token"), expires=soon)
    one = verifier(session)
    request = signed(headers=TARGET, token="a token")
    assert one.verify(request, b"kms", time.time()).key == session
    for other in (signed(headers=TARGET), signed(headers=TARGET, token="another")):
        with pytest.raises(KMSError) as caught:
            one.verify(other, b"kms", time.time())
        assert caught.value.code == "UnrecognizedClientException"
    with pytest.raises(KMSError) as caught:
        one.verify(request, b"kms", time.time() + 130)
    assert caught.value.code == "ExpiredTokenException"
    assert caught.value.message == "The security token included in the request is expired"


def test_an_unknown_token_is_refused() -> None:
    code, _ = refusal(signed(headers=TARGET, token="any"))
    assert code == "UnrecognizedClientException"


# ------------------------------------------------------------------------------------ never a crash


@given(
    header=st.one_of(
        st.binary(max_size=60),
        st.binary(max_size=60).map(lambda tail: b"AWS4-HMAC-SHA256 " + tail),
        st.text("Credential=SgndHs/,; 0a\xff", max_size=60).map(lambda t: b"AWS4-" + t.encode()),
    ),
    query=st.one_of(st.just(b""), st.binary(max_size=40).map(lambda t: b"X-Amz-Algorithm=" + t)),
    date=st.one_of(st.none(), st.binary(max_size=20)),
)
def test_whatever_is_claimed_is_refused_in_awss_words(
    header: bytes, query: bytes, date: bytes | None
) -> None:
    request = with_headers(
        signed(headers=TARGET)._replace(query=query), authorization=header, x_amz_date=date
    )
    with pytest.raises(KMSError):
        verify(request)
    service_of(request)


def test_the_service_that_a_request_is_for_can_be_read_before_it_is_checked() -> None:
    assert service_of(signed(service="s3")) == "s3"
    assert service_of(signed(service="sts", presigned=5)) == "sts"
    assert service_of(with_headers(signed(), authorization=None)) == ""
    assert claim_of(signed(service="s3")).credential.startswith(ID.encode())


def test_unverified_requests_leave_nothing_in_memory() -> None:
    """Signed with an unknown key or wrongly, with other headers each time."""
    judge = verifier()
    requests = [
        with_headers(signed(), authorization=b"AWS4-HMAC-SHA256 Credential=" + text)
        for at in range(200)
        for text in (
            b"%d/a/b/kms/aws4_request, SignedHeaders=%s, Signature=0"
            % (at, b";".join(b"h%d-%d" % (at, each) for each in range(1_500))),
            b"x" * (15_000 + at),
        )
    ]
    for attempt in range(2):
        tracemalloc.start()
        for request in requests:
            with pytest.raises(KMSError):
                judge.verify(request, b"kms", time.time())
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert attempt == 0 or grown < 200_000


def test_a_name_is_signed_once_only() -> None:
    request = signed()
    header = request.headers[b"authorization"]
    doubled = with_headers(request, authorization=header.replace(b"=host;", b"=host;host;"))
    assert doubled != request
    with pytest.raises(KMSError) as caught:
        verifier().verify(doubled, b"kms", time.time())
    assert caught.value.code == "InvalidSignatureException"


@pytest.mark.parametrize("piece", [b"Credential=", b"Credential=/", b"Credential=a/", b"/,", b"-a"])
def test_a_service_is_found_in_one_pass(piece: bytes) -> None:
    """A search that began again at each piece would take minutes."""
    header = b"AWS4-HMAC-SHA256 " + piece * (1_000_000 // len(piece))
    found = service_of(with_headers(signed(), authorization=header))
    assert len(found) <= 64
