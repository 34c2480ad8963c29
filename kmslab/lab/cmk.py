"""`CMK`: the handle on one KMS key, with a plain Python word for each call that names the key.

It holds no key material and remembers only what never changes: the key's ARN, spec and usage.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kmslab.crypto import CiphertextBlob, PublicKey, SecretBytes
from kmslab.crypto.message_types import MessageType
from kmslab.display import Table
from kmslab.envelope import KmsKeyring
from kmslab.kms.contract.specs import KEY_SPECS, KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.client import KmsClient

Context = Mapping[str, str] | None

# The algorithm for a use, where the key leaves a choice and nobody asks for another.
PREFERRED: dict[KeyUsage, str] = {
    KeyUsage.ENCRYPT_DECRYPT: "RSAES_OAEP_SHA_256",
    KeyUsage.SIGN_VERIFY: "RSASSA_PSS_SHA_256",
    KeyUsage.GENERATE_VERIFY_MAC: "HMAC_SHA_256",
    KeyUsage.KEY_AGREEMENT: "ECDH",
    KeyUsage.ENCAPSULATE_DECAPSULATE: "ML_KEM",
}


# They derive from random key material, so a table that must look the same twice leaves them out.
MATERIAL_IDS = frozenset({"CurrentKeyMaterialId", "KeyMaterialId", "keyMaterialId"})


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
    """A shared secret, and the ciphertext that brings it to whoever has the private key."""

    secret: SecretBytes
    ciphertext: CiphertextBlob


class Metadata(dict[str, Any]):
    """A key's metadata: AWS's KeyMetadata, a dict that shows itself as a table."""

    def table(self, *, material_ids: bool = False) -> Table:
        members = [m for m in self if material_ids or m not in MATERIAL_IDS]
        return Table(["metadata", "value"], [[m, _plain(self[m])] for m in members])

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


class InLab(Protocol):
    """The lab, or the view of it, that a handle comes from and acts for."""

    kms: KmsClient


class CMK:
    """One KMS key (customer master key, as it was called until 2021)."""

    def __init__(self, lab: InLab, metadata: Mapping[str, Any], name: str | None = None) -> None:
        self.lab = lab
        self.arn: str = metadata["Arn"]
        self.spec: str = metadata["KeySpec"]
        self.usage = KeyUsage(metadata["KeyUsage"])
        self.name = name
        self._kms = lab.kms

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    # What it does

    def encrypt(
        self, plaintext: bytes, context: Context = None, algorithm: str | None = None
    ) -> CiphertextBlob:
        """1 to 4,096 bytes, sealed together with the encryption context (string → string).

        An RSA key takes fewer bytes (190 for RSA_2048 with OAEP and SHA-256) and no context.
        """
        request = {"Plaintext": plaintext, "EncryptionContext": context}
        answer = self._ask(
            "encrypt", EncryptionAlgorithm=self._for(KeyUsage.ENCRYPT_DECRYPT, algorithm), **request
        )
        blob: CiphertextBlob = answer["CiphertextBlob"]
        return blob

    def decrypt(self, blob: bytes, context: Context = None, algorithm: str | None = None) -> bytes:
        """The plaintext of this key's blob; a blob of another key raises IncorrectKeyException.

        An RSA ciphertext names no key: another key's raises InvalidCiphertextException.
        """
        request = {"CiphertextBlob": blob, "EncryptionContext": context}
        answer = self._ask(
            "decrypt", EncryptionAlgorithm=self._for(KeyUsage.ENCRYPT_DECRYPT, algorithm), **request
        )
        return bytes(answer["Plaintext"])

    def generate_data_key(self, context: Context = None, size: int = 32) -> DataKey:
        """A fresh data key of 1 to 1,024 bytes, in plaintext and encrypted under this key."""
        answer = self._ask("generate_data_key", NumberOfBytes=size, EncryptionContext=context)
        return DataKey(answer["Plaintext"], answer["CiphertextBlob"])

    def generate_data_key_pair(self, spec: str, context: Context = None) -> DataKeyPair:
        """A fresh key pair of this spec (such as ECC_NIST_P256), its private key also encrypted."""
        answer = self._ask("generate_data_key_pair", KeyPairSpec=spec, EncryptionContext=context)
        return DataKeyPair(
            PublicKey(answer["PublicKey"]),
            answer["PrivateKeyPlaintext"],
            answer["PrivateKeyCiphertextBlob"],
        )

    def keyring(self) -> KmsKeyring:
        """For `kmslab.envelope`, which also takes the CMK itself: its data keys under this key."""
        return KmsKeyring(self._kms, self.arn)

    def sign(
        self, message: bytes, algorithm: str | None = None, message_type: str = MessageType.RAW
    ) -> bytes:
        """A signature of 1 to 4,096 bytes, or with message_type="DIGEST" of a longer one's hash.

        ECDSA signatures are DER; algorithms as in AWS KMS, RSASSA_PSS_SHA_256 for RSA by default.
        """
        answer = self._ask(
            "sign",
            Message=message,
            MessageType=message_type,
            SigningAlgorithm=self._for(KeyUsage.SIGN_VERIFY, algorithm),
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
        answer = self._ask(
            "verify",
            Message=message,
            MessageType=message_type,
            Signature=signature,
            SigningAlgorithm=self._for(KeyUsage.SIGN_VERIFY, algorithm),
        )
        return bool(answer["SignatureValid"])

    def mac(self, message: bytes) -> bytes:
        """The HMAC (FIPS 198-1) of 1 to 4,096 bytes, not truncated."""
        algorithm = self._for(KeyUsage.GENERATE_VERIFY_MAC)
        answer = self._ask("generate_mac", Message=message, MacAlgorithm=algorithm)
        mac: bytes = answer["Mac"]
        return mac

    def verify_mac(self, message: bytes, mac: bytes) -> bool:
        """True; a MAC that doesn't fit raises KMSInvalidMacException."""
        algorithm = self._for(KeyUsage.GENERATE_VERIFY_MAC)
        answer = self._ask("verify_mac", Message=message, Mac=mac, MacAlgorithm=algorithm)
        return bool(answer["MacValid"])

    def public_key(self) -> PublicKey:
        """The public half of an asymmetric key, with `.der`, `.pem` and `.load()`."""
        return PublicKey(self._ask("get_public_key")["PublicKey"])

    def derive_shared_secret(self, peer: PublicKey | bytes) -> SecretBytes:
        """ECDH with a public key on the same curve: the raw x coordinate (SP 800-56A), no KDF."""
        answer = self._ask(
            "derive_shared_secret",
            PublicKey=bytes(peer),
            KeyAgreementAlgorithm=self._for(KeyUsage.KEY_AGREEMENT),
        )
        secret: SecretBytes = answer["SharedSecret"]
        return secret

    def encapsulate(self) -> Encapsulation:
        """A fresh 32-byte secret for this ML-KEM key (FIPS 203), and the ciphertext to send."""
        answer = self._ask(
            "encapsulate", EncapsulationAlgorithm=self._for(KeyUsage.ENCAPSULATE_DECAPSULATE)
        )
        return Encapsulation(answer["SharedSecret"], answer["SharedSecretCiphertextBlob"])

    def decapsulate(self, ciphertext: bytes) -> SecretBytes:
        """The secret. A forged ciphertext of the right length gives another one, and no error."""
        answer = self._ask(
            "decapsulate",
            SharedSecretCiphertextBlob=ciphertext,
            EncapsulationAlgorithm=self._for(KeyUsage.ENCAPSULATE_DECAPSULATE),
        )
        secret: SecretBytes = answer["SharedSecret"]
        return secret

    # What it is, and its life

    @property
    def metadata(self) -> Metadata:
        """AWS's KeyMetadata as it is now, from DescribeKey."""
        return Metadata(self._ask("describe_key")["KeyMetadata"])

    @property
    def state(self) -> KeyState:
        return KeyState(self.metadata["KeyState"])

    @property
    def last_used(self) -> datetime | None:
        """When this key has last done cryptography, in UTC."""
        moment: datetime | None = self._ask("get_key_last_usage")["KeyLastUsage"].get("Timestamp")
        return moment

    @property
    def tags(self) -> dict[str, str]:
        """At most 50, as AWS has it: one page."""
        listed = self._ask("list_resource_tags")["Tags"]
        return {tag["TagKey"]: tag["TagValue"] for tag in listed}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Add tags, or give those that are there another value."""
        written = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
        self._ask("tag_resource", Tags=written)

    def untag(self, *keys: str) -> None:
        """Remove the tags with these keys."""
        self._ask("untag_resource", TagKeys=list(keys))

    def disable(self) -> None:
        self._ask("disable_key")

    def enable(self) -> None:
        self._ask("enable_key")

    def schedule_deletion(self, days: int = 30) -> None:
        """Delete the key for good when 7 to 30 days are over; until then it can be cancelled."""
        self._ask("schedule_key_deletion", PendingWindowInDays=days)

    def cancel_deletion(self) -> None:
        """The key comes back Disabled."""
        self._ask("cancel_key_deletion")

    def rotate(self) -> None:
        """New key material for new blobs, now; at most 25 times in a key's life."""
        self._ask("rotate_key_on_demand")

    def enable_rotation(self, days: int = 365) -> None:
        """New key material every 90 to 2,560 days, by the lab's clock."""
        self._ask("enable_key_rotation", RotationPeriodInDays=days)

    def disable_rotation(self) -> None:
        self._ask("disable_key_rotation")

    @property
    def rotations(self) -> Table:
        """All key materials that this key has had, the first included."""
        every = {"IncludeKeyMaterial": "ALL_KEY_MATERIAL"}
        found = self._pages("list_key_rotations", "Rotations", **every)
        return Table(["rotated (UTC)", "how", "state"], [_rotation(each) for each in found])

    @property
    def policy(self) -> dict[str, Any]:
        """The key policy: who may use and manage the key. Put another one with `put_policy`."""
        text: str = self._ask("get_key_policy")["Policy"]
        document: dict[str, Any] = json.loads(text)
        return document

    def put_policy(self, policy: Mapping[str, Any] | str) -> None:
        """Replace the key policy, by a document as a dict or as JSON.

        MalformedPolicyDocumentException for one that names nobody who is there, or that would not
        let its author change it again.
        """
        text = policy if isinstance(policy, str) else json.dumps(policy, ensure_ascii=False)
        self._ask("put_key_policy", Policy=text)

    def grant(
        self, grantee: str, *operations: str, context: Context = None, name: str | None = None
    ) -> str:
        """Let a principal, named by its ARN, do these operations; returns the grant's id.

        `context`: pairs that the encryption context of each of its calls must have.
        """
        constraints = {"EncryptionContextSubset": context} if context else None
        answer = self._ask(
            "create_grant",
            GranteePrincipal=grantee,
            Operations=operations,
            Constraints=constraints,
            Name=name,
        )
        grant_id: str = answer["GrantId"]
        return grant_id

    def revoke(self, grant_id: str) -> None:
        """Take a grant back."""
        self._ask("revoke_grant", GrantId=grant_id)

    @property
    def grants(self) -> Table:
        """Who holds which grant on this key."""
        headings = ["grantee", "operations", "constraints", "grant id"]
        return Table(headings, [_grant(each) for each in self._pages("list_grants", "Grants")])

    def _for(self, usage: KeyUsage, asked: str | None = None) -> str:
        """What was asked for; else the preferred algorithm, or the only one that the key offers.

        A key that is not for this use gets the preferred one: the service will say what is wrong.
        """
        offered = KEY_SPECS[self.spec].algorithms.get(usage, ())
        preferred = PREFERRED[usage]
        return asked or (preferred if preferred in offered or not offered else offered[0])

    def _pages(self, operation: str, listed: str, **members: Any) -> Iterator[dict[str, Any]]:
        """What a List operation has listed, to its last page."""
        page: dict[str, Any] = {"Truncated": True, "NextMarker": None}
        while page["Truncated"]:
            page = self._ask(operation, Marker=page["NextMarker"], **members)
            yield from page[listed]

    def _ask(self, operation: str, **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._kms, operation)(KeyId=self.arn, **members)
        return answer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CMK) and self.arn == other.arn

    def __hash__(self) -> int:
        return hash(self.arn)

    def __repr__(self) -> str:
        return f"<CMK {self.name + ' ' if self.name else ''}{self.arn}>"


def _grant(entry: Mapping[str, Any]) -> list[str]:
    grantee = entry.get("GranteePrincipal") or entry.get("GranteeServicePrincipal", "")
    constraints = [f"{name}: {_pairs(it)}" for name, it in entry.get("Constraints", {}).items()]
    return [
        grantee.rpartition(":")[2],
        ", ".join(entry["Operations"]),
        ", ".join(constraints),
        entry["GrantId"][:8] + "…",
    ]


def _pairs(constraint: Mapping[str, str] | str) -> str:
    """Of an encryption context; a source's ARN stays as it is."""
    if isinstance(constraint, str):
        return constraint
    return ", ".join(f"{name}={value}" for name, value in constraint.items())


def _rotation(entry: Mapping[str, Any]) -> list[str]:
    date = entry.get("RotationDate")
    when = f"{date:%Y-%m-%d %H:%M:%S}" if date else "with the key"
    return [when, entry.get("RotationType", ""), entry["KeyMaterialState"]]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if hasattr(value, "strftime") else str(value)
