"""What a server has acknowledged, and what may have happened without an answer.

Each key belongs to one thread, which asks for one thing at a time. So after a kill each key is as
the ledger says, or as the ledger says with the one change that had no answer.
"""

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any

from tests.kills.client import Client

Facts = dict[str, Any]
PAGE = 100  # aliases or grants that one answer can list
UNUSABLE = ("DisabledException", "KMSInvalidStateException")


@dataclass(slots=True)
class KnownKey:
    """`facts`: as `observe` shows them. `maybe`: what the request without an answer changes."""

    id: str
    facts: Facts
    maybe: Facts = field(default_factory=dict)
    touched: bool = True


@dataclass(frozen=True, slots=True)
class Sealed:
    """A ciphertext that was answered, and what has to come out of it."""

    blob: str
    plaintext: str
    context: dict[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One acknowledged call. `life`: which of the server's lives it was in."""

    request_id: str
    operation: str
    changes: bool
    life: int
    at: float


@dataclass(slots=True)
class Ledger:
    keys: dict[str, KnownKey] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    sealed: list[Sealed] = field(default_factory=list)
    unopened: list[Sealed] = field(default_factory=list)  # since the last check
    creating: set[str] = field(default_factory=set)  # keys asked for: there may be one, or none
    unanswered: int = 0
    refused: int = 0  # answered with a 500, while the server had no store
    adopted: int = 0  # keys whose creation was stored and not answered


def policy_of(name: str) -> str:
    """A key policy that contains a name."""
    principal = {"AWS": "arn:aws:iam::111122223333:root"}
    statement = {"Sid": name, "Effect": "Allow", "Principal": principal}
    statement |= {"Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def new_facts(name: str, origin: str) -> Facts:
    return {
        "description": name,
        "state": "PendingImport" if origin == "EXTERNAL" else "Enabled",
        "policy": policy_of(name),
        "aliases": frozenset(),
        "grants": frozenset(),
        "tags": {},
        "rotations": 0,
    }


def observe(client: Client, key: str) -> Facts:
    """A key as the server shows it now."""
    shown = client.ask("DescribeKey", KeyId=key)["KeyMetadata"]
    rotates = shown["Origin"] == "AWS_KMS" and shown["KeySpec"] == "SYMMETRIC_DEFAULT"
    grants = client.ask("ListGrants", KeyId=key, Limit=PAGE)["Grants"]
    aliases = client.ask("ListAliases", KeyId=key, Limit=PAGE)["Aliases"]
    tags = client.ask("ListResourceTags", KeyId=key)["Tags"]
    rotations = client.ask("ListKeyRotations", KeyId=key)["Rotations"] if rotates else []
    return {
        "description": shown["Description"],
        "state": shown["KeyState"],
        "policy": client.ask("GetKeyPolicy", KeyId=key)["Policy"],
        "aliases": frozenset(alias["AliasName"] for alias in aliases),
        "grants": frozenset(grant["Name"] for grant in grants),
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
        "rotations": len(rotations),
    }


def check(ledger: Ledger, client: Client) -> None:
    """Compare what has been touched since the last check, and adopt what was not answered."""
    listed = {key["KeyId"] for key in _keys(client)}
    assert ledger.keys.keys() <= listed, f"lost: {ledger.keys.keys() - listed}"
    for name in listed - ledger.keys.keys():
        _adopt(ledger, client, name)
    ledger.creating.clear()
    for key in ledger.keys.values():
        if key.touched:
            found = observe(client, key.id)
            assert found in (key.facts, key.facts | key.maybe), (found, key)
            key.facts, key.maybe, key.touched = found, {}, False
    for each in ledger.unopened:
        answer = client.call("Decrypt", CiphertextBlob=each.blob, EncryptionContext=each.context)
        if answer.code not in UNUSABLE:  # the end of the campaign opens these too
            assert answer.members.get("Plaintext") == each.plaintext, (answer, each)
    ledger.sealed += ledger.unopened
    ledger.unopened = []


def _adopt(ledger: Ledger, client: Client, name: str) -> None:
    """A key that is there without an answer is whole, and somebody has asked for it."""
    shown = client.ask("DescribeKey", KeyId=name)["KeyMetadata"]
    assert shown["Description"] in ledger.creating, shown
    facts = observe(client, name)
    assert facts == new_facts(shown["Description"], shown["Origin"]), facts
    use(client, name)
    ledger.keys[name] = KnownKey(name, facts, touched=False)
    ledger.adopted += 1


def _keys(client: Client) -> list[dict[str, Any]]:
    answer = client.ask("ListKeys", Limit=1000)
    found: list[dict[str, Any]] = answer["Keys"]
    while answer["Truncated"]:
        answer = client.ask("ListKeys", Limit=1000, Marker=answer["NextMarker"])
        found += answer["Keys"]
    return found


def use(client: Client, key: str) -> None:
    """The key's material opens: it does once what a key of its kind is for."""
    shown = client.ask("DescribeKey", KeyId=key)["KeyMetadata"]
    secret = base64.b64encode(os.urandom(24)).decode()
    if shown["KeyState"] != "Enabled":
        return
    if shown["KeyUsage"] == "ENCRYPT_DECRYPT":
        blob = client.ask("Encrypt", KeyId=key, Plaintext=secret)["CiphertextBlob"]
        assert client.ask("Decrypt", CiphertextBlob=blob)["Plaintext"] == secret
    elif shown["KeyUsage"] == "GENERATE_VERIFY_MAC":
        named = {"KeyId": key, "Message": secret, "MacAlgorithm": "HMAC_SHA_256"}
        mac = client.ask("GenerateMac", **named)["Mac"]
        assert client.ask("VerifyMac", Mac=mac, **named)["MacValid"]
    else:
        named = {"KeyId": key, "Message": secret, "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = client.ask("Sign", **named)["Signature"]
        assert client.ask("Verify", Signature=signature, **named)["SignatureValid"]
