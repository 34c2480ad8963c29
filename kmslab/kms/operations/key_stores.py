"""Custom key stores: their creation, their connection, and the place of a new key.

Connecting is asynchronous on AWS, and takes minutes. Here the outcome is known when the call
returns, and shows some seconds of the lab's clock later.
"""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.key_stores import ConnectionState, KeyStore, StoreType, handle
from kmslab.kms.contract.records import Key, Setting
from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, Origin
from kmslab.kms.contract.validation import missing
from kmslab.kms.named_stores import NO_STORE
from kmslab.kms.operations.pages import stored_page

CONNECTING = timedelta(seconds=5)
QUOTA = 10  # stores of an account in a Region

# What a request has to have for each type, and what it may have. Each member's field in the record.
FIELDS: dict[str, str] = {
    "CustomKeyStoreName": "name",
    "NewCustomKeyStoreName": "name",
    "CloudHsmClusterId": "cluster",
    "TrustAnchorCertificate": "trust_anchor",
    "XksProxyConnectivity": "connectivity",
    "XksProxyUriEndpoint": "endpoint",
    "XksProxyUriPath": "path",
    "XksProxyVpcEndpointServiceName": "vpc_service",
    "XksProxyVpcEndpointServiceOwner": "vpc_owner",
}
PASSWORD, CREDENTIAL = "KeyStorePassword", "XksProxyAuthenticationCredential"
NEEDED: dict[StoreType, tuple[str, ...]] = {
    StoreType.AWS_CLOUDHSM: ("CloudHsmClusterId", "TrustAnchorCertificate", PASSWORD),
    StoreType.EXTERNAL_KEY_STORE: (
        "XksProxyConnectivity",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
        CREDENTIAL,
    ),
}
OF_ANY_TYPE = frozenset({"CustomKeyStoreId", "CustomKeyStoreName", "NewCustomKeyStoreName"})
OF_TYPE: dict[StoreType, frozenset[str]] = {
    StoreType.AWS_CLOUDHSM: frozenset(NEEDED[StoreType.AWS_CLOUDHSM]) | OF_ANY_TYPE,
    StoreType.EXTERNAL_KEY_STORE: frozenset(NEEDED[StoreType.EXTERNAL_KEY_STORE])
    | {"XksProxyVpcEndpointServiceName", "XksProxyVpcEndpointServiceOwner"}
    | OF_ANY_TYPE,
}
IN_STORES = frozenset(type_.origin for type_ in StoreType)
# What UpdateCustomKeyStore may change while the store is connected.
WHILE_CONNECTED = frozenset(
    {"CustomKeyStoreId", "NewCustomKeyStoreName", "XksProxyUriPath", CREDENTIAL}
)
NAMES_ONLY = frozenset({"CustomKeyStoreId", "NewCustomKeyStoreName"})


def create(call: Call) -> dict[str, Any]:
    """The store starts disconnected. KMS has already tried to reach a proxy at its address."""
    type_ = StoreType(call.get("CustomKeyStoreType", StoreType.AWS_CLOUDHSM))
    for member in NEEDED[type_]:
        if member not in call.request:
            fail("ValidationException", missing(member))
    shelf, others = _shelf(call), _others(call)
    if len(others) >= QUOTA:
        fail("LimitExceededException", f"You have {QUOTA} custom key stores in this Region.")
    new = handle(call.caller.account, call.caller.region, "cks-" + secrets.token_hex(9)[:17])
    store = _changed(call, KeyStore(handle=new, name="", type=type_, created=call.now), others)
    if store.cluster and any(other.cluster == store.cluster for other in others):
        text = f"The CloudHSM cluster {store.cluster} is already in use by a custom key store."
        fail("CloudHsmClusterInUseException", text)
    call.key_stores[type_].check(store, call)
    call.put(store, shelf)
    return {"CustomKeyStoreId": store.id}


def update(call: Call, store: KeyStore) -> dict[str, Any]:
    connected = store.connection(call.now) is ConnectionState.CONNECTED
    if connected and not call.request.keys() <= WHILE_CONNECTED:
        text = f"Disconnect the custom key store {store.id} before you change these properties."
        fail("CustomKeyStoreInvalidStateException", text)
    shelf = _shelf(call)
    changed = _changed(call, store, _others(call, store))
    if not call.request.keys() <= NAMES_ONLY:
        call.key_stores[store.type].check(changed, call)
    call.put(changed, shelf)
    return {}


def connect(call: Call, store: KeyStore) -> dict[str, Any]:
    """Connecting a store that is connected, or about to be, changes nothing."""
    if store.connection(call.now) is ConnectionState.DISCONNECTED:
        error = call.key_stores[store.type].connect(store, call)
        outcome = ConnectionState.FAILED if error else ConnectionState.CONNECTED
        call.put(replace(store, outcome=outcome, error=error, ready=call.now + CONNECTING))
    return {}


def disconnect(call: Call, store: KeyStore) -> dict[str, Any]:
    """Its keys show Unavailable from now on. It also ends a failed connection."""
    call.put(replace(store, outcome=ConnectionState.DISCONNECTED, error="", ready=None))
    return {}


