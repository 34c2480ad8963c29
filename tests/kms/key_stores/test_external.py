"""Keys in an external key store: both keys are needed, and the proxy may fail in every way."""

import base64
import hashlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from key_manager import DISABLED, ENABLED, KeyManager
from xks_proxy import new_credential

from kmslab import CMK, Lab, allow
from kmslab.kms.backing import blob as blobs
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.proxy_troubles import ANSWERED
from kmslab.lab.key_stores import CustomKeyStore
from tests.cases import for_every
from tests.kms.exposed import disguises
from tests.kms.key_stores.proxies import Unreliable, http, json_bytes

PLAINTEXT, CONTEXT = b"card 4242", {"patient": "17"}
REJECTED = "The external key store proxy rejected the request because"
CORRUPTED = (
    f"{REJECTED} the specified ciphertext or additional authenticated data is corrupted, missing, "
    "or otherwise invalid."
)
UNINTELLIGIBLE = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you see this "
    "error repeatedly, consult your external key store proxy administrator."
)
TOO_LATE = (
    "AWS KMS rejected the request because the external key store proxy did not respond in time. "
    "Retry the request. If you see this error repeatedly, report it to your external key store "
    "proxy administrator."
)
UNREACHABLE = (
    "AWS KMS cannot communicate with the external key store proxy. This might be a transient "
    "network issue. If you see this error repeatedly, verify that your external key store proxy is "
    "active and is connected to the network, and that its endpoint URI is correct in your external "
    "key store."
)
INVALID_STATE = "KMSInvalidStateException"


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


# ------------------------------------------------------------------------------ double encryption


def test_every_operation_with_a_ciphertext_works(lab: Lab, patients: CMK) -> None:
    blob = patients.encrypt(PLAINTEXT, CONTEXT)
    assert lab.decrypt(blob, CONTEXT) == PLAINTEXT
    data_key = patients.generate_data_key(CONTEXT)
    assert lab.decrypt(data_key.encrypted, CONTEXT) == data_key.plaintext
    other = lab.create_cmk()
    there = lab.kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=other.arn
    )
    back = lab.kms.re_encrypt(CiphertextBlob=there["CiphertextBlob"], DestinationKeyId=patients.arn)
    assert lab.decrypt(back["CiphertextBlob"]) == PLAINTEXT


def test_largest_plaintext_fits_the_largest_ciphertext(lab: Lab, patients: CMK) -> None:
    blob = patients.encrypt(b"x" * 4096, CONTEXT)
    assert len(blob) <= 6144
    assert lab.decrypt(blob, CONTEXT) == b"x" * 4096


def test_the_external_key_manager_never_sees_a_plaintext(patients: CMK, proxy: Unreliable) -> None:
    secret = b"a plaintext that is long enough"
    blob = patients.encrypt(secret, {"patient": secret.decode()})
    patients.decrypt(blob, {"patient": secret.decode()})
    seen = json.dumps(proxy.asked).encode() + b"".join(
        decoded(value)
        for request in proxy.asked
        for member, value in request.items()
        if member not in ("requestMetadata", "encryptionAlgorithm") and "Algorithm" not in member
    )
    assert not [part for part in disguises(secret) if part in seen]


def test_kms_alone_opens_nothing(lab: Lab, patients: CMK, manager: KeyManager) -> None:
    blob = patients.encrypt(PLAINTEXT)
    manager.delete("patients")
    manager.create("patients")
    with pytest.raises(KMSError, match="corrupted, missing"):
        lab.decrypt(blob)


def test_the_external_key_alone_opens_nothing(
    lab: Lab, vault: CustomKeyStore, patients: CMK
) -> None:
    """Another KMS key on the same external key, as after a deletion, has other material."""
    blob = patients.encrypt(PLAINTEXT)
    patients.schedule_deletion(days=7)
    lab.clock.advance(days=8)
    again = lab.create_cmk(key_store=vault, external_key="patients")
    with pytest.raises(lab.kms.exceptions.AccessDeniedException):
        lab.decrypt(blob)
    with pytest.raises(lab.kms.exceptions.IncorrectKeyException):
        again.decrypt(blob)


