"""CloudHSM key stores: clusters that a lab declares, **simulated**. No AWS CloudHSM is involved.

A cluster is a record: how many modules are active, its certificate, and a digest of the password of
`kmsuser`, the user as which KMS logs in. Its keys are sealed as KMS's own are and work while the
cluster has an active module. Not simulated: subnets, backups of clusters, locked users, and that
KMS changes the password when it connects.
Source: AWS KMS developer guide, "AWS CloudHSM key stores".
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from kmslab.crypto import CiphertextBlob, SecretBytes
from kmslab.kms import store as stores
from kmslab.kms.backing import Asking, Sealed
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.key_stores import SymmetricOnly, secret_of, with_secret
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import Key, Material, Reader, Setting

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
ENOUGH = 2  # active modules, in different Availability Zones, to make a store or a key
SETTING = "cloudhsm/"
NO_MODULE = "The CloudHSM cluster {} has no active HSM."


@dataclass(frozen=True, slots=True)
class Cluster:
    id: str
    modules: int  # that are active
    trust_anchor: str  # the content of customerCA.crt
    digest: str  # of kmsuser's password
    account: str = ""  # that may use it; "": any, since clusters of older stores name none


class Clusters:
    """The simulated clusters of a lab, kept with its settings."""

    def __init__(self, store: "stores.Store") -> None:
        self._store = store

    def create(self, modules: int, now: datetime, account: str = "") -> tuple[Cluster, str]:
        """A new cluster of an account, and the password of its `kmsuser`."""
        from kmslab.crypto.certificate import new_authority  # few labs need certificates

        name = "cluster-" + "".join(secrets.choice(LETTERS) for _ in range(11))
        password = secrets.token_urlsafe(12)
        anchor = new_authority(now).public_pem.decode()
        cluster = Cluster(name, modules, anchor, _digest(password), account)
        self.put(cluster)
        return cluster, password

    def find(self, cluster_id: str) -> Cluster | None:
        kept = self._store.get(Setting, SETTING + cluster_id)
        return Cluster(cluster_id, **json.loads(kept.value)) if kept else None

    def put(self, cluster: Cluster) -> None:
        members = {
            "modules": cluster.modules,
            "trust_anchor": cluster.trust_anchor,
            "digest": cluster.digest,
            "account": cluster.account,
        }
        setting = Setting(name=SETTING + cluster.id, value=json.dumps(members))

        def stage(change: Change) -> None:
            old = change.get(Setting, setting.name)
            change.put(replace(setting, version=old.version if old else 0))

        apply(self._store, stage)


class CloudHsm:
    """The backing of all CloudHSM key stores."""

    def __init__(self, hsm: Hsm, clusters: Clusters) -> None:
        self._hsm = hsm
        self.clusters = clusters

    def holding(self, store: KeyStore, key: Key, asking: Asking) -> "ClusterKey":
        cluster = self._cluster_of(store)
        return ClusterKey(self._hsm, store.cluster, cluster.modules if cluster else 0)

    def with_secret(self, store: KeyStore, secret: str) -> KeyStore:
        return with_secret(self._hsm, store, secret)

    def check(self, store: KeyStore, asking: Asking) -> None:
        cluster = self._cluster_of(store)
        if cluster is None:
            text = f"The CloudHSM cluster {store.cluster} does not exist."
            fail("CloudHsmClusterNotFoundException", text)
        if not cluster.modules:
            fail("CloudHsmClusterNotActiveException", NO_MODULE.format(store.cluster))
        if cluster.modules < ENOUGH:
            _refuse_small(store.cluster)
        if cluster.trust_anchor.split() != store.trust_anchor.split():
            # A store that exists may move to a cluster with the same certificate only.
            moved = "CloudHsmClusterNotRelatedException"
            code = moved if store.version else "IncorrectTrustAnchorException"
            fail(code, f"This is not the certificate of the CloudHSM cluster {store.cluster}.")

    def connect(self, store: KeyStore, asking: Asking) -> str:
        cluster = self._cluster_of(store)
        if cluster is None:
            return "CLUSTER_NOT_FOUND"
        if not cluster.modules:
            return "INSUFFICIENT_CLOUDHSM_HSMS"
        password = secret_of(self._hsm, store).decode()
        known = hmac.compare_digest(_digest(password), cluster.digest)
        return "" if known else "INVALID_CREDENTIALS"

    def draw(self, store: KeyStore, size: int) -> SecretBytes:
        cluster = self._cluster_of(store)
        if not cluster or not cluster.modules:
            fail("CustomKeyStoreInvalidStateException", NO_MODULE.format(store.cluster))
        return self._hsm.random(size)

    def _cluster_of(self, store: KeyStore) -> Cluster | None:
        """The store's cluster, which must be in the store's account, as on AWS."""
        cluster = self.clusters.find(store.cluster)
        return cluster if cluster and cluster.account in ("", store.account) else None


@dataclass(frozen=True, slots=True)
class ClusterKey(SymmetricOnly):
    """A `Backing` for one call on one key of a cluster."""

    _hsm: Hsm
    _cluster: str
    _modules: int

    def random(self, size: int) -> SecretBytes:
        return self._hsm.random(size)

    def create(self, records: Reader, key: Key, now: datetime) -> Sealed:
        if self._modules < ENOUGH:
            _refuse_small(self._cluster)
        return self._hsm.create(records, key, now)

    def encrypt(
        self, material: Material, algorithm: str, plaintext: bytes, context: Mapping[str, str]
    ) -> CiphertextBlob:
        self._check()
        return self._hsm.encrypt(material, algorithm, plaintext, context)

    def decrypt(
        self, material: Material, algorithm: str, ciphertext: bytes, context: Mapping[str, str]
    ) -> SecretBytes:
        self._check()
        return self._hsm.decrypt(material, algorithm, ciphertext, context)

    def _check(self) -> None:
        if not self._modules:
            fail("KMSInvalidStateException", NO_MODULE.format(self._cluster))


def _refuse_small(cluster: str) -> None:
    text = f"The CloudHSM cluster {cluster} must have at least {ENOUGH} active HSMs."
    fail("CloudHsmClusterInvalidConfigurationException", text)


def _digest(password: str) -> str:
    """A simulated cluster's check of a random password; people's would need a slower one."""
    return sha256(password.encode()).hexdigest()
