"""kmslab: a key management service that you can read in an evening and point boto3 at."""

from kmslab import envelope
from kmslab.clock import Clock
from kmslab.cmk import CMK, DataKey
from kmslab.crypto import CiphertextBlob, PublicKey, SecretBytes
from kmslab.lab import Lab

__all__ = [
    "CMK",
    "CiphertextBlob",
    "Clock",
    "DataKey",
    "Lab",
    "PublicKey",
    "SecretBytes",
    "envelope",
]
