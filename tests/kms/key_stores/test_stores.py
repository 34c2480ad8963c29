"""The six operations, the place of a new key, and the simulated CloudHSM clusters."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kmslab import Clock, Lab
from kmslab.kms.backing.cloudhsm import Clusters
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.key_stores import ConnectionState, KeyStore
from kmslab.kms.store import Damaged
from kmslab.lab.key_stores import CustomKeyStore
from tests.cases import for_every

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # of the fixture `lab`
PLAINTEXT = b"card 4242"
INVALID = "CustomKeyStoreInvalidStateException"


def store_request(lab: Lab, name: str, modules: int = 2) -> dict[str, Any]:
    cluster, password = clusters(lab).create(modules, NOW)
    return {
        "CustomKeyStoreName": name,
        "CloudHsmClusterId": cluster.id,
        "TrustAnchorCertificate": cluster.trust_anchor,
        "KeyStorePassword": password,
    }


def clusters(lab: Lab) -> Clusters:
    return lab._integrations.clusters


XKS = {
    "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
    "CustomKeyStoreName": "vault",
    "XksProxyConnectivity": "PUBLIC_ENDPOINT",
    "XksProxyUriEndpoint": "https://proxy.example.com",
    "XksProxyUriPath": "/kms/xks/v1",
    "XksProxyAuthenticationCredential": {
        "AccessKeyId": "A" * 20,
        "RawSecretAccessKey": "a" * 43,
    },
}


# ------------------------------------------------------------------------------ a store's life


def test_new_store_is_disconnected_and_connects_after_some_seconds(lab: Lab) -> None:
    request = store_request(lab, "vault")
    store = lab.kms.create_custom_key_store(**request)["CustomKeyStoreId"]
    assert (len(store), store[:4]) == (21, "cks-")

    def shown() -> dict[str, Any]:
        return lab.kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]

    assert shown() == {
        "CustomKeyStoreId": store,
        "CustomKeyStoreName": "vault",
        "CloudHsmClusterId": request["CloudHsmClusterId"],
        "TrustAnchorCertificate": request["TrustAnchorCertificate"],
        "ConnectionState": "DISCONNECTED",
        "CreationDate": NOW,
        "CustomKeyStoreType": "AWS_CLOUDHSM",
    }
    lab.kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert shown()["ConnectionState"] == "CONNECTING"
    lab.clock.advance(seconds=5)
    assert shown()["ConnectionState"] == "CONNECTED"
    lab.kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert shown()["ConnectionState"] == "DISCONNECTED"
    lab.kms.delete_custom_key_store(CustomKeyStoreId=store)
    with pytest.raises(lab.kms.exceptions.CustomKeyStoreNotFoundException):
        shown()


# AWS's table: the states in which an operation works.
WORKS: dict[str, set[str]] = {
    "connect_custom_key_store": {"DISCONNECTED", "CONNECTING", "CONNECTED"},
    "disconnect_custom_key_store": {"CONNECTING", "CONNECTED", "FAILED"},
    "update_custom_key_store": {"DISCONNECTED", "CONNECTED"},
    "delete_custom_key_store": {"DISCONNECTED"},
    "generate_random": {"CONNECTED"},
    "create_key": {"CONNECTED"},
}
MORE: dict[str, dict[str, Any]] = {
    "update_custom_key_store": {"NewCustomKeyStoreName": "renamed"},
    "generate_random": {"NumberOfBytes": 16},
    "create_key": {"Origin": "AWS_CLOUDHSM"},
}


@for_every("state", ConnectionState)
@for_every("operation", WORKS)
def test_operation_works_in_the_states_that_aws_lists(
    refused: Any, operation: str, state: ConnectionState
) -> None:
    with Lab(clock=Clock.frozen(NOW)) as lab:
        store = lab.create_key_store("vault")
        [record] = lab._store.all(KeyStore)
        connecting = state is ConnectionState.CONNECTING
        ready = lab.clock.now().replace(year=2027) if connecting else None
        outcome = ConnectionState.CONNECTED if connecting else state
        lab._store.commit(put=[replace(record, outcome=outcome, ready=ready)])
        assert store.state is state

        def call() -> None:
            getattr(lab.kms, operation)(CustomKeyStoreId=store.id, **MORE.get(operation, {}))

        if state in WORKS[operation]:
            call()
            return
        text = f"{store.id} connection state is {state} which is not valid for this operation."
        with refused(INVALID, text):
            call()


@for_every("operation", WORKS)
def test_unknown_store_is_not_found(lab: Lab, refused: Any, operation: str) -> None:
    for unknown in ("cks-1234567890abcdef0", "../x", "vault"):
        with refused("CustomKeyStoreNotFoundException", "The custom key store is not found."):
            getattr(lab.kms, operation)(CustomKeyStoreId=unknown, **MORE.get(operation, {}))


def test_stores_of_another_account_and_region_are_not_found(
    lab: Lab, cluster_store: CustomKeyStore
) -> None:
    for elsewhere in (lab.region("eu-west-1"), lab.account("444455556666")):
        assert elsewhere.kms.describe_custom_key_stores()["CustomKeyStores"] == []
        with pytest.raises(lab.kms.exceptions.CustomKeyStoreNotFoundException):
            elsewhere.kms.disconnect_custom_key_store(CustomKeyStoreId=cluster_store.id)
        assert elsewhere.create_key_store("cluster").id != cluster_store.id


def test_who_may_not_does_not_learn_whether_a_store_exists(
    lab: Lab, cluster_store: CustomKeyStore
) -> None:
    alice = lab.user("alice").kms
    for named in (cluster_store.id, "cks-1234567890abcdef0"):
        with pytest.raises(lab.kms.exceptions.AccessDeniedException):
            alice.disconnect_custom_key_store(CustomKeyStoreId=named)


def test_store_with_keys_cannot_be_deleted_not_even_if_they_are_pending_deletion(
    lab: Lab, cluster_store: CustomKeyStore, refused: Any
) -> None:
    key = lab.create_cmk(key_store=cluster_store)
    cluster_store.disconnect()
    text = f"The custom key store {cluster_store.id} contains KMS keys."
    with refused("CustomKeyStoreHasCMKsException", text):
        cluster_store.delete()
    key.schedule_deletion(days=7)
    with refused("CustomKeyStoreHasCMKsException", text):
        cluster_store.delete()
    lab.clock.advance(days=8)
    cluster_store.delete()


# ------------------------------------------------------------------------------- what must differ


def test_name_is_used_once(lab: Lab, refused: Any) -> None:
    lab.kms.create_custom_key_store(**store_request(lab, "vault"))
    other = lab.kms.create_custom_key_store(**store_request(lab, "safe"))["CustomKeyStoreId"]
    text = "The custom key store name vault is already in use."
    with refused("CustomKeyStoreNameInUseException", text):
        lab.kms.create_custom_key_store(**store_request(lab, "vault"))
    with refused("CustomKeyStoreNameInUseException", text):
        lab.kms.update_custom_key_store(CustomKeyStoreId=other, NewCustomKeyStoreName="vault")
    lab.kms.update_custom_key_store(CustomKeyStoreId=other, NewCustomKeyStoreName="safe")


def test_cluster_is_used_once(lab: Lab) -> None:
    request = store_request(lab, "vault")
    lab.kms.create_custom_key_store(**request)
    with pytest.raises(lab.kms.exceptions.CloudHsmClusterInUseException):
        lab.kms.create_custom_key_store(**request | {"CustomKeyStoreName": "safe"})


def test_proxys_address_is_used_once(
    lab: Lab, vault: CustomKeyStore, proxy: Any, credential: tuple[str, str]
) -> None:
    with pytest.raises(lab.kms.exceptions.XksProxyUriInUseException):
        lab.create_key_store("safe", proxy.url, credential)


def test_ten_stores_and_no_more(lab: Lab, refused: Any) -> None:
    for number in range(10):
        lab.kms.create_custom_key_store(**store_request(lab, f"vault-{number}"))
    with refused("LimitExceededException", "You have 10 custom key stores in this Region."):
        lab.kms.create_custom_key_store(**store_request(lab, "one too many"))
    lab.region("eu-west-1").create_key_store("there")


def test_stores_come_in_pages(lab: Lab) -> None:
    for number in range(3):
        lab.kms.create_custom_key_store(**store_request(lab, f"vault-{number}"))
    first = lab.kms.describe_custom_key_stores(Limit=2)
    second = lab.kms.describe_custom_key_stores(Limit=2, Marker=first["NextMarker"])
    assert (first["Truncated"], second["Truncated"]) == (True, False)
    names = [
        each["CustomKeyStoreName"] for page in (first, second) for each in page["CustomKeyStores"]
    ]
    assert sorted(names) == ["vault-0", "vault-1", "vault-2"]
    with pytest.raises(lab.kms.exceptions.InvalidMarkerException):
        lab.kms.describe_custom_key_stores(Marker="%")


def test_id_and_name_together_are_refused(lab: Lab, refused: Any) -> None:
    text = "Please specify CustomKeyStoreId or CustomKeyStoreName."
    with refused("ValidationException", text):
        lab.kms.describe_custom_key_stores(CustomKeyStoreId="a", CustomKeyStoreName="b")


def at_once(*calls: Callable[[], Any]) -> list[str]:
    """The outcome of each call, all made at the same time: an error's code, or ""."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> str:
        start.wait()
        try:
            call()
        except KMSError as error:
            return error.code
        return ""

    with ThreadPoolExecutor(len(calls)) as threads:
        return sorted(threads.map(run, calls))


