"""Custom key stores: where the material of a KMS key may live outside KMS's own modules.

A store's connection is a pure function of its record and the time: connecting takes a while, so the
outcome is stored at once and shown from `ready` on.
Source: AWS KMS developer guide, "Key stores".
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kmslab.kms.contract.specs import Origin


class ConnectionState(StrEnum):
    CONNECTED = "CONNECTED"
    CONNECTING = "CONNECTING"
    FAILED = "FAILED"
    DISCONNECTED = "DISCONNECTED"
    DISCONNECTING = "DISCONNECTING"


CONNECTED = frozenset({ConnectionState.CONNECTED})
DISCONNECTED = frozenset({ConnectionState.DISCONNECTED})
SETTLED = CONNECTED | DISCONNECTED
CONNECTABLE = SETTLED | {ConnectionState.CONNECTING}
DISCONNECTABLE = CONNECTED | {ConnectionState.CONNECTING, ConnectionState.FAILED}


class StoreType(StrEnum):
    AWS_CLOUDHSM = "AWS_CLOUDHSM"
    EXTERNAL_KEY_STORE = "EXTERNAL_KEY_STORE"

    @property
    def origin(self) -> Origin:
        """The origin of the keys in such a store."""
        return Origin(self.value)


def handle(account: str, region: str, store_id: str = "") -> str:
    """A store's name in the records; without an id what all of the account's begin with there."""
    return f"{account}/{region}/{store_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStore:
    """A custom key store of one account and Region."""

    handle: str  # "<account>/<Region>/cks-…"
    name: str
    type: StoreType
    created: datetime
    outcome: ConnectionState = ConnectionState.DISCONNECTED  # of connecting or disconnecting
    ready: datetime | None = None  # until then it is CONNECTING
    error: str = ""  # ConnectionErrorCode, if the outcome is FAILED
    cluster: str = ""  # id of the CloudHSM cluster
    trust_anchor: str = ""  # the cluster's certificate in PEM
    endpoint: str = ""  # of the external key store's proxy
    path: str = ""
    connectivity: str = ""
    vpc_service: str = ""
    vpc_owner: str = ""
    access_key: str = ""  # id of the credential with which requests to the proxy are signed
    sealed: bytes = b""  # that credential's secret, or the password of the cluster's `kmsuser`
    version: int = 0

    @property
    def id(self) -> str:
        return self.handle.rpartition("/")[2]

    @property
    def account(self) -> str:
        return self.handle.partition("/")[0]

    def connection(self, now: datetime) -> ConnectionState:
        """The state of its connection, as it is shown."""
        waits = self.ready is not None and now < self.ready
        return ConnectionState.CONNECTING if waits else self.outcome
