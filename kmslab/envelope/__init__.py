"""Client-side envelope encryption, in the message format of the AWS Encryption SDK.

A fresh data key seals each message, a wrapping key seals the data key, and both travel together:
`encrypt` and `decrypt` take bytes, `…_file` and `…_stream` anything of any size, in the memory of a
few frames. `inspect` explains a message to those without a key. A KMS is asked once a message, and
never sees the data.
"""

from kmslab.envelope.errors import DecryptionError
from kmslab.envelope.files import decrypt_file, encrypt_file
from kmslab.envelope.in_memory import Decrypted, decrypt, encrypt
from kmslab.envelope.inspect import Field, View, inspect
from kmslab.envelope.keyrings import Keyring, Refused
from kmslab.envelope.kms import KmsKeyring
from kmslab.envelope.message import Context, EncryptedDataKey, Header, Message
from kmslab.envelope.raw import RawAesKeyring, RawRsaKeyring
from kmslab.envelope.stream import Opened, decrypt_stream, encrypt_stream

__all__ = [
    "Context",
    "Decrypted",
    "DecryptionError",
    "EncryptedDataKey",
    "Field",
    "Header",
    "Keyring",
    "KmsKeyring",
    "Message",
    "Opened",
    "RawAesKeyring",
    "RawRsaKeyring",
    "Refused",
    "View",
    "decrypt",
    "decrypt_file",
    "decrypt_stream",
    "encrypt",
    "encrypt_file",
    "encrypt_stream",
    "inspect",
]
