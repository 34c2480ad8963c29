"""`CMK`: the handle on one KMS key, with a plain Python word for each call that names the key.

It holds no key material and remembers only what never changes: the key's ARN, spec and usage.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kmslab.clock import Clock
from kmslab.crypto import CiphertextBlob, PublicKey, SecretBytes, check_context
from kmslab.crypto.message_types import MessageType
from kmslab.display import Table
from kmslab.kms.arn import Arn
from kmslab.kms.audit import Trail
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.specs import KEY_SPECS, KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.client import KmsClient
from kmslab.lab.imports import ImportedMaterial
from kmslab.lab.pages import all_items
from kmslab.lab.tables import Metadata, grant_table, rotation_table

if TYPE_CHECKING:
    from kmslab.envelope import KmsKeyring

Context = Mapping[str, str] | None

# The algorithm for a use, where the key leaves a choice and the call names none.
PREFERRED: dict[KeyUsage, str] = {
    KeyUsage.ENCRYPT_DECRYPT: "RSAES_OAEP_SHA_256",
    KeyUsage.SIGN_VERIFY: "RSASSA_PSS_SHA_256",
    KeyUsage.GENERATE_VERIFY_MAC: "HMAC_SHA_256",
    KeyUsage.KEY_AGREEMENT: "ECDH",
    KeyUsage.ENCAPSULATE_DECAPSULATE: "ML_KEM",
}


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key: `plaintext` to use now and forget, `encrypted` to keep beside the data."""

    plaintext: SecretBytes
    encrypted: CiphertextBlob


@dataclass(frozen=True, slots=True)
class DataKeyPair:
    """An asymmetric data key: `private` in PKCS#8 DER to use and forget, `encrypted` to keep."""

    public: PublicKey
    private: SecretBytes
    encrypted: CiphertextBlob


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """A shared secret, and the ciphertext from which the private key's owner gets the same one."""

    secret: SecretBytes
    ciphertext: CiphertextBlob


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