def delete(call: Call, store: KeyStore) -> dict[str, Any]:
    """The cluster, the proxy and the external keys stay as they are."""
    if not call.records.are_fewer(Key, 1, store=store.handle):
        text = f"The custom key store {store.id} contains KMS keys."
        fail("CustomKeyStoreHasCMKsException", text)
    call.remove(store)
    call.put(_shelf(call))
    return {}


def describe(call: Call) -> dict[str, Any]:
    members = {"CustomKeyStoreId": "id", "CustomKeyStoreName": "name"}
    wanted = {field: call[member] for member, field in members.items() if member in call.request}
    if len(wanted) > 1:
        fail("ValidationException", "Please specify CustomKeyStoreId or CustomKeyStoreName.")
    if not wanted:
        here = handle(call.caller.account, call.caller.region)
        page, paging = stored_page(call, KeyStore, here, default=100, maximum=1000)
        return {"CustomKeyStores": [_shown(call, store) for store in page], **paging}
    [(field, value)] = wanted.items()
    found = [store for store in _others(call) if getattr(store, field) == value]
    if not found:
        fail(*NO_STORE)
    return {"CustomKeyStores": [_shown(call, store) for store in found], "Truncated": False}


def placed(call: Call, key: Key, store: KeyStore | None) -> Key:
    """A new key where the request wants it: in a custom key store, or in KMS's own."""
    origin, external = Origin(call.get("Origin", key.origin)), call.get("XksKeyId", "")
    here = store.type.origin if store else origin
    if origin is not here or (store is None and origin in IN_STORES):
        fail("ValidationException", f"Origin {origin} does not fit the custom key store.")
    if bool(external) != (origin is Origin.EXTERNAL_KEY_STORE):
        text = f"XksKeyId is required for origin {Origin.EXTERNAL_KEY_STORE} and no other."
        fail("ValidationException", text)
    if store is None:
        return key
    if key.spec != SYMMETRIC_DEFAULT or call.get("MultiRegion"):
        text = "A custom key store holds only symmetric encryption keys of a single Region."
        fail("UnsupportedOperationException", text)
    if external and call.records.find(Key, store=store.handle, external_key=external):
        text = f"The external key {external} is already associated with another KMS key."
        fail("XksKeyAlreadyInUseException", text)
    call.put(store)  # unchanged: of two keys that want the same external key, one comes too late
    return replace(key, origin=origin, store=store.handle, external_key=external)


def _others(call: Call, but: KeyStore | None = None) -> list[KeyStore]:
    """The stores of the account and Region, without this one."""
    here = handle(call.caller.account, call.caller.region)
    stores = call.records.page(KeyStore, here, limit=QUOTA + 1)
    return [store for store in stores if but is None or store.handle != but.handle]


def _shelf(call: Call) -> Setting:
    """A record that every change of the account's stores changes: names must differ among them.

    It has to be read before the stores are: then a change made meanwhile is a conflict.
    """
    name = "key stores of " + handle(call.caller.account, call.caller.region)
    return call.records.get(Setting, name) or Setting(name=name, value="")


def _changed(call: Call, store: KeyStore, others: list[KeyStore]) -> KeyStore:
    """The store as the request describes it."""
    if wrong := sorted(call.request.keys() - OF_TYPE[store.type] - {"CustomKeyStoreType"}):
        text = f"{wrong[0]} is not valid for a custom key store of type {store.type}."
        fail("ValidationException", text)
    credential = call.get(CREDENTIAL, {})
    fields = {FIELDS[each]: value for each, value in call.request.items() if each in FIELDS}
    if credential:
        fields["access_key"] = credential["AccessKeyId"]
    changed = replace(store, **fields)
    _check_unique(changed, others)
    secret = call.get(PASSWORD) or credential.get("RawSecretAccessKey")
    return call.key_stores[store.type].with_secret(changed, secret) if secret else changed


def _check_unique(store: KeyStore, others: list[KeyStore]) -> None:
    if any(other.name == store.name for other in others):
        text = f"The custom key store name {store.name} is already in use."
        fail("CustomKeyStoreNameInUseException", text)
    uri = store.endpoint + store.path
    if uri and any(other.endpoint + other.path == uri for other in others):
        text = f"The proxy URI {uri} is already in use by a custom key store."
        fail("XksProxyUriInUseException", text)


def _shown(call: Call, store: KeyStore) -> dict[str, Any]:
    """AWS's CustomKeyStoresListEntry, without the members that do not apply."""
    state = store.connection(call.now)
    proxy = {
        "Connectivity": store.connectivity,
        "AccessKeyId": store.access_key,
        "UriEndpoint": store.endpoint,
        "UriPath": store.path,
        "VpcEndpointServiceName": store.vpc_service,
        "VpcEndpointServiceOwner": store.vpc_owner,
    }
    shown = {
        "CustomKeyStoreId": store.id,
        "CustomKeyStoreName": store.name,
        "CloudHsmClusterId": store.cluster,
        "TrustAnchorCertificate": store.trust_anchor,
        "ConnectionState": state,
        "ConnectionErrorCode": store.error if state is ConnectionState.FAILED else "",
        "CreationDate": store.created,
        "CustomKeyStoreType": store.type,
        "XksProxyConfiguration": {member: value for member, value in proxy.items() if value},
    }
    return {member: value for member, value in shown.items() if value}