def test_of_callers_that_want_one_name_at_once_one_gets_it(lab: Lab) -> None:
    requests = [store_request(lab, "vault") for _ in range(4)]
    outcomes = at_once(*[partial(lab.kms.create_custom_key_store, **each) for each in requests])
    assert outcomes == ["", *["CustomKeyStoreNameInUseException"] * 3]


def test_of_callers_that_want_one_external_key_at_once_one_gets_it(
    lab: Lab, vault: CustomKeyStore
) -> None:
    outcomes = at_once(*[partial(lab.create_cmk, key_store=vault, external_key="patients")] * 4)
    assert outcomes == ["", *["XksKeyAlreadyInUseException"] * 3]


# ----------------------------------------------------------------------------- what a store needs


@for_every("member", sorted(XKS.keys() - {"CustomKeyStoreType", "CustomKeyStoreName"}))
def test_external_store_needs_everything_about_its_proxy(
    lab: Lab, refused: Any, member: str
) -> None:
    request = {name: value for name, value in XKS.items() if name != member}
    null = f"Value null at '{member[0].lower()}{member[1:]}' failed to satisfy constraint: "
    text = f"1 validation error detected: {null}Member must not be null"
    with refused("ValidationException", text):
        lab.kms.create_custom_key_store(**request)


@for_every("member", ["CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword"])
def test_cloudhsm_store_needs_everything_about_its_cluster(lab: Lab, member: str) -> None:
    request = store_request(lab, "vault")
    del request[member]
    with pytest.raises(lab.kms.exceptions.ValidationException, match="must not be null"):
        lab.kms.create_custom_key_store(**request)


