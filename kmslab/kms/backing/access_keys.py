"""Access keys: programs sign their requests with them. The store holds each secret sealed.

Rule: a secret access key is opened only to check a signature or for its owner. It is bound to the
key's id and principal, so that rows swapped in the store do not open.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from kmslab.crypto import SecretBytes
from kmslab.kms import store as stores
from kmslab.kms.arn import known_arn
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import AccessKey

ID = re.compile(r"\w{1,128}", re.ASCII)  # IAM's pattern; IAM's ids have at least 16 characters
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SESSION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AccessKeyPair:
    """What a program signs with. Only `secret.decode()` and `environment` show the secret."""

    id: str
    secret: SecretBytes
    token: str = field(default="", repr=False)  # only a role's session has one

    @property
    def environment(self) -> dict[str, str]:
        """The variables in which AWS's SDKs and CLI look for an access key."""
        found = {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret.decode()}
        return found | ({"AWS_SESSION_TOKEN": self.token} if self.token else {})


class AccessKeys:
    """The access keys of all principals of a lab."""

    def __init__(self, store: "stores.Store", hsm: Hsm, now: Callable[[], datetime]) -> None:
        self._store = store
        self._hsm = hsm
        self._now = now

    def of(self, principal: str) -> AccessKeyPair:
        """A principal's access key: the existing one, or a new one.

        A role's session gets a new one each time, with a token, valid for an hour of wall time.
        """
        if known_arn(principal).is_session:
            token = secrets.token_urlsafe(96)
            return self._new("ASIA", principal, token, datetime.now(UTC) + SESSION)
        for key in self._store.find(AccessKey, principal=principal):
            with suppress(stores.Damaged):
                return AccessKeyPair(key.id, self.secret(key))
        return self._new("AKIA", principal)

    def put(self, principal: str, key_id: str, secret: str) -> AccessKeyPair:
        """Store an access key with a chosen id and secret, which replaces its previous secret."""

        def stage(change: Change) -> None:
            new = self.sealed(principal, key_id, secret.encode())
            found = self.find(key_id)
            if found is None:
                change.put(new)
            elif found.principal != principal or not self._holds(found, secret.encode()):
                change.put(replace(new, version=found.version))

        apply(self._store, stage)
        return AccessKeyPair(key_id, SecretBytes(secret.encode()))

    def sealed(self, principal: str, key_id: str, secret: bytes, token: str = "") -> AccessKey:
        """The record of an access key with a chosen id and secret. Raises ValueError."""
        if not ID.fullmatch(key_id) or not secret:
            raise ValueError(f"{key_id!r} is not an access key id: it has letters, digits and _")
        return AccessKey(
            id=key_id,
            principal=principal,
            sealed=self._hsm.domain_keys.protect(_name(key_id, principal), secret),
            token=digest_of(token.encode()),
            created=self._now(),
        )

    def find(self, key_id: str) -> AccessKey | None:
        """The record of an id that a request names. A text that cannot be an id causes no query.

        It refreshes the store first: another process may have replaced the secret, and no earlier
        step of a signed request does so.
        """
        self._store.refresh()
        return self._store.get(AccessKey, key_id) if ID.fullmatch(key_id) else None

    def secret(self, key: AccessKey) -> SecretBytes:
        return self._hsm.domain_keys.unprotect(name_of_secret(key), key.sealed)

    def opens(self, key: AccessKey) -> bool:
        """Whether the root key opens this access key's secret."""
        try:
            self.secret(key)
        except stores.Damaged:
            return False
        return True

    def _holds(self, key: AccessKey, secret: bytes) -> bool:
        return self.opens(key) and self.secret(key) == secret

    def _new(
        self, prefix: str, principal: str, token: str = "", expires: datetime | None = None
    ) -> AccessKeyPair:
        key_id = prefix + "".join(secrets.choice(LETTERS) for _ in range(16))
        secret = SecretBytes(secrets.token_urlsafe(30).encode())  # 40 characters, as on AWS
        record = AccessKey(
            id=key_id,
            principal=principal,
            sealed=self._hsm.domain_keys.protect(_name(key_id, principal), secret),
            token=digest_of(token.encode()),
            expires=expires,
            created=self._now(),
        )
        apply(self._store, lambda change: change.put(record))
        return AccessKeyPair(key_id, secret, token)


def digest_of(token: bytes) -> str:
    """What the store keeps of a session token: enough to recognise it, and not to use it."""
    return sha256(token).hexdigest() if token else ""


def signing_key(secret: bytes, scope: bytes) -> SecretBytes:
    """The key of one day, Region and service (Signature Version 4), derived from a secret."""
    key = b"AWS4" + secret
    for part in scope.split(b"/"):
        key = hmac.digest(key, part, "sha256")
    return SecretBytes(key)


def name_of_secret(key: AccessKey) -> str:
    return _name(key.id, key.principal)


def _name(key_id: str, principal: str) -> str:
    return f"access key {key_id} of {principal}"  # an id has no space, so no two are alike
