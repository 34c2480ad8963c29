"""Seed files in the form of local-kms, an emulator whose `seed.yaml` many projects have.

Its README describes the form: keys by kind with their material, and aliases. A key with several
backing keys was rotated; the newest stands last. Keys are made in the lab's own account and Region.
Ciphertexts that local-kms made do not open here: only the keys are the same.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.seeding.declared import Seed, SeedKey
from kmslab.lab.seeding.forms import YEAR, alias_name, key, key_id, moment
from kmslab.lab.seeding.material import decoded, once, settled
from kmslab.lab.seeding.nodes import Node

METADATA = (
    "KeyId",
    "Description",
    "KeyUsage",
    "Origin",
    "KeyState",
    "Enabled",
    "KeySpec",
    "CustomerMasterKeySpec",
)
NOT_YET = (
    "keys with imported material cannot be declared yet. Without Origin: EXTERNAL, the key is made "
    "with this material and the origin AWS_KMS."
)
STATES: dict[str, KeyState] = {
    "true": KeyState.ENABLED,
    "false": KeyState.DISABLED,
    "Enabled": KeyState.ENABLED,
    "Disabled": KeyState.DISABLED,
}


def is_local_kms(root: Node) -> bool:
    return isinstance(root.content, dict) and bool({"Keys", "Aliases"} & root.content.keys())


def seed(root: Node, account: str, region: str) -> Seed:
    found = root.members("Keys", "Aliases")
    aliases = _aliases(found.get("Aliases"))
    keys = list(_keys(found["Keys"], account, region, aliases)) if "Keys" in found else []
    for node in (node for nodes in aliases.values() for node in nodes):
        node.wrong("there is no key with this TargetKeyId in the file.")
    return Seed(root.at.file, account, region, keys=tuple(keys))


Aliases = dict[str, list[Node]]


def _aliases(node: Node | None) -> Aliases:
    """The nodes of the aliases' names, by the id of the key that they name."""
    found: Aliases = defaultdict(list)
    for each in node.items() if node else ():
        alias = each.members("AliasName", "TargetKeyId")
        if len(alias) < 2:
            each.wrong("an alias needs an AliasName and a TargetKeyId.")
        found[alias["TargetKeyId"].text()].append(alias["AliasName"])
    return found


def _keys(node: Node, account: str, region: str, aliases: Aliases) -> Iterator[SeedKey]:
    for kinds in node.members("Symmetric", "Asymmetric").values():
        for kind, entries in kinds.members(*KINDS).items():
            for entry in entries.items():
                yield key(entry, account, region, _members(entry, KINDS[kind], aliases))


def _members(entry: Node, kind: "Kind", aliases: Aliases) -> dict[str, Any]:
    names, usage, materials = kind
    found = entry.members("Metadata", *names)
    if "Metadata" not in found:
        entry.wrong("a key needs Metadata with a KeyId.")
    metadata = found["Metadata"].members(*METADATA)
    if "KeyId" not in metadata:
        found["Metadata"].wrong("a key needs a KeyId.")
    if "Origin" in metadata and metadata["Origin"].text() != "AWS_KMS":
        metadata["Origin"].wrong(NOT_YET)
    known = key_id(metadata["KeyId"])
    spec, material = materials(found, metadata, entry)
    state = metadata.get("KeyState") or metadata.get("Enabled")
    return {
        "KeyId": known,
        "KeySpec": spec,
        "KeyUsage": metadata["KeyUsage"].text() if "KeyUsage" in metadata else usage,
        "Description": metadata["Description"].text() if "Description" in metadata else None,
        "State": _state(state) if state else None,
        "Materials": material or None,
        "Aliases": [alias_name(node) for node in aliases.pop(known, ())] or None,
        **_rotation(found.get("NextKeyRotation")),
    }


def _rotation(node: Node | None) -> dict[str, Any]:
    return {"RotationPeriodInDays": YEAR, "NextRotation": moment(node)} if node else {}


def _state(node: Node) -> KeyState:
    written = node.text()
    if written not in STATES:
        node.wrong(f"a key can be declared {' or '.join(STATES)}.")
    return STATES[written]


Nodes = dict[str, Node]
Materials = tuple[str, list[Any]]


def _backing_keys(found: Nodes, metadata: Nodes, entry: Node) -> Materials:
    listed = found["BackingKeys"].items() if "BackingKeys" in found else []
    return SYMMETRIC_DEFAULT, once([decoded("hex", node) for node in listed], entry)


def _private_key(found: Nodes, metadata: Nodes, entry: Node) -> Materials:
    if "PrivateKeyPem" not in found:
        entry.wrong("an asymmetric key needs a PrivateKeyPem.")
    spec = metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec")
    pem = found["PrivateKeyPem"]
    return settled(spec.text() if spec else "", [decoded("pem", pem)], pem)


# A kind's members besides Metadata, its usage if none is given, and the function that reads its
# material.
Kind = tuple[tuple[str, ...], str | None, Callable[[Nodes, Nodes, Node], Materials]]
KINDS: dict[str, Kind] = {
    "Aes": (("BackingKeys", "NextKeyRotation"), KeyUsage.ENCRYPT_DECRYPT, _backing_keys),
    "Rsa": (("PrivateKeyPem",), None, _private_key),
    "Ecc": (("PrivateKeyPem",), KeyUsage.SIGN_VERIFY, _private_key),
}
