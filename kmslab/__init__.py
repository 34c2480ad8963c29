"""kmslab: a key management service that you can read in an evening and point boto3 at."""

from kmslab.clock import Clock
from kmslab.crypto import CiphertextBlob, SecretBytes
from kmslab.lab import CMK, DataKey, Lab

__all__ = ["CMK", "CiphertextBlob", "Clock", "DataKey", "Lab", "SecretBytes"]
