"""An object bucket, encrypted as S3 does it: each object has its own data key.

The KMS makes the data key, and the bucket stores it, encrypted, beside the object. To read an
object, the bucket asks the KMS to decrypt the data key on behalf of the reader. A new key of the
bucket applies to objects that are written afterwards.
Source: S3 user guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)". S3 Bucket Keys,
which save requests, are not simulated.
"""

import threading
from dataclasses import dataclass, field, replace

from kmslab.kms.arn import Arn
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.managed_keys import S3
from kmslab.kms.service import Service
from kmslab.lab.integrations.keys import (
    AWS_MANAGED,
    AWS_OWNED,
    Sealed,
    ServiceKeys,
    check_name,
    seal,
    unseal,
)

NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"


@dataclass(frozen=True, slots=True)
class Kept:
    """The present state of a bucket."""

    account: str
    region: str
    key: str
    objects: dict[str, Sealed] = field(default_factory=dict)


class Buckets:
    """All buckets: a name belongs to one bucket in all accounts and Regions."""

    def __init__(self, service: Service) -> None:
        self.keys = ServiceKeys(service, S3)
        self.kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def bucket(self, name: str, caller: Caller, key: str | None) -> "Bucket":
        check_name("bucket", NAME, name)
        with self._lock:
            kept = self.kept.get(name) or Kept(caller.account, caller.region, AWS_MANAGED)
            self.kept[name] = replace(kept, key=key or kept.key)
        return Bucket(self, name, caller)

    def store(self, bucket: str, name: str, sealed: Sealed) -> None:
        with self._lock:
            kept = self.kept[bucket]
            self.kept[bucket] = replace(kept, objects=kept.objects | {name: sealed})


class Bucket:
    """One bucket, as one caller uses it."""

    def __init__(self, buckets: Buckets, name: str, caller: Caller) -> None:
        self.name = name
        self.caller = caller
        self._buckets = buckets
        self._keys = buckets.keys

    @property
    def key(self) -> str:
        """The key for new objects: a key's id, ARN or alias, `aws-managed` or `aws-owned`."""
        return self._kept.key

    @property
    def objects(self) -> list[str]:
        return sorted(self._kept.objects)

    def put(self, name: str, content: bytes) -> None:
        """Encrypt and store an object. Raises the errors of the KMS for this caller."""
        kept = self._kept
        arn = Arn(self.caller.partition, "s3", "", "", f"{self.name}/{name}")
        context = {"aws:s3:arn": str(arn)}
        owned = kept.key == AWS_OWNED
        request = {
            "KeyId": self._keys.key_id(kept.key, kept.account, kept.region),
            "KeySpec": "AES_256",
            "EncryptionContext": context,
        }
        asking = self._keys.on_behalf(self.caller, kept.region, owned=owned)
        data_key = self._keys.ask("GenerateDataKey", asking, request)
        content = seal(data_key["Plaintext"], content, context)
        sealed = Sealed(content, data_key["CiphertextBlob"], context, owned)
        self._buckets.store(self.name, name, sealed)

    def get(self, name: str) -> bytes:
        """The object, decrypted for this caller. Raises KeyError, or the errors of the KMS."""
        sealed = self.stored(name)
        request = {"CiphertextBlob": sealed.data_key, "EncryptionContext": sealed.context}
        asking = self._keys.on_behalf(self.caller, self._kept.region, owned=sealed.owned)
        data_key = self._keys.ask("Decrypt", asking, request)["Plaintext"]
        return bytes(unseal(data_key, sealed.content, sealed.context))

    def stored(self, name: str) -> Sealed:
        """The object as it is stored, encrypted. Raises KeyError if there is none."""
        return self._kept.objects[name]

    @property
    def _kept(self) -> Kept:
        return self._buckets.kept[self.name]

    def __repr__(self) -> str:
        return (
            f"<Bucket {self.name} in {self._kept.region}: {len(self.objects)} objects, {self.key}>"
        )
