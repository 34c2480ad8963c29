"""Custom key stores in plain Python: make one and connect it, disconnect it, look how it is.

A store without a proxy gets a CloudHSM cluster of its own, which the lab simulates.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from kmslab.clock import Clock
from kmslab.kms.backing.cloudhsm import Clusters
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.key_stores import ConnectionState, StoreType
from kmslab.kms.operations.key_stores import CONNECTING
from kmslab.lab.client import KmsClient

MODULES = 2  # that are active in a new cluster


class CustomKeyStore:
    """The handle on one custom key store. Keys are made there with `lab.create_cmk`."""

    def __init__(self, kms: KmsClient, clock: Clock, clusters: Clusters, entry: dict[str, Any]):
        self.id: str = entry["CustomKeyStoreId"]
        self.name: str = entry["CustomKeyStoreName"]
        self.type = StoreType(entry["CustomKeyStoreType"])
        self._kms = kms
        self._clock = clock
        self._clusters = clusters

    @property
    def metadata(self) -> dict[str, Any]:
        """The store's entry in DescribeCustomKeyStores, as it is now."""
        found = self._kms.describe_custom_key_stores(CustomKeyStoreId=self.id)["CustomKeyStores"]
        entry: dict[str, Any] = found[0]
        return entry

    @property
    def url(self) -> str | None:
        """The address of its proxy; None if it has a CloudHSM cluster."""
        proxy = self.metadata.get("XksProxyConfiguration")
        return f"{proxy['UriEndpoint']}{proxy['UriPath']}" if proxy else None

    @property
    def state(self) -> ConnectionState:
        return ConnectionState(self.metadata["ConnectionState"])

    @property
    def error(self) -> str:
        """Why connecting has failed, as AWS's ConnectionErrorCode; "" if it has not."""
        return str(self.metadata.get("ConnectionErrorCode", ""))

    def connect(self) -> ConnectionState:
        """Connect, and let the lab's clock move on until it is known whether that has worked."""
        self._kms.connect_custom_key_store(CustomKeyStoreId=self.id)
        self._clock.advance(seconds=CONNECTING.total_seconds())
        return self.state

    def disconnect(self) -> None:
        """From now on the store's keys show Unavailable."""
        self._kms.disconnect_custom_key_store(CustomKeyStoreId=self.id)

    def delete(self) -> None:
        """Only a disconnected store without any key can be deleted."""
        self._kms.delete_custom_key_store(CustomKeyStoreId=self.id)

    def set_active_modules(self, count: int) -> None:
        """How many modules of the simulated CloudHSM cluster are active; 0: it has failed."""
        cluster = self._clusters.find(self.metadata.get("CloudHsmClusterId", ""))
        if cluster is None:
            raise ValueError(f"{self.name} has no CloudHSM cluster")
        self._clusters.put(replace(cluster, modules=count))

    def __repr__(self) -> str:
        return f"<CustomKeyStore {self.name} {self.id}>"


class CustomKeyStores:
    """Makes handles for one caller."""

    def __init__(self, kms: KmsClient, clock: Clock, clusters: Clusters, account: str) -> None:
        self._kms = kms
        self._clock = clock
        self._clusters = clusters
        self._account = account

    def create(
        self, name: str, url: str | None, credential: tuple[str, str] | None
    ) -> CustomKeyStore:
        """The store of this name, connected: the existing one, or a new one."""
        if (url is None) is not (credential is None):
            raise ValueError("a proxy needs a url and a credential: its id and its secret")
        store = self._named(name)
        if store is None or store.url != url:  # another store of this name: KMS refuses the new one
            members = self._proxy(url, *credential) if url and credential else self._cluster()
            self._kms.create_custom_key_store(CustomKeyStoreName=name, **members)
            store = self._named(name)
        if store is None:
            raise RuntimeError(f"the key store {name} is gone")
        if store.state is ConnectionState.FAILED:
            store.disconnect()  # otherwise KMS refuses to connect it
        if store.state is not ConnectionState.CONNECTED:
            store.connect()
        return store

    def _named(self, name: str) -> CustomKeyStore | None:
        try:
            answer = self._kms.describe_custom_key_stores(CustomKeyStoreName=name)
        except EXCEPTIONS["CustomKeyStoreNotFoundException"]:
            return None
        entry = answer["CustomKeyStores"][0]
        return CustomKeyStore(self._kms, self._clock, self._clusters, entry)

    def _proxy(self, url: str, access_key: str, secret: str) -> dict[str, Any]:
        parts = urlsplit(url)
        return {
            "CustomKeyStoreType": StoreType.EXTERNAL_KEY_STORE,
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": f"{parts.scheme}://{parts.netloc}",
            "XksProxyUriPath": parts.path,
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": access_key,
                "RawSecretAccessKey": secret,
            },
        }

    def _cluster(self) -> dict[str, Any]:
        cluster, password = self._clusters.create(MODULES, self._clock.now(), self._account)
        return {
            "CloudHsmClusterId": cluster.id,
            "TrustAnchorCertificate": cluster.trust_anchor,
            "KeyStorePassword": password,
        }