def test_deleting_the_kms_key_leaves_the_external_key(
    lab: Lab, patients: CMK, manager: KeyManager
) -> None:
    patients.schedule_deletion(days=7)
    lab.clock.advance(days=8)
    lab.kms.list_keys()
    assert manager.statuses() == {"patients": ENABLED}


def test_another_context_is_refused_by_the_external_key(
    lab: Lab, patients: CMK, refused: Any
) -> None:
    with refused(INVALID_STATE, CORRUPTED):
        lab.decrypt(patients.encrypt(PLAINTEXT, CONTEXT), {"patient": "18"})


def test_a_changed_blob_never_opens(lab: Lab, patients: CMK) -> None:
    blob = patients.encrypt(PLAINTEXT, CONTEXT)
    body = range(blobs.LAYOUT.size, len(blob))
    for place in body:
        changed = bytes([*blob[:place], blob[place] ^ 1, *blob[place + 1 :]])
        with pytest.raises(KMSError) as caught:
            lab.decrypt(changed, CONTEXT)
        assert caught.value.code in (INVALID_STATE, "InvalidCiphertextException")
    for end in (blobs.OVERHEAD, len(blob) - 1):
        with pytest.raises(KMSError):
            lab.decrypt(bytes(blob[:end]), CONTEXT)


def test_the_proxy_gets_to_know_who_asks_and_what_for(
    lab: Lab, vault: CustomKeyStore, patients: CMK, proxy: Unreliable
) -> None:
    alice = lab.user("alice", allow("kms:Encrypt"))
    alice.kms.encrypt(KeyId=patients.arn, Plaintext=PLAINTEXT)
    *_, created, used = [request["requestMetadata"] for request in proxy.asked]
    assert used == {
        "awsPrincipalArn": "arn:aws:iam::111122223333:user/alice",
        "kmsOperation": "Encrypt",
        "kmsRequestId": lab.trail[-1]["requestID"],
        "kmsKeyArn": patients.arn,
    }
    assert created["kmsOperation"] == "CreateKey"
    assert "kmsKeyArn" not in created  # the key is made after the external key was looked at


def test_the_trail_says_where_the_key_is(lab: Lab, vault: CustomKeyStore, patients: CMK) -> None:
    patients.encrypt(PLAINTEXT)
    data = lab.trail[-1]["additionalEventData"]
    assert (data["customKeyStoreId"], data["xksKeyId"]) == (vault.id, "patients")


# ------------------------------------------------------------------------- what goes wrong outside


def test_disabled_external_key_is_refused_until_it_is_enabled(
    patients: CMK, manager: KeyManager, refused: Any
) -> None:
    manager.set_status("patients", DISABLED)
    text = f"{REJECTED} the external key is not enabled in the external key manager."
    with refused(INVALID_STATE, text):
        patients.encrypt(PLAINTEXT)
    assert patients.state == "Enabled"  # KMS keeps no state of the external key
    manager.set_status("patients", ENABLED)
    patients.encrypt(PLAINTEXT)


def test_unplugged_proxy_makes_keys_useless_and_a_disconnected_store_unavailable(
    lab: Lab, vault: CustomKeyStore, patients: CMK, proxy: Unreliable, refused: Any
) -> None:
    proxy.unplug()
    with refused(INVALID_STATE, UNREACHABLE):
        patients.encrypt(PLAINTEXT)
    assert patients.state == "Enabled"
    vault.disconnect()
    assert patients.state == "Unavailable"
    with refused(INVALID_STATE, f"{patients.arn} is unavailable."):
        patients.encrypt(PLAINTEXT)
    vault.connect()
    assert (vault.state, vault.error) == ("FAILED", "XKS_PROXY_NOT_REACHABLE")
    assert patients.state == "Unavailable"


def lying(**changed: Any) -> Callable[..., None]:
    """Members of the answer that are replaced; None removes one."""

    def send(connection: socket.socket, status: int, answer: dict[str, Any]) -> None:
        members = {name: value for name, value in (answer | changed).items() if value is not None}
        connection.sendall(http(status, json_bytes(members)))

    return send


def raw(answer: bytes) -> Callable[..., None]:
    return lambda connection, status, _: connection.sendall(answer)


