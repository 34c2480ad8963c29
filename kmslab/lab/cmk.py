"""`CMK`: the handle on one KMS key, with a plain Python word for each call that names the key.

It holds no key material and remembers only what never changes: the key's ARN, spec and usage. The
cryptographic operations are in `key_uses.py`, imports in `imports.py`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from kmslab.clock import Clock
from kmslab.crypto import check_context
from kmslab.display import Table
from kmslab.kms.arn import Arn
from kmslab.kms.audit import Trail
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.client import KmsClient
from kmslab.lab.imports import ImportedMaterial
from kmslab.lab.key_uses import Context, KeyUses
from kmslab.lab.pages import all_items
from kmslab.lab.tables import Metadata, grant_table, rotation_table


def tag_list(tags: Mapping[str, str] | None) -> list[dict[str, str]] | None:
    """Tags as AWS's requests have them; None for no tags."""
    return [{"TagKey": key, "TagValue": value} for key, value in (tags or {}).items()] or None


class CallersLab(Protocol):
    """A lab, or a view of one, as a handle on one of its keys needs it."""

    caller: Caller
    clock: Clock
    kms: KmsClient

    @property
    def trail(self) -> Trail: ...

    def region(self, name: str) -> "CallersLab": ...


class CMK(KeyUses, ImportedMaterial):
    """One KMS key (customer master key, as it was called until 2021).

    `lab`: the lab, or the view of it, for whose caller the handle acts.
    """

    def __init__(
        self, lab: CallersLab, metadata: Mapping[str, Any], name: str | None = None
    ) -> None:
        self.lab = lab
        self.arn: str = metadata["Arn"]
        self.spec: str = metadata["KeySpec"]
        self.usage = KeyUsage(metadata["KeyUsage"])
        self.name = name
        self._kms = lab.kms

    @property
    def id(self) -> str:
        return Arn.parse(self.arn).name

    @property
    def region(self) -> str:
        """Where the key is, such as `eu-west-1`."""
        return Arn.parse(self.arn).region

    # What it is, and its life

    @property
    def metadata(self) -> Metadata:
        """AWS's KeyMetadata as it is now, from DescribeKey."""
        return Metadata(self._kms.describe_key(KeyId=self.arn)["KeyMetadata"])

    @property
    def state(self) -> KeyState:
        return KeyState(self.metadata["KeyState"])

    @property
    def last_used(self) -> datetime | None:
        """When this key last did cryptography, in UTC; None if it never has."""
        answer = self._kms.get_key_last_usage(KeyId=self.arn)
        moment: datetime | None = answer["KeyLastUsage"].get("Timestamp")
        return moment

    @property
    def tags(self) -> dict[str, str]:
        """The key's tags, at most 50, as a dict from key to value."""
        listed = all_items(self._kms.list_resource_tags, "Tags", KeyId=self.arn)
        return {tag["TagKey"]: tag["TagValue"] for tag in listed}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Add tags; a tag whose key is there already gets the new value."""
        self._kms.tag_resource(KeyId=self.arn, Tags=tag_list(tags) or [])

    def untag(self, *keys: str) -> None:
        """Remove the tags with these keys."""
        self._kms.untag_resource(KeyId=self.arn, TagKeys=keys)

    def disable(self) -> None:
        self._kms.disable_key(KeyId=self.arn)

    def enable(self) -> None:
        self._kms.enable_key(KeyId=self.arn)

    def schedule_deletion(self, days: int = 30) -> None:
        """Delete the key for good when 7 to 30 days are over; until then it can be cancelled."""
        self._kms.schedule_key_deletion(KeyId=self.arn, PendingWindowInDays=days)

    def cancel_deletion(self) -> None:
        """The key comes back Disabled."""
        self._kms.cancel_key_deletion(KeyId=self.arn)

    def rotate(self) -> None:
        """New key material for new blobs, now; at most 25 times in a key's life."""
        self._kms.rotate_key_on_demand(KeyId=self.arn)

    def enable_rotation(self, days: int = 365) -> None:
        """New key material every 90 to 2,560 days, by the lab's clock."""
        self._kms.enable_key_rotation(KeyId=self.arn, RotationPeriodInDays=days)

    def disable_rotation(self) -> None:
        self._kms.disable_key_rotation(KeyId=self.arn)

    @property
    def rotations(self) -> Table:
        """All key materials that this key has had, the first included."""
        listed = all_items(
            self._kms.list_key_rotations,
            "Rotations",
            KeyId=self.arn,
            IncludeKeyMaterial="ALL_KEY_MATERIAL",
        )
        return rotation_table(listed)

    # Multi-Region keys

    def replicate(
        self,
        region: str,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        policy: Mapping[str, Any] | str | None = None,
    ) -> "CMK":
        """A replica of this multi-Region primary in another Region; the handle acts there.

        It has the same key id and key material, and opens what this key has sealed. It is Creating
        for 2 seconds of the lab's clock and cannot be used until then. Its policy (by default the
        default one), description, tags and aliases are its own. A replica that is in the Region
        already is returned as it is. Raises UnsupportedOperationException for any other key.
        """
        if replica := next((each for each in self.replicas if each.region == region), None):
            return replica
        text = json.dumps(policy, ensure_ascii=False) if isinstance(policy, Mapping) else policy
        there = self.lab.region(region)
        answer = self._kms.replicate_key(
            KeyId=self.arn,
            ReplicaRegion=region,
            Description=description,
            Tags=tag_list(tags),
            Policy=text,
        )
        return CMK(there, answer["ReplicaKeyMetadata"])

    def make_primary(self) -> None:
        """Make this replica the primary, and the former primary a replica.

        Both keys must be Enabled. Both are Updating for 2 seconds of the lab's clock; meanwhile
        they can be used, but not disabled, deleted or replicated.
        """
        there = self.primary.region
        kms = self.lab.region(there).kms
        kms.update_primary_region(KeyId=self.id, PrimaryRegion=self.region)

    @property
    def primary(self) -> "CMK":
        """The multi-Region primary that this key is related to; for any other key itself."""
        related = self.metadata.get("MultiRegionConfiguration")
        return self._at(related["PrimaryKey"]) if related else self

    @property
    def replicas(self) -> list["CMK"]:
        """The replicas of this key's multi-Region primary, each with a view of its Region."""
        related = self.metadata.get("MultiRegionConfiguration", {})
        return [self._at(each) for each in related.get("ReplicaKeys", ())]

    def _at(self, related: Mapping[str, str]) -> "CMK":
        """The handle on a related key, whose spec and usage are the same."""
        shared = {"KeySpec": self.spec, "KeyUsage": self.usage}
        return CMK(self.lab.region(related["Region"]), {**related, **shared})

    # Who may use it

    @property
    def policy(self) -> dict[str, Any]:
        """The key policy: who may use and manage the key. Put another one with `put_policy`."""
        text: str = self._kms.get_key_policy(KeyId=self.arn)["Policy"]
        document: dict[str, Any] = json.loads(text)
        return document

    def put_policy(self, policy: Mapping[str, Any] | str) -> None:
        """Replace the key policy, by a document as a dict or as JSON.

        Raises MalformedPolicyDocumentException for a policy that names a principal who does not
        exist, or that would not let its author change it again.
        """
        text = policy if isinstance(policy, str) else json.dumps(policy, ensure_ascii=False)
        self._kms.put_key_policy(KeyId=self.arn, Policy=text)

    def grant(
        self, grantee: str, *operations: str, context: Context = None, name: str | None = None
    ) -> str:
        """Let a principal, named by its ARN, do these operations; returns the grant's id.

        `context`: pairs that the encryption context of each of its calls must have.
        """
        constraints = None
        if context is not None:
            check_context(context)
            constraints = {"EncryptionContextSubset": context} if context else None
        answer = self._kms.create_grant(
            KeyId=self.arn,
            GranteePrincipal=grantee,
            Operations=operations,
            Constraints=constraints,
            Name=name,
        )
        grant_id: str = answer["GrantId"]
        return grant_id

    def revoke(self, grant_id: str) -> None:
        """Take a grant back."""
        self._kms.revoke_grant(KeyId=self.arn, GrantId=grant_id)

    @property
    def grants(self) -> Table:
        """Who holds which grant on this key."""
        return grant_table(all_items(self._kms.list_grants, "Grants", KeyId=self.arn))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CMK) and self.arn == other.arn

    def __hash__(self) -> int:
        return hash(self.arn)

    def __repr__(self) -> str:
        return f"<CMK {self.name + ' ' if self.name else ''}{self.arn}>"