def test_members_of_the_other_type_are_refused(lab: Lab, refused: Any) -> None:
    path = {"XksProxyUriPath": "/kms/xks/v1"}
    text = "XksProxyUriPath is not valid for a custom key store of type AWS_CLOUDHSM."
    with refused("ValidationException", text):
        lab.kms.create_custom_key_store(**store_request(lab, "vault"), **path)
    store = lab.create_key_store("safe")
    store.disconnect()
    with refused("ValidationException", text):
        lab.kms.update_custom_key_store(CustomKeyStoreId=store.id, **path)


@for_every(
    "endpoint",
    [
        "http://proxy.example.com",
        "https://proxy.example.com:8443",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:port",
        "http://127.0.0.1:1/path",
        "http://user@127.0.0.1:1",
        "http://10.0.0.1",
        "ftp://localhost",
    ],
)
def test_proxy_elsewhere_must_be_reached_as_aws_reaches_it(lab: Lab, endpoint: str) -> None:
    with pytest.raises(lab.kms.exceptions.ValidationException, match="xksProxyUriEndpoint"):
        lab.kms.create_custom_key_store(**XKS | {"XksProxyUriEndpoint": endpoint})


@for_every(
    "endpoint",
    ["http://localhost:99999", "http://127.0.0.1:0", "https://a..b", f"https://{'a' * 64}.b"],
)
def test_address_that_cannot_be_is_unreachable(lab: Lab, endpoint: str) -> None:
    with pytest.raises(lab.kms.exceptions.XksProxyUriUnreachableException):
        lab.kms.create_custom_key_store(**XKS | {"XksProxyUriEndpoint": endpoint})


# ------------------------------------------------------------------------------ the place of a key


