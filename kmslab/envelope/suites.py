"""Algorithm suites of the AWS Encryption SDK, one row each: how a message's keys are derived.

All of them encrypt with AES-GCM and a 16-byte tag. The format has eleven suites; here are the two
with key commitment, which the SDK has written by default since 2021. Source: "AWS Encryption SDK
algorithms reference", in its Developer Guide.
"""

from dataclasses import dataclass

from kmslab.crypto import SecretBytes
from kmslab.crypto.self_tested import proven


@dataclass(frozen=True, slots=True)
class Signature:
    """How a message is signed, with a key pair that is made for this message alone."""

    algorithm: str
    spec: str  # of the key pair
    hash: str  # hashlib's name
    size: int  # bytes, in DER: the writer signs again until the signature has this length


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """Derived from the data key, for one message."""

    encryption: SecretBytes
    commitment: bytes  # public; no other data key gives the same


@dataclass(frozen=True, slots=True)
class Suite:
    id: int
    version: int  # of the message format
    data_key: int  # bytes; the encryption key is as long
    message_id: int  # bytes
    kdf: str
    commitment: int  # bytes
    signature: Signature | None

    @property
    def id_bytes(self) -> bytes:
        return self.id.to_bytes(2, "big")

    def derive(self, data_key: bytes, message_id: bytes) -> MessageKeys:
        """Each message has its own keys, so its frames may number their IVs from one."""
        hkdf = proven(self.kdf).hkdf
        label = self.id_bytes + b"DERIVEKEY"
        return MessageKeys(
            hkdf(self.kdf, data_key, message_id, label, self.data_key),
            bytes(hkdf(self.kdf, data_key, message_id, b"COMMITKEY", self.commitment)),
        )

    def __str__(self) -> str:
        return f"0x{self.id:04x}"


_P384 = Signature("ECDSA_SHA_384", "ECC_NIST_P384", "sha384", 103)

SUITES: dict[int, Suite] = {
    suite.id: suite
    for suite in (
        Suite(0x0478, 2, 32, 32, "HKDF_SHA_512", 32, None),
        Suite(0x0578, 2, 32, 32, "HKDF_SHA_512", 32, _P384),
    )
}
