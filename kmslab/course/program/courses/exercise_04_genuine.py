"""04-genuine: check a signature with the public key alone, without any KMS."""

from kmslab import PublicKey
from kmslab.crypto import Forged, Malformed, pyca
from kmslab.crypto.message_types import MessageType


def is_genuine(public_key: PublicKey, report: bytes, signature: bytes) -> bool:
    try:
        pyca.verify("ECDSA_SHA_256", public_key.der, report, MessageType.RAW, signature)
    except (Forged, Malformed):
        return False
    return True