@for_every(
    ("request_", "code"),
    [
        ({"Origin": "AWS_KMS"}, "ValidationException"),
        ({}, "ValidationException"),
        ({"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "a"}, "ValidationException"),
        ({"Origin": "AWS_CLOUDHSM", "XksKeyId": "a"}, "ValidationException"),
        ({"Origin": "AWS_CLOUDHSM", "KeySpec": "HMAC_256"}, "UnsupportedOperationException"),
        ({"Origin": "AWS_CLOUDHSM", "MultiRegion": True}, "UnsupportedOperationException"),
    ],
)
def test_cluster_takes_its_own_symmetric_keys_only(
    lab: Lab, cluster_store: CustomKeyStore, request_: dict[str, Any], code: str
) -> None:
    usage = {"KeyUsage": "GENERATE_VERIFY_MAC"} if "KeySpec" in request_ else {}
    with pytest.raises(lab.kms.exceptions.__dict__[code]):
        lab.kms.create_key(CustomKeyStoreId=cluster_store.id, **request_, **usage)


@for_every("origin", ["AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"])
def test_origin_of_a_key_store_needs_one(lab: Lab, origin: str) -> None:
    external = {"XksKeyId": "a"} if origin == "EXTERNAL_KEY_STORE" else {}
    with pytest.raises(lab.kms.exceptions.ValidationException):
        lab.kms.create_key(Origin=origin, **external)


def test_keys_in_a_store_make_no_data_key_pairs(
    lab: Lab, cluster_store: CustomKeyStore, refused: Any
) -> None:
    key = lab.create_cmk(key_store=cluster_store)
    text = f"{key.arn} origin is AWS_CLOUDHSM which is not valid for this operation."
    with refused("UnsupportedOperationException", text):
        key.generate_data_key_pair("ECC_NIST_P256")
    key.disable()
    with refused("DisabledException", f"{key.arn} is disabled."):  # the state comes first
        key.generate_data_key_pair("ECC_NIST_P256")


def test_disabling_an_unavailable_key_shows_once_its_store_is_back(
    lab: Lab, cluster_store: CustomKeyStore
) -> None:
    key = lab.create_cmk(key_store=cluster_store)
    cluster_store.disconnect()
    key.disable()
    assert key.state == "Unavailable"
    cluster_store.connect()
    assert key.state == "Disabled"


# ------------------------------------------------------------------------------ simulated clusters


def test_key_in_a_cluster_works_while_a_module_does(
    lab: Lab, cluster_store: CustomKeyStore, refused: Any
) -> None:
    key = lab.create_cmk(key_store=cluster_store)
    blob = key.encrypt(PLAINTEXT)
    assert key.metadata["CloudHsmClusterId"] == cluster_store.metadata["CloudHsmClusterId"]
    cluster_store.set_active_modules(1)
    assert lab.decrypt(blob) == PLAINTEXT
    with pytest.raises(lab.kms.exceptions.CloudHsmClusterInvalidConfigurationException):
        lab.create_cmk(key_store=cluster_store)  # which needs two
    cluster_store.set_active_modules(0)
    named = cluster_store.metadata["CloudHsmClusterId"]
    with refused("KMSInvalidStateException", f"The CloudHSM cluster {named} has no active HSM."):
        lab.decrypt(blob)


def test_refusal_of_a_clusters_ciphertext_is_explained(
    lab: Lab, cluster_store: CustomKeyStore
) -> None:
    blob = lab.create_cmk(key_store=cluster_store).encrypt(PLAINTEXT, {"order": "17"})
    with pytest.raises(lab.kms.exceptions.InvalidCiphertextException) as caught:
        lab.decrypt(blob, {"order": "18"})
    assert "The encryption context differs" in str(caught.value.explain())


def test_cluster_must_be_ready_for_a_new_store(lab: Lab) -> None:
    exceptions = lab.kms.exceptions
    for modules, expected in {
        0: exceptions.CloudHsmClusterNotActiveException,
        1: exceptions.CloudHsmClusterInvalidConfigurationException,
    }.items():
        with pytest.raises(expected):
            lab.kms.create_custom_key_store(**store_request(lab, "vault", modules))
    request = store_request(lab, "vault")
    with pytest.raises(exceptions.CloudHsmClusterNotFoundException):
        lab.kms.create_custom_key_store(**request | {"CloudHsmClusterId": "cluster-" + "a" * 11})
    foreign = store_request(lab, "other")["TrustAnchorCertificate"]
    with pytest.raises(exceptions.IncorrectTrustAnchorException):
        lab.kms.create_custom_key_store(**request | {"TrustAnchorCertificate": foreign})
    windows = request["TrustAnchorCertificate"].replace("\n", "\r\n")
    lab.kms.create_custom_key_store(**request | {"TrustAnchorCertificate": windows})


def test_store_stays_with_its_clusters_certificate(lab: Lab, cluster_store: CustomKeyStore) -> None:
    cluster_store.disconnect()
    other, _ = clusters(lab).create(2, NOW)
    with pytest.raises(lab.kms.exceptions.CloudHsmClusterNotRelatedException):
        lab.kms.update_custom_key_store(
            CustomKeyStoreId=cluster_store.id, CloudHsmClusterId=other.id
        )


def test_wrong_password_shows_when_the_store_is_connected(lab: Lab) -> None:
    request = store_request(lab, "vault")
    wrong = request | {"KeyStorePassword": "7 letters at least"}
    store = lab.kms.create_custom_key_store(**wrong)["CustomKeyStoreId"]
    vault = lab.create_key_store("vault")
    assert (vault.state, vault.error) == ("FAILED", "INVALID_CREDENTIALS")
    vault.disconnect()
    password = request["KeyStorePassword"]
    lab.kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword=password)
    assert vault.connect() == "CONNECTED"


def test_cluster_without_modules_does_not_connect(lab: Lab, cluster_store: CustomKeyStore) -> None:
    cluster_store.disconnect()
    cluster_store.set_active_modules(0)
    assert cluster_store.connect() == "FAILED"
    assert cluster_store.error == "INSUFFICIENT_CLOUDHSM_HSMS"


def test_cluster_draws_random_bytes(lab: Lab, cluster_store: CustomKeyStore) -> None:
    answer = lab.kms.generate_random(NumberOfBytes=24, CustomKeyStoreId=cluster_store.id)
    assert len(answer["Plaintext"]) == 24
    cluster_store.set_active_modules(0)
    with pytest.raises(lab.kms.exceptions.CustomKeyStoreInvalidStateException, match="active HSM"):
        lab.kms.generate_random(NumberOfBytes=24, CustomKeyStoreId=cluster_store.id)


def test_passwords_are_in_no_event(lab: Lab) -> None:
    request = store_request(lab, "vault")
    lab.kms.create_custom_key_store(**request)
    [event] = lab.trail
    assert event["requestParameters"].keys() >= {"customKeyStoreName", "cloudHsmClusterId"}
    assert request["KeyStorePassword"] not in repr(event) + repr(lab._store.all(KeyStore))


def test_secret_of_another_store_does_not_open(
    lab: Lab, vault: CustomKeyStore, proxy: Any, credential: tuple[str, str]
) -> None:
    """Somebody who writes to the store exchanges two secrets."""
    other = lab.create_key_store("cluster")
    records = {record.id: record for record in lab._store.all(KeyStore)}
    swapped = replace(records[vault.id], sealed=records[other.id].sealed)
    lab._store.commit(put=[swapped])
    with pytest.raises(lab.kms.exceptions.KMSInternalException) as caught:
        lab.create_cmk(key_store=vault, external_key="patients")
    assert isinstance(caught.value.__cause__, Damaged)


# ------------------------------------------------------------------------------------ plain Python


def test_store_is_made_once_however_often_the_cell_runs(
    lab: Lab, vault: CustomKeyStore, proxy: Any, credential: tuple[str, str]
) -> None:
    vault.disconnect()
    again = lab.create_key_store("vault", proxy.url, credential)
    assert (again.id, again.state) == (vault.id, "CONNECTED")
    first = lab.create_cmk("patients", key_store=vault, external_key="patients")
    assert lab.create_cmk("patients", key_store=vault, external_key="patients") == first
    with pytest.raises(lab.kms.exceptions.AlreadyExistsException):
        lab.create_cmk("patients")


def test_another_store_of_the_same_name_is_refused(lab: Lab, vault: CustomKeyStore) -> None:
    with pytest.raises(lab.kms.exceptions.CustomKeyStoreNameInUseException):
        lab.create_key_store("vault")


def test_proxy_without_a_credential_is_a_mistake(lab: Lab, vault: CustomKeyStore) -> None:
    with pytest.raises(ValueError, match="a url and a credential"):
        lab.create_key_store("safe", "http://127.0.0.1:8700/kms/xks/v1")
    with pytest.raises(ValueError, match="no CloudHSM cluster"):
        vault.set_active_modules(1)


# ------------------------------------------------------------------------------ opened again


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/my.db"


@pytest.fixture
def lab_in_file(url: str) -> Iterator[Lab]:
    with Lab(store=url, clock=Clock.frozen(NOW)) as lab:
        yield lab


def test_store_in_a_file_is_connected_when_it_is_opened_again(
    url: str, lab_in_file: Lab, proxy: Any, credential: tuple[str, str], tmp_path: Path
) -> None:
    vault = lab_in_file.create_key_store("vault", proxy.url, credential)
    blob = lab_in_file.create_cmk(key_store=vault, external_key="patients").encrypt(PLAINTEXT)
    lab_in_file.close()
    assert credential[1].encode() not in (tmp_path / "my.db").read_bytes()
    with Lab(store=url, clock=Clock.frozen(NOW)) as lab:
        assert lab.decrypt(blob) == PLAINTEXT
