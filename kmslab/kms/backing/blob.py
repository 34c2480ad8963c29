"""The ciphertext blob, field by field: it names the key that opens it and never carries it.

Everything before the ciphertext is the header, which is authenticated together with the encryption
context. AWS does not publish the layout of its blobs; this one is the lab's own.
"""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from kmslab.crypto.backend import GCM_IV, GCM_TAG
from kmslab.kms.arn import known_arn
from kmslab.kms.contract.records import Material

MAGIC = b"kmslab"
VERSION = b"\x01"
KEY_ID = 36  # bytes
DERIVATION_NONCE = 16

# The header's fields, in order: (name, bytes). Then come a ciphertext of any length and the tag.
FIELDS: tuple[tuple[str, int], ...] = (
    ("magic", 6),
    ("version", 1),
    ("material id", 32),
    ("key id", KEY_ID),
    ("derivation nonce", DERIVATION_NONCE),
    ("IV", GCM_IV),
)
LAYOUT = Struct("".join(f"{size}s" for _, size in FIELDS))
OVERHEAD = LAYOUT.size + GCM_TAG


@dataclass(frozen=True, slots=True)
class Blob:
    header: bytes
    material: str  # id, 64 hex digits
    key: str  # id
    derivation_nonce: bytes  # this call's own key is derived from it and the backing key
    iv: bytes
    sealed: bytes  # ciphertext ‖ tag


def header(material: Material, derivation_nonce: bytes, iv: bytes) -> bytes:
    """The bytes before the ciphertext."""
    return _stem(material.handle, material.key) + derivation_nonce + iv


@lru_cache(4_096)
def _stem(handle: str, arn: str) -> bytes:
    """What is the same in all blobs of a material. A seed's id of another length is filled up, or
    cut."""
    name = known_arn(arn).name.encode("ascii").ljust(KEY_ID, b"\0")[:KEY_ID]
    return MAGIC + VERSION + bytes.fromhex(handle.rpartition("/")[2]) + name


def parse(blob: bytes) -> Blob | None:
    """The blob's fields, which are not verified yet; None if kmslab cannot have written it."""
    if len(blob) < OVERHEAD or not blob.startswith(MAGIC + VERSION):
        return None
    _, _, material, key, derivation_nonce, iv = LAYOUT.unpack_from(blob)
    return Blob(
        header=bytes(blob[: LAYOUT.size]),
        material=material.hex(),
        key=key.rstrip(b"\0").decode("ascii", "replace"),
        derivation_nonce=derivation_nonce,
        iv=iv,
        sealed=bytes(blob[LAYOUT.size :]),
    )


def fields(blob: bytes) -> list[tuple[str, int, bytes]]:
    """(name, offset, bytes) of each field, to read without a key; [] if kmslab did not write it."""
    if parse(blob) is None:
        return []
    sizes = [*FIELDS, ("ciphertext", len(blob) - OVERHEAD), ("tag", GCM_TAG)]
    rows, offset = [], 0
    for name, size in sizes:
        rows.append((name, offset, bytes(blob[offset : offset + size])))
        offset += size
    return rows
