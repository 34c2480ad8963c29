"""kmslab: a key management service that you can read in an evening and point boto3 at."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kmslab import enclave, envelope, lake
    from kmslab.clock import Clock
    from kmslab.crypto import CiphertextBlob, PublicKey, SecretBytes
    from kmslab.crypto.wrapping import wrap
    from kmslab.kms.access import allow
    from kmslab.kms.backing.passphrase import Passphrase
    from kmslab.lab.cmk import CMK
    from kmslab.lab.elsewhere import key
    from kmslab.lab.key_uses import DataKey
    from kmslab.lab.lab import Lab

__all__ = [
    "CMK",
    "CiphertextBlob",
    "Clock",
    "DataKey",
    "Lab",
    "Passphrase",
    "PublicKey",
    "SecretBytes",
    "allow",
    "enclave",
    "envelope",
    "key",
    "lake",
    "wrap",
]

# The module of each name, imported when the name is first used: pytest imports this package at
# every start, for its fixtures, and `kmslab --help` need not wait for cryptography.
MODULES = {
    "CMK": "kmslab.lab.cmk",
    "CiphertextBlob": "kmslab.crypto",
    "Clock": "kmslab.clock",
    "DataKey": "kmslab.lab.key_uses",
    "Lab": "kmslab.lab.lab",
    "Passphrase": "kmslab.kms.backing.passphrase",
    "PublicKey": "kmslab.crypto",
    "SecretBytes": "kmslab.crypto",
    "allow": "kmslab.kms.access",
    "key": "kmslab.lab.elsewhere",
    "wrap": "kmslab.crypto.wrapping",
}


def __getattr__(name: str) -> Any:
    if name in ("enclave", "envelope", "lake"):
        return import_module(f"kmslab.{name}")
    if name not in MODULES:
        raise AttributeError(f"module 'kmslab' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(MODULES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
