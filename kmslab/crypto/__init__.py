"""Algorithms, on two independent libraries behind one interface, and nothing about who owns a key.

Reading order: `backend.py`, the interface and its refusals; `pyca/` and `pycryptodome/`, the two
libraries; `self_test.py` and `self_tested.py`, which let an algorithm be used only after it gave
its published answers; then `secret.py` and `framing.py`, which every wing above uses. `cms.py` (on
`ber.py`) seals for a recipient; `attestation.py` (on `cose.py` and `cbor.py`) verifies what an
enclave proves of itself. `old_padding.py` opens RSA ciphertexts of the past.

Rule: code that needs a cipher takes it from `self_tested.py`. A backend refuses with `Forged`, or
with `Malformed` if a public key is wrong, and gives no reason. A secret is a `SecretBytes`, which
hides itself in text. Nothing here imports another wing.
"""

from kmslab.crypto.backend import Backend, Forged, Malformed
from kmslab.crypto.framing import check_context, encode_context, frame
from kmslab.crypto.private import as_pkcs8, private_key_of_number, read_pkcs8, read_private_key
from kmslab.crypto.public import PublicKey
from kmslab.crypto.pyca import pyca
from kmslab.crypto.pycryptodome import pycryptodome
from kmslab.crypto.secret import CiphertextBlob, SecretBytes
from kmslab.crypto.spki import compress, has_long_exponent, rsa_exponent, spec_of

__all__ = [
    "Backend",
    "CiphertextBlob",
    "Forged",
    "Malformed",
    "PublicKey",
    "SecretBytes",
    "as_pkcs8",
    "check_context",
    "compress",
    "encode_context",
    "frame",
    "has_long_exponent",
    "private_key_of_number",
    "pyca",
    "pycryptodome",
    "read_pkcs8",
    "read_private_key",
    "rsa_exponent",
    "spec_of",
]