def wrong(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


LIES: dict[str, Callable[..., None]] = {
    "wrong integrity value": lying(ciphertextDataIntegrityValue=wrong(32)),
    "no integrity value": lying(ciphertextDataIntegrityValue=None),
    "another ciphertext": lying(ciphertext=wrong(25)),
    "short ciphertext": lying(ciphertext=wrong(1)),
    "short tag": lying(authenticationTag=wrong(12)),
    "long metadata": lying(ciphertextMetadata=wrong(21)),
    "IV of 8 bytes": lying(initializationVector=wrong(8)),
    "no tag": lying(authenticationTag=None),
    "a number for a tag": lying(authenticationTag=7),
    "not base64": lying(ciphertext="%%%%"),
    "nothing": raw(b""),
    "noise": raw(b"\0\1\2" * 100),
    "not JSON": raw(http(200, b"<html>")),
    "a list": raw(http(200, b"[]")),
    "too deep": raw(http(200, b"[" * 30_000)),
    "too many digits": raw(http(200, b'{"a": ' + b"9" * 10_000 + b"}")),
    "half an answer": raw(http(200, b'{"ciphertext": "', length=1_000)),
    "a negative length": raw(http(200, b"{}", length=-1)),
    "a huge answer": raw(http(200, b" " * 70_000)),
    "endless headers": raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000),
    "a redirect": raw(http(302, b"{}", "Location: http://127.0.0.1:1/")),
    "no content": raw(http(204, b"")),
    "an unknown error": raw(http(400, b'{"errorName": "BrewException"}')),
    "an error without a name": raw(http(500, b"{}")),
    "an error whose name is a list": raw(http(400, b'{"errorName": []}')),
    "an error as success": raw(http(200, b'{"errorName": "KeyNotFoundException"}')),
}


@for_every("lie", LIES)
def test_answer_that_is_not_what_the_specification_demands_is_refused(
    patients: CMK, proxy: Unreliable, refused: Any, lie: str
) -> None:
    proxy.send = LIES[lie]
    with refused(INVALID_STATE, UNINTELLIGIBLE):
        patients.encrypt(PLAINTEXT)


@for_every(
    ("member", "size"),
    [
        ("ciphertext", 24),
        ("authenticationTag", 12),
        ("initializationVector", 8),
        ("ciphertextMetadata", 21),
    ],
)
def test_wrong_size_is_refused_even_if_the_integrity_value_fits(
    patients: CMK, proxy: Unreliable, refused: Any, member: str, size: int
) -> None:
    def send(connection: socket.socket, status: int, answer: dict[str, Any]) -> None:
        answer[member] = wrong(size)
        names = ("ciphertextMetadata", "initializationVector", "ciphertext", "authenticationTag")
        parts = [proxy.asked[-1]["additionalAuthenticatedData"], *(answer[each] for each in names)]
        fitting = hashlib.sha256(b"".join(map(decoded, parts))).digest()
        answer["ciphertextDataIntegrityValue"] = base64.b64encode(fitting).decode()
        connection.sendall(http(status, json_bytes(answer)))

    proxy.send = send
    with refused(INVALID_STATE, UNINTELLIGIBLE):
        patients.encrypt(PLAINTEXT)


OPENING_LIES: dict[str, tuple[Callable[..., None], str]] = {
    "another length": (lying(plaintext=wrong(3)), UNINTELLIGIBLE),
    "no plaintext": (lying(plaintext=None), UNINTELLIGIBLE),
    "another plaintext": (
        lying(plaintext=wrong(len(PLAINTEXT) + 16)),
        "The ciphertext that the external key store proxy submitted for decryption, or the "
        "encryption context, is corrupted, missing, or otherwise invalid.",
    ),
}


@for_every("lie", OPENING_LIES)
def test_proxy_that_opens_wrongly_is_found_out(
    lab: Lab, patients: CMK, proxy: Unreliable, refused: Any, lie: str
) -> None:
    blob, honest = patients.encrypt(PLAINTEXT), proxy.send
    proxy.send, text = OPENING_LIES[lie]
    with refused(INVALID_STATE, text):
        lab.decrypt(blob)
    proxy.send = honest
    assert lab.decrypt(blob) == PLAINTEXT


