"""Seed files in the form of local-kms, an emulator whose `seed.yaml` many projects have.

Its README describes the form: keys by kind with their material, and aliases. A key with several
backing keys was rotated; the newest stands last. Keys are made in the lab's own account and Region.
Ciphertexts that local-kms made do not open here: only the keys are the same.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.seeding.declared import Seed, SeedKey
from kmslab.lab.seeding.forms import YEAR, alias_name, key, moment, origin
from kmslab.lab.seeding.material import decoded, number_as_key, once, settled
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
# What the lab decides by itself.
IGNORED = (
    "AWSAccountId",
    "Arn",
    "CreationDate",
    "DeletionDate",
    "EncryptionAlgorithms",
    "KeyAgreementAlgorithms",
    "KeyManager",
    "MacAlgorithms",
    "MultiRegion",
    "SigningAlgorithms",
)
KEY_ID = re.compile(r"[\w-]{1,64}", re.ASCII)  # any text, as far as an ARN can hold it
ALIASES = ("Alias", "AliasName", "Aliases")
IGNORED_OF_ALIAS = ("AliasArn", "CreationDate", "LastUpdatedDate")
BACKING = ("BackingKeys",)
PRIVATE = {"PrivateKeyPem": "pem", "PrivateKeyHex": "hex"}
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
        alias = each.members("AliasName", "TargetKeyId", *IGNORED_OF_ALIAS)
        if not {"AliasName", "TargetKeyId"} <= alias.keys():
            each.wrong("an alias needs an AliasName and a TargetKeyId.")
        found[_key_id(alias["TargetKeyId"])].append(alias["AliasName"])
    return found


def _key_id(node: Node) -> str:
    """The id as the file has it, or at the end of an ARN: programs call the key by it."""
    text = node.text().rpartition("key/")[2]
    if not KEY_ID.fullmatch(text):
        node.wrong("this is not a key id: it has up to 64 letters, digits, - and _.")
    return text


def _keys(node: Node, account: str, region: str, aliases: Aliases) -> Iterator[SeedKey]:
    if isinstance(node.content, list):  # the form of its first versions
        for entry in node.items():
            asymmetric = isinstance(entry.content, dict) and PRIVATE & entry.content.keys()
            form = KINDS["Rsa" if asymmetric else "Aes"]
            yield key(entry, account, region, _members(entry, form, aliases))
        return
    for kinds in node.members("Symmetric", "Asymmetric").values():
        for kind, entries in kinds.members(*KINDS).items():
            for entry in entries.items():
                yield key(entry, account, region, _members(entry, KINDS[kind], aliases))


def _members(entry: Node, kind: "Kind", aliases: Aliases) -> dict[str, Any]:
    names, usage, materials = kind
    # The first versions had no Metadata around these members, and a key's alias beside them.
    flat = () if "Metadata" in entry.names() else (*METADATA, *IGNORED)
    found = entry.members("Metadata", *ALIASES, *names, *flat)
    metadata = found["Metadata"].members(*METADATA, *IGNORED) if "Metadata" in found else found
    if "KeyId" not in metadata:
        entry.wrong("a key needs a KeyId.")
    known = _key_id(metadata["KeyId"])
    its = [node for name in ALIASES if name in found for node in _listed(found[name])]
    spec, material = materials(found, metadata, entry)
    state = metadata.get("KeyState") or metadata.get("Enabled")
    return {
        "KeyId": known,
        "KeySpec": spec,
        "KeyUsage": metadata["KeyUsage"].text() if "KeyUsage" in metadata else usage,
        "Origin": origin(metadata["Origin"]) if "Origin" in metadata else None,
        "Description": metadata["Description"].text() if "Description" in metadata else None,
        "State": _state(state) if state else None,
        "Materials": material or None,
        "Aliases": [alias_name(node) for node in (*its, *aliases.pop(known, ()))] or None,
        **_rotation(found.get("NextKeyRotation")),
    }


def _listed(node: Node) -> list[Node]:
    return node.content if isinstance(node.content, list) else [node]


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
    listed = [node for name in BACKING if name in found for node in _listed(found[name])]
    known = once([decoded("hex", node) for node in listed], entry)
    return _spec(metadata) or SYMMETRIC_DEFAULT, known


def _private_key(found: Nodes, metadata: Nodes, entry: Node) -> Materials:
    given = [(PRIVATE[name], node) for name, node in found.items() if name in PRIVATE]
    if len(given) != 1:
        entry.wrong(f"an asymmetric key needs one of {' and '.join(PRIVATE)}.")
    [(form, node)] = given
    spec = _spec(metadata)
    known = decoded(form, node)
    return settled(spec, [number_as_key(spec, known) if form == "hex" else known], node)


def _spec(metadata: Nodes) -> str:
    spec = metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec")
    return spec.text() if spec else ""


# A kind's members besides Metadata, its usage if none is given, and the function that reads its
# material.
Kind = tuple[tuple[str, ...], str | None, Callable[[Nodes, Nodes, Node], Materials]]
KINDS: dict[str, Kind] = {
    "Aes": ((*BACKING, "NextKeyRotation"), KeyUsage.ENCRYPT_DECRYPT, _backing_keys),
    "Hmac": (BACKING, KeyUsage.GENERATE_VERIFY_MAC, _backing_keys),
    "Rsa": (tuple(PRIVATE), None, _private_key),
    "Ecc": (tuple(PRIVATE), KeyUsage.SIGN_VERIFY, _private_key),
}
