"""What a signature algorithm can sign: the message itself, its digest, or ML-DSA's μ."""

from enum import StrEnum


class MessageType(StrEnum):
    """The form of a message that is to be signed."""

    RAW = "RAW"
    DIGEST = "DIGEST"
    EXTERNAL_MU = "EXTERNAL_MU"  # ML-DSA's own digest, which includes the public key (FIPS 204)


# Algorithm → the forms that it accepts, and how many bytes each has (None: any number).
MESSAGE_TYPES: dict[str, dict[MessageType, int | None]] = {
    f"{scheme}_SHA_{bits}": {MessageType.RAW: None, MessageType.DIGEST: bits // 8}
    for scheme in ("RSASSA_PSS", "RSASSA_PKCS1_V1_5", "ECDSA")
    for bits in (256, 384, 512)
} | {
    "ED25519_SHA_512": {MessageType.RAW: None},
    "ED25519_PH_SHA_512": {MessageType.DIGEST: 64},
    "ML_DSA_SHAKE_256": {MessageType.RAW: None, MessageType.EXTERNAL_MU: 64},
}