@for_every("name", ANSWERED)
def test_each_error_of_the_proxy_has_awss_text(
    patients: CMK, proxy: Unreliable, refused: Any, name: str
) -> None:
    body = json_bytes({"errorName": name, "errorMessage": "not for the caller"})
    proxy.send = raw(http(400, body))
    with refused(INVALID_STATE, ANSWERED[name].text):
        patients.encrypt(PLAINTEXT)


def chunked(connection: socket.socket, status: int, answer: dict[str, Any]) -> None:
    body = json_bytes(answer)
    head = f"HTTP/1.1 {status} OK\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n"
    connection.sendall(head.encode() + body + b"\r\n0\r\n\r\n")


def until_closed(connection: socket.socket, status: int, answer: dict[str, Any]) -> None:
    connection.sendall(f"HTTP/1.1 {status} OK\r\n\r\n".encode() + json_bytes(answer))


@for_every("send", [chunked, until_closed])
def test_answer_in_another_honest_form_is_taken(
    lab: Lab, patients: CMK, proxy: Unreliable, send: Callable[..., None]
) -> None:
    proxy.send = send
    assert lab.decrypt(patients.encrypt(PLAINTEXT)) == PLAINTEXT


# ------------------------------------------------------------------------------------- in time


def test_proxy_that_never_answers_is_given_up(
    patients: CMK, proxy: Unreliable, refused: Any
) -> None:
    proxy.send = lambda *_: proxy.over.wait()
    with refused(INVALID_STATE, TOO_LATE):
        patients.encrypt(PLAINTEXT)
    assert len([each for each in proxy.asked if "plaintext" in each]) == 1  # and not asked again


def test_proxy_that_sends_byte_by_byte_gains_no_time(
    patients: CMK, proxy: Unreliable, refused: Any
) -> None:
    def drip(connection: socket.socket, status: int, answer: dict[str, Any]) -> None:
        for byte in http(status, json_bytes(answer)):
            connection.sendall(bytes([byte]))
            time.sleep(0.002)  # some 400 bytes: each is in time, and all together are not

    proxy.send = drip
    with refused(INVALID_STATE, TOO_LATE):
        patients.encrypt(PLAINTEXT)


def test_proxy_that_keeps_the_connection_open_is_not_waited_for(
    lab: Lab, patients: CMK, proxy: Unreliable
) -> None:
    honest = proxy.send

    def keep(*answer: Any) -> None:
        honest(*answer)
        proxy.over.wait()

    proxy.send = keep
    assert lab.decrypt(patients.encrypt(PLAINTEXT)) == PLAINTEXT


# ------------------------------------------------------------------- create, update and connect


def test_proxy_is_asked_before_a_store_is_made(
    lab: Lab, proxy: Unreliable, credential: tuple[str, str]
) -> None:
    for wrong_one in (new_credential(), (credential[0], new_credential()[1])):
        with pytest.raises(lab.kms.exceptions.XksProxyIncorrectAuthenticationCredentialException):
            lab.create_key_store("vault", proxy.url, wrong_one)
    with pytest.raises(lab.kms.exceptions.XksProxyInvalidConfigurationException):
        lab.create_key_store("vault", proxy.url.replace("/kms", "/other/kms"), credential)
    proxy.send = raw(http(200, b"[]"))
    with pytest.raises(lab.kms.exceptions.XksProxyInvalidResponseException):
        lab.create_key_store("vault", proxy.url, credential)
    proxy.send = lying(ekmFleetDetails=[{"healthStatus": "UNAVAILABLE"}])
    with pytest.raises(lab.kms.exceptions.XksProxyUriUnreachableException, match="unhealthy"):
        lab.create_key_store("vault", proxy.url, credential)
    proxy.unplug()
    with pytest.raises(lab.kms.exceptions.XksProxyUriUnreachableException):
        lab.create_key_store("vault", proxy.url, credential)
    assert lab.kms.describe_custom_key_stores()["CustomKeyStores"] == []


