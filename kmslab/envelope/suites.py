"""The eleven algorithm suites of the AWS Encryption SDK, one row each, and its two formats.

All of them encrypt with AES-GCM and a 16-byte tag. A suite decides how a message's keys are derived
from its data key, whether the message commits to its key, and how it is signed. Source: "AWS
Encryption SDK algorithms reference" and "message format reference", in its Developer Guide.
"""

from dataclasses import dataclass

from kmslab.crypto import SecretBytes
from kmslab.crypto.backend import GCM_IV
from kmslab.crypto.self_tested import proven

HEADER_IV = bytes(GCM_IV)  # the frames number their IVs from one


@dataclass(frozen=True, slots=True)
class Format:
    """One version of the message format: the header's fields that the two do not share.

    An empty field is one that this version does not have.
    """

    version: int
    type: bytes  # after the version
    message_id: int  # bytes
    reserved: bytes  # after the content type
    iv_length: bytes  # after the reserved bytes
    commitment: int  # bytes, after the frame length
    header_iv: bytes  # before the header's tag


V1 = Format(1, b"\x80", 16, bytes(4), GCM_IV.to_bytes(1, "big"), 0, HEADER_IV)
V2 = Format(2, b"", 32, b"", b"", 32, b"")
FORMATS = {form.version: form for form in (V1, V2)}


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
    format: Format
    data_key: int  # bytes; the encryption key is as long
    kdf: str | None
    signature: Signature | None

    @property
    def id_bytes(self) -> bytes:
        return self.id.to_bytes(2, "big")

    @property
    def commits(self) -> bool:
        """Without key commitment, one message may open under two data keys, to two plaintexts."""
        return self.format.commitment > 0

    def derive(self, data_key: bytes, message_id: bytes) -> MessageKeys:
        """Each message has its own keys, so its frames may number their IVs from one.

        Without a KDF the data key itself encrypts, so it must never encrypt a second message.
        """
        if self.kdf is None:
            return MessageKeys(SecretBytes(data_key), b"")
        hkdf = proven(self.kdf).hkdf
        if not self.commits:
            label = self.id_bytes + message_id
            return MessageKeys(hkdf(self.kdf, data_key, b"", label, self.data_key), b"")
        label = self.id_bytes + b"DERIVEKEY"
        return MessageKeys(
            hkdf(self.kdf, data_key, message_id, label, self.data_key),
            bytes(hkdf(self.kdf, data_key, message_id, b"COMMITKEY", self.format.commitment)),
        )

    def __str__(self) -> str:
        return f"0x{self.id:04x}"


_P256 = Signature("ECDSA_SHA_256", "ECC_NIST_P256", "sha256", 71)
_P384 = Signature("ECDSA_SHA_384", "ECC_NIST_P384", "sha384", 103)

SUITES: dict[int, Suite] = {
    suite.id: suite
    for suite in (
        Suite(0x0014, V1, 16, None, None),
        Suite(0x0046, V1, 24, None, None),
        Suite(0x0078, V1, 32, None, None),
        Suite(0x0114, V1, 16, "HKDF_SHA_256", None),
        Suite(0x0146, V1, 24, "HKDF_SHA_256", None),
        Suite(0x0178, V1, 32, "HKDF_SHA_256", None),
        Suite(0x0214, V1, 16, "HKDF_SHA_256", _P256),
        Suite(0x0346, V1, 24, "HKDF_SHA_384", _P384),
        Suite(0x0378, V1, 32, "HKDF_SHA_384", _P384),
        Suite(0x0478, V2, 32, "HKDF_SHA_512", None),
        Suite(0x0578, V2, 32, "HKDF_SHA_512", _P384),
    )
}