class CMK(ImportedMaterial):
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

    # What it does

    def encrypt(
        self, plaintext: bytes, context: Context = None, algorithm: str | None = None
    ) -> CiphertextBlob:
        """1 to 4,096 bytes, sealed together with the encryption context (string → string).

        An RSA key takes fewer bytes (190 for RSA_2048 with OAEP and SHA-256) and no context.
        """
        answer = self._kms.encrypt(
            KeyId=self.arn,
            EncryptionAlgorithm=self._algorithm(KeyUsage.ENCRYPT_DECRYPT, algorithm),
            Plaintext=plaintext,
            EncryptionContext=context,
        )
        blob: CiphertextBlob = answer["CiphertextBlob"]
        return blob

    def decrypt(self, blob: bytes, context: Context = None, algorithm: str | None = None) -> bytes:
        """The plaintext of this key's blob; a blob of another key raises IncorrectKeyException.

        An RSA ciphertext names no key: another key's raises InvalidCiphertextException.
        """
        answer = self._kms.decrypt(
            KeyId=self.arn,
            EncryptionAlgorithm=self._algorithm(KeyUsage.ENCRYPT_DECRYPT, algorithm),
            CiphertextBlob=blob,
            EncryptionContext=context,
        )
        return bytes(answer["Plaintext"])

    def generate_data_key(self, context: Context = None, size: int = 32) -> DataKey:
        """A fresh data key of 1 to 1,024 bytes, in plaintext and encrypted under this key."""
        answer = self._kms.generate_data_key(
            KeyId=self.arn, NumberOfBytes=size, EncryptionContext=context
        )
        return DataKey(answer["Plaintext"], answer["CiphertextBlob"])

    def generate_data_key_without_plaintext(
        self, context: Context = None, size: int = 32
    ) -> CiphertextBlob:
        """A fresh data key of 1 to 1,024 bytes, encrypted only: the caller never has it."""
        answer = self._kms.generate_data_key_without_plaintext(
            KeyId=self.arn, NumberOfBytes=size, EncryptionContext=context
        )
        blob: CiphertextBlob = answer["CiphertextBlob"]
        return blob

    def generate_data_key_pair(self, spec: str, context: Context = None) -> DataKeyPair:
        """A fresh key pair of this spec (such as ECC_NIST_P256), its private key also encrypted."""
        answer = self._kms.generate_data_key_pair(
            KeyId=self.arn, KeyPairSpec=spec, EncryptionContext=context
        )
        return DataKeyPair(
            PublicKey(answer["PublicKey"]),
            answer["PrivateKeyPlaintext"],
            answer["PrivateKeyCiphertextBlob"],
        )

    def keyring(self) -> "KmsKeyring":
        """A keyring for `kmslab.envelope`, which wraps data keys under this key.

        `envelope` makes one itself if it is given the CMK.
        """
        from kmslab.envelope import KmsKeyring  # few programs ask for one

        return KmsKeyring(self._kms, self.arn)

    def sign(
        self, message: bytes, algorithm: str | None = None, message_type: str = MessageType.RAW
    ) -> bytes:
        """A signature of 1 to 4,096 bytes, or with message_type="DIGEST" of a longer one's hash.

        ECDSA signatures are DER; algorithms as in AWS KMS, RSASSA_PSS_SHA_256 for RSA by default.
        """
        answer = self._kms.sign(
            KeyId=self.arn,
            Message=message,
            MessageType=message_type,
            SigningAlgorithm=self._algorithm(KeyUsage.SIGN_VERIFY, algorithm),
        )
        signature: bytes = answer["Signature"]
        return signature

    def verify(
        self,
        message: bytes,
        signature: bytes,
        algorithm: str | None = None,
        message_type: str = MessageType.RAW,
    ) -> bool:
        """True; a signature that doesn't verify raises KMSInvalidSignatureException."""
        answer = self._kms.verify(
            KeyId=self.arn,
            Message=message,
            MessageType=message_type,
            Signature=signature,
            SigningAlgorithm=self._algorithm(KeyUsage.SIGN_VERIFY, algorithm),
        )
        return bool(answer["SignatureValid"])

    def mac(self, message: bytes) -> bytes:
        """The HMAC (FIPS 198-1) of 1 to 4,096 bytes, not truncated."""
        answer = self._kms.generate_mac(
            KeyId=self.arn,
            Message=message,
            MacAlgorithm=self._algorithm(KeyUsage.GENERATE_VERIFY_MAC),
        )
        mac: bytes = answer["Mac"]
        return mac

    def verify_mac(self, message: bytes, mac: bytes) -> bool:
        """True; a MAC that doesn't verify raises KMSInvalidMacException."""
        answer = self._kms.verify_mac(
            KeyId=self.arn,
            Message=message,
            Mac=mac,
            MacAlgorithm=self._algorithm(KeyUsage.GENERATE_VERIFY_MAC),
        )
        return bool(answer["MacValid"])

    def public_key(self) -> PublicKey:
        """The public half of an asymmetric key, with `.der`, `.pem` and `.load()`."""
        return PublicKey(self._kms.get_public_key(KeyId=self.arn)["PublicKey"])

    def derive_shared_secret(self, peer: PublicKey | bytes) -> SecretBytes:
        """ECDH with a public key on the same curve: the raw x coordinate (SP 800-56A), no KDF."""
        answer = self._kms.derive_shared_secret(
            KeyId=self.arn,
            PublicKey=bytes(peer),
            KeyAgreementAlgorithm=self._algorithm(KeyUsage.KEY_AGREEMENT),
        )
        secret: SecretBytes = answer["SharedSecret"]
        return secret

    def encapsulate(self) -> Encapsulation:
        """A fresh 32-byte secret for this ML-KEM key (FIPS 203), and the ciphertext to send."""
        answer = self._kms.encapsulate(
            KeyId=self.arn,
            EncapsulationAlgorithm=self._algorithm(KeyUsage.ENCAPSULATE_DECAPSULATE),
        )
        return Encapsulation(answer["SharedSecret"], answer["SharedSecretCiphertextBlob"])

    def decapsulate(self, ciphertext: bytes) -> SecretBytes:
        """The secret. A forged ciphertext of the right length gives another one, and no error."""
        answer = self._kms.decapsulate(
            KeyId=self.arn,
            SharedSecretCiphertextBlob=ciphertext,
            EncapsulationAlgorithm=self._algorithm(KeyUsage.ENCAPSULATE_DECAPSULATE),
        )
        secret: SecretBytes = answer["SharedSecret"]
        return secret

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

    def _algorithm(self, usage: KeyUsage, asked: str | None = None) -> str:
        """The algorithm `asked` for; else the preferred one, or the only one that the key offers.

        A key that is not for this usage gets the preferred one: the service says what is wrong.
        """
        offered = KEY_SPECS[self.spec].algorithms.get(usage, ())
        preferred = PREFERRED[usage]
        return asked or (preferred if preferred in offered or not offered else offered[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CMK) and self.arn == other.arn

    def __hash__(self) -> int:
        return hash(self.arn)

    def __repr__(self) -> str:
        return f"<CMK {self.name + ' ' if self.name else ''}{self.arn}>"