HEALTH: dict[str, tuple[Any, str]] = {
    "all right": (lying(), ""),
    "one of two": (
        lying(ekmFleetDetails=[{"healthStatus": "UNAVAILABLE"}, {"healthStatus": "DEGRADED"}]),
        "",
    ),
    "none": (lying(ekmFleetDetails=[{"healthStatus": "UNAVAILABLE"}]), "XKS_PROXY_NOT_REACHABLE"),
    "empty": (lying(ekmFleetDetails=[]), "XKS_PROXY_INVALID_RESPONSE"),
    "no list": (lying(ekmFleetDetails=7), "XKS_PROXY_INVALID_RESPONSE"),
    "a list for a status": (
        lying(ekmFleetDetails=[{"healthStatus": []}]),
        "XKS_PROXY_INVALID_RESPONSE",
    ),
    "a number in the list": (lying(ekmFleetDetails=[7]), "XKS_PROXY_INVALID_RESPONSE"),
    "no status": (lying(ekmFleetDetails=[{}]), "XKS_PROXY_INVALID_RESPONSE"),
    "denied": (
        raw(http(403, b'{"errorName": "AccessDeniedException"}')),
        "XKS_PROXY_ACCESS_DENIED",
    ),
    "unauthenticated": (
        raw(http(401, b'{"errorName": "AuthenticationFailedException"}')),
        "INVALID_CREDENTIALS",
    ),
    "late inside": (
        raw(http(503, b'{"errorName": "DependencyTimeoutException"}')),
        "XKS_PROXY_TIMED_OUT",
    ),
}


@for_every("health", HEALTH)
def test_connecting_fails_with_awss_code_for_what_the_proxy_answers(
    vault: CustomKeyStore, proxy: Unreliable, health: str
) -> None:
    if vault.state != "DISCONNECTED":
        vault.disconnect()
    proxy.send, code = HEALTH[health]
    assert vault.connect() == ("FAILED" if code else "CONNECTED")
    assert vault.error == code


def test_failed_store_must_be_disconnected_before_it_is_connected_again(
    lab: Lab, vault: CustomKeyStore, proxy: Unreliable
) -> None:
    vault.disconnect()
    honest, proxy.send = proxy.send, HEALTH["none"][0]
    vault.connect()
    with pytest.raises(lab.kms.exceptions.CustomKeyStoreInvalidStateException):
        vault.connect()
    vault.disconnect()
    proxy.send = honest
    assert vault.connect() == "CONNECTED"


def test_cell_that_is_run_again_connects_a_store_that_failed(
    lab: Lab, vault: CustomKeyStore, proxy: Unreliable, credential: tuple[str, str]
) -> None:
    vault.disconnect()
    honest, proxy.send = proxy.send, HEALTH["none"][0]
    assert lab.create_key_store("vault", proxy.url, credential).state == "FAILED"
    proxy.send = honest
    assert lab.create_key_store("vault", proxy.url, credential).state == "CONNECTED"


def test_new_credential_replaces_the_old_one_while_connected(
    lab: Lab, vault: CustomKeyStore, patients: CMK, proxy: Unreliable
) -> None:
    name, secret = new_credential()
    credential = {"AccessKeyId": name, "RawSecretAccessKey": secret}
    update = {"CustomKeyStoreId": vault.id, "XksProxyAuthenticationCredential": credential}
    with pytest.raises(lab.kms.exceptions.XksProxyIncorrectAuthenticationCredentialException):
        lab.kms.update_custom_key_store(**update)
    patients.encrypt(PLAINTEXT)  # still with the old one

    proxy.proxy.credentials = {name: secret}
    with pytest.raises(KMSError, match="could not authenticate AWS KMS"):
        patients.encrypt(PLAINTEXT)
    lab.kms.update_custom_key_store(**update)
    assert lab.decrypt(patients.encrypt(PLAINTEXT)) == PLAINTEXT
    assert vault.metadata["XksProxyConfiguration"]["AccessKeyId"] == name


def test_address_can_only_be_changed_while_disconnected(
    lab: Lab, vault: CustomKeyStore, refused: Any
) -> None:
    update = {"CustomKeyStoreId": vault.id, "XksProxyUriEndpoint": "http://127.0.0.1:1"}
    text = f"Disconnect the custom key store {vault.id} before you change these properties."
    with refused("CustomKeyStoreInvalidStateException", text):
        lab.kms.update_custom_key_store(**update)
    vault.disconnect()
    with refused("XksProxyUriUnreachableException", UNREACHABLE):
        lab.kms.update_custom_key_store(**update)
    assert vault.connect() == "CONNECTED"


