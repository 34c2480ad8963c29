"""The proxy as AWS KMS meets it: signed requests on a socket, as botocore signs them."""

import http.client
import json
from base64 import b64decode, b64encode
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from key_manager import DISABLED, Sealed
from xks_proxy import PATH, credential_in, integrity, new_credential

ABOUT = {
    "kmsOperation": "Encrypt",
    "awsPrincipalArn": "arn:aws:iam::111122223333:user/alice",
    "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
    "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}
SEAL = {
    "requestMetadata": ABOUT,
    "plaintext": b64encode(b"Hello World!").decode(),
    "additionalAuthenticatedData": b64encode(b"project=nile").decode(),
    "encryptionAlgorithm": "AES_GCM",
    "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
}


@pytest.fixture
def ask(address, proxy):
    def ask(path, request, credential=None, method="POST", sent=None, **headers):
        """`sent`: a path or a body other than the signed one."""
        url, body = address + PATH + path, json.dumps(request).encode()
        signed = AWSRequest(method, url, data=body)
        name, secret = credential or next(iter(proxy.credentials.items()))
        SigV4Auth(Credentials(name, secret), "kms-xks-proxy", "us-east-1").add_auth(signed)
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        try:
            everything = dict(signed.headers) | headers
            connection.request(method, PATH + path, (sent or body), everything)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    return ask


def test_what_the_proxy_seals_it_opens(ask):
    status, sealed = ask("/keys/patients/encrypt", SEAL)
    assert status == 200
    members = ("ciphertext", "ciphertextMetadata", "initializationVector", "authenticationTag")
    opening = {member: sealed[member] for member in members}
    opening |= {"requestMetadata": ABOUT, "encryptionAlgorithm": "AES_GCM"}
    aad = {"additionalAuthenticatedData": SEAL["additionalAuthenticatedData"]}
    status, opened = ask("/keys/patients/decrypt", opening | aad)
    assert (status, b64decode(opened["plaintext"])) == (200, b"Hello World!")
    status, refusal = ask("/keys/patients/decrypt", opening)
    assert (status, refusal["errorName"]) == (400, "InvalidCiphertextException")


def test_the_integrity_value_is_that_of_the_specifications_example():
    sealed = Sealed(
        b64decode("HMrlRw85cAJUd5Ax"),
        b64decode("ghxkK1txeDNn3q8Y"),
        b64decode("vBxN2ncH1oEkR8WVXpmyYQ=="),
    )
    value = integrity(b"project=nile,department=marketing", b"key_version=1", sealed)
    assert b64encode(value).decode() == "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="


def test_health_and_metadata_are_those_of_the_specification(ask, keys):
    status, health = ask("/health", {"requestMetadata": {"kmsOperation": "KmsHealthCheck"}})
    assert (status, health["ekmFleetDetails"][0]["healthStatus"]) == (200, "ACTIVE")
    keys.set_status("patients", DISABLED)
    status, metadata = ask("/keys/patients/metadata", {"requestMetadata": ABOUT})
    assert (status, metadata) == (
        200,
        {"keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "DISABLED"},
    )


@pytest.mark.parametrize(
    ("path", "request_", "expected"),
    [
        ("/keys/gone/encrypt", SEAL, (404, "KeyNotFoundException")),
        ("/brew", SEAL, (404, "InvalidUriPathException")),
        ("/keys/patients/encrypt", {}, (400, "ValidationException")),
        ("/keys/patients/encrypt", SEAL | {"plaintext": "%"}, (400, "ValidationException")),
        ("/keys/patients/decrypt", SEAL, (400, "ValidationException")),
    ],
)
def test_each_mistake_has_its_error(ask, path, request_, expected):
    status, answer = ask(path, request_)
    assert (status, answer["errorName"]) == expected


def test_a_request_that_is_not_signed_as_agreed_is_not_answered(ask, lines, proxy):
    [(name, secret)] = proxy.credentials.items()
    path, denied = "/keys/patients/encrypt", (401, "AuthenticationFailedException")
    tries = [
        ask(path, SEAL, credential=new_credential()),
        ask(path, SEAL, credential=(name, secret + "=")),
        ask(path, SEAL, sent=json.dumps(SEAL | {"plaintext": ""}).encode()),
        ask(path, SEAL, Authorization="none"),
        ask(path, SEAL, **{"X-Amz-Date": "20200101T000000Z"}),
    ]
    assert [(status, answer["errorName"]) for status, answer in tries] == [denied] * len(tries)
    assert all("AuthenticationFailedException" in line for line in lines)


def test_the_api_takes_post_only(ask):
    assert ask("/health", {}, method="GET")[0] == 405


def test_the_log_says_who_did_what_and_not_with_which_data(ask, lines):
    ask("/keys/patients/encrypt", SEAL)
    [line] = lines
    assert ABOUT["kmsRequestId"] in line
    assert ABOUT["awsPrincipalArn"] in line
    assert SEAL["plaintext"] not in line


def test_the_credential_is_made_once_and_kept(tmp_path):
    path = tmp_path / "proxy.json"
    assert credential_in(path) == credential_in(path)
    name, secret = credential_in(path)
    assert (len(name), len(secret)) == (20, 44)
