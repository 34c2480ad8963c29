"""Client-side envelope encryption, in the message format of the AWS Encryption SDK.

A fresh data key encrypts each message, a wrapping key encrypts the data key, and the message
carries both. `encrypt` and `decrypt` work on bytes. `encrypt_file`, `encrypt_stream` and their
opposites work on data of any size, and keep a few frames of it in memory. `inspect` explains a
message without any key. The KMS is asked once for each message, or less often with a
`DataKeyCache`, and never sees the data.

Reading order: `message.py`, the format; `suites.py`, how a message gets its keys; `keyrings.py`,
`kms.py` and `raw.py`, how a data key is wrapped; `materials.py`, what a message gets from them;
`policy.py`, what a program demands of messages; `stream.py`, which uses all of these, and
`batches.py`, its frames; then `signing.py`, `in_memory.py`, `files.py`, `inspect.py` and
`caching.py`. Threads are in `kmslab/in_order.py`, readers and writers in `kmslab/byte_streams.py`.

Rule: nothing here imports the service. A KMS is an object with boto3's `generate_data_key`,
`encrypt` and `decrypt`, so AWS's own works as well.
"""

from kmslab.envelope.caching import DataKeyCache
from kmslab.envelope.errors import DecryptionError
from kmslab.envelope.files import decrypt_file, encrypt_file
from kmslab.envelope.in_memory import Decrypted, decrypt, encrypt
from kmslab.envelope.inspect import MessageView, inspect
from kmslab.envelope.keyrings import Keyring, Refused
from kmslab.envelope.kms import KmsDiscoveryKeyring, KmsKeyring
from kmslab.envelope.message import Context, EncryptedDataKey, Header
from kmslab.envelope.policy import CommitmentPolicy, Policy
from kmslab.envelope.raw import RawAesKeyring, RawRsaKeyring
from kmslab.envelope.stream import Opened, decrypt_stream, encrypt_stream
from kmslab.field_map import Field

__all__ = [
    "CommitmentPolicy",
    "Context",
    "DataKeyCache",
    "Decrypted",
    "DecryptionError",
    "EncryptedDataKey",
    "Field",
    "Header",
    "Keyring",
    "KmsDiscoveryKeyring",
    "KmsKeyring",
    "MessageView",
    "Opened",
    "Policy",
    "RawAesKeyring",
    "RawRsaKeyring",
    "Refused",
    "decrypt",
    "decrypt_file",
    "decrypt_stream",
    "encrypt",
    "encrypt_file",
    "encrypt_stream",
    "inspect",
]