def test_vpc_endpoint_service_is_not_there(
    lab: Lab, proxy: Unreliable, vault: CustomKeyStore
) -> None:
    vault.disconnect()
    with pytest.raises(lab.kms.exceptions.XksProxyVpcEndpointServiceNotFoundException):
        lab.kms.update_custom_key_store(
            CustomKeyStoreId=vault.id,
            XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
            XksProxyVpcEndpointServiceName="com.amazonaws.vpce.us-east-1.vpce-svc-example",
        )
    text = "xksProxyVpcEndpointServiceName.*must not be null"
    with pytest.raises(lab.kms.exceptions.ValidationException, match=text):
        lab.kms.update_custom_key_store(
            CustomKeyStoreId=vault.id, XksProxyConnectivity="VPC_ENDPOINT_SERVICE"
        )


# ------------------------------------------------------------------------------------- CreateKey


METADATA: dict[str, tuple[Any, str, str]] = {
    "another spec": (
        lying(keySpec="RSA_2048"),
        "XksKeyInvalidConfigurationException",
        "The key spec of the external key must be AES_256. The key spec of specified external key "
        "is RSA_2048.",
    ),
    "disabled": (
        lying(keyStatus="DISABLED"),
        "XksKeyInvalidConfigurationException",
        "The status of the external key must be ENABLED. The status of specified external key is "
        "DISABLED.",
    ),
    "encrypts only": (
        lying(keyUsage=["ENCRYPT"]),
        "XksKeyInvalidConfigurationException",
        "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of "
        "specified external key is ['ENCRYPT'].",
    ),
    "a long story": (
        lying(keySpec="x" * 10_000),
        "XksKeyInvalidConfigurationException",
        "The key spec of the external key must be AES_256. The key spec of specified external key "
        f"is {'x' * 100}.",
    ),
    "no list": (
        lying(keyUsage="ENCRYPT"),
        "CustomKeyStoreInvalidStateException",
        UNINTELLIGIBLE,
    ),
    "unknown": (
        raw(http(404, b'{"errorName": "KeyNotFoundException"}')),
        "XksKeyNotFoundException",
        f"{REJECTED} it could not find the external key.",
    ),
    "nothing": (raw(b""), "CustomKeyStoreInvalidStateException", UNINTELLIGIBLE),
}


@for_every("case", METADATA)
def test_external_key_must_be_there_and_usable(
    lab: Lab, vault: CustomKeyStore, proxy: Unreliable, refused: Any, case: str
) -> None:
    proxy.send, code, text = METADATA[case]
    with refused(code, text):
        lab.create_cmk(key_store=vault, external_key="patients")


def test_external_key_belongs_to_one_kms_key_of_the_store(
    lab: Lab, vault: CustomKeyStore, patients: CMK, refused: Any
) -> None:
    text = "The external key patients is already associated with another KMS key."
    with refused("XksKeyAlreadyInUseException", text):
        lab.create_cmk(key_store=vault, external_key="patients")


def test_metadata_names_the_store_and_the_external_key(
    vault: CustomKeyStore, patients: CMK
) -> None:
    metadata = patients.metadata
    assert metadata["Origin"] == "EXTERNAL_KEY_STORE"
    assert metadata["CustomKeyStoreId"] == vault.id
    assert metadata["XksKeyConfiguration"] == {"Id": "patients"}
    assert metadata.keys().isdisjoint({"CloudHsmClusterId", "CurrentKeyMaterialId"})


def test_external_key_store_draws_no_random_bytes(lab: Lab, vault: CustomKeyStore) -> None:
    with pytest.raises(lab.kms.exceptions.UnsupportedOperationException):
        lab.kms.generate_random(NumberOfBytes=16, CustomKeyStoreId=vault.id)


# ----------------------------------------------------------------------------------- the secret


def test_the_credentials_secret_is_nowhere_to_be_seen(
    lab: Lab, vault: CustomKeyStore, patients: CMK, credential: tuple[str, str]
) -> None:
    name, secret = credential
    patients.encrypt(PLAINTEXT)
    [record] = lab._store.all(KeyStore)
    shown = json.dumps([vault.metadata, list(lab.trail)], default=repr) + repr(record)
    assert secret not in shown
    assert name in shown  # the id may be known
