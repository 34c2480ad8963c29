"""The load: threads that change keys of their own, and encrypt, until the server is gone."""

import base64
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.kills.client import Answer, Client, Lost
from tests.kills.ledger import PAGE, Entry, Facts, KnownKey, Ledger, Sealed, new_facts, policy_of

SYMMETRIC = ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
SPECS = [SYMMETRIC] * 6 + [("HMAC_256", "GENERATE_VERIFY_MAC"), ("ECC_NIST_P256", "SIGN_VERIFY")]
GRANTEE = "arn:aws:iam::111122223333:role/reader"
ROTATIONS = 20  # a key can be rotated on demand 25 times
KEPT = 12  # keys that one worker goes on changing
PAUSE = 0.02  # seconds before the next request, while the server has no store


class Gone(Exception):
    """The server does not answer any more."""


class Request(NamedTuple):
    """`change`: what an answer makes of the key's facts. None: the call changes nothing."""

    operation: str
    members: dict[str, Any]
    change: Facts | None
    answered: Callable[[Answer], None] = lambda answer: None


class Worker:
    """One thread's part of the load. It never changes another's keys."""

    def __init__(self, name: str, ledger: Ledger, port: int) -> None:
        self._name = name
        self._ledger = ledger
        self._port = port
        self._keys: list[KnownKey] = []
        self._imports: dict[str, dict[str, str]] = {}  # by key: the token and the wrapped material
        self._number = 0
        self.changes = True  # False: only ask what changes nothing

    def run(self, life: int, over: threading.Event) -> None:
        """Ask until there is no answer. While the server has no store, ask on."""
        client = Client(self._port)
        try:
            while not over.is_set():
                self._step(client, life)
        except Gone:
            pass
        finally:
            client.close()

    def _step(self, client: Client, life: int) -> None:
        usable = [key for key in self._keys[-KEPT:] if not key.maybe]
        if not any(key.facts["state"] == "Enabled" for key in usable):
            return self._create(client, life)
        if self.changes and random.random() < 0.1:
            return self._create(client, life)
        key = random.choice(usable)
        wanted = [each for each in self._requests(key) if self.changes or each.change is None]
        if wanted:
            self._ask(client, life, random.choice(wanted), key)

    def _ask(
        self, client: Client, life: int, request: Request, key: KnownKey | None = None
    ) -> None:
        operation, members, change, answered = request
        if key:
            key.touched = True
            key.maybe = change or {}
        try:
            answer = client.call(operation, **members)
        except Lost as error:
            self._ledger.unanswered += 1
            raise Gone from error
        if answer.status >= 500:  # its store is away
            self._ledger.refused += 1
            time.sleep(PAUSE)
            return
        assert answer.status == 200, (request, answer)
        at = time.monotonic()
        entry = Entry(answer.request_id, operation, change is not None, life, at)
        self._ledger.entries.append(entry)
        if key:
            key.facts |= key.maybe
            key.maybe = {}
        answered(answer)

    def _new(self, what: str) -> str:
        self._number += 1
        return f"{what}-{self._name}-{self._number}"

    # ------------------------------------------------------------------------------ what is asked

    def _create(self, client: Client, life: int) -> None:
        origin = "AWS_KMS" if self._imports else "EXTERNAL"  # one key of each worker is imported
        spec, usage = random.choice(SPECS) if self._imports else SYMMETRIC
        name = self._new("key")
        self._ledger.creating.add(name)

        def answered(answer: Answer) -> None:
            self._ledger.creating.discard(name)
            key = KnownKey(answer.members["KeyMetadata"]["KeyId"], new_facts(name, origin))
            self._ledger.keys[key.id] = key
            if origin == "EXTERNAL":
                self._prepare_import(client, key)
            if (spec, usage) == SYMMETRIC:
                self._keys.append(key)

        members = {"Description": name, "Policy": policy_of(name), "Origin": origin}
        members |= {"KeySpec": spec, "KeyUsage": usage}
        self._ask(client, life, Request("CreateKey", members, {}, answered))

    def _prepare_import(self, client: Client, key: KnownKey) -> None:
        """The token is good for a day, and the same material may be imported again and again."""
        wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
        try:
            answer = client.call("GetParametersForImport", KeyId=key.id, **wrapping)
        except Lost as error:
            raise Gone from error
        if answer.status == 200:
            public = load_der_public_key(base64.b64decode(answer.members["PublicKey"]))
            assert isinstance(public, rsa.RSAPublicKey)
            digest = hashes.SHA256()
            oaep = padding.OAEP(padding.MGF1(digest), digest, None)
            wrapped = public.encrypt(os.urandom(32), oaep)
            self._imports[key.id] = {
                "ImportToken": answer.members["ImportToken"],
                "EncryptedKeyMaterial": base64.b64encode(wrapped).decode(),
                "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
            }

    def _requests(self, key: KnownKey) -> Iterator[Request]:
        """What this key's state allows to ask now."""
        state, named = key.facts["state"], {"KeyId": key.id}
        if state == "PendingDeletion":
            yield Request("CancelKeyDeletion", named, {"state": "Disabled"})
            return
        yield from self._any_state(key)
        if key.id in self._imports:
            yield from self._imported(key)
        elif state == "Disabled":
            yield Request("EnableKey", named, {"state": "Enabled"})
        elif state == "Enabled":
            yield Request("DisableKey", named, {"state": "Disabled"})
            week = {"PendingWindowInDays": 7}
            yield Request("ScheduleKeyDeletion", named | week, {"state": "PendingDeletion"})
            if key.facts["rotations"] < ROTATIONS:
                change = {"rotations": key.facts["rotations"] + 1}
                yield Request("RotateKeyOnDemand", named, change)
        if state == "Enabled":
            yield from [self._encrypt(key), self._data_key(key)] * 2
            if len(key.facts["grants"]) < PAGE:
                yield self._grant(key)

    def _any_state(self, key: KnownKey) -> Iterator[Request]:
        named, name = {"KeyId": key.id}, self._new("value")
        aliases, alias = key.facts["aliases"], self._new("alias/a")
        target = {"AliasName": alias, "TargetKeyId": key.id}
        if len(aliases) < PAGE:
            yield Request("CreateAlias", target, {"aliases": aliases | {alias}})
        for old in [*aliases][:1]:
            yield Request("DeleteAlias", {"AliasName": old}, {"aliases": aliases - {old}})
        tags = {"Tags": [{"TagKey": "last", "TagValue": name}]}
        yield Request("TagResource", named | tags, {"tags": {"last": name}})
        described = {"Description": name}
        yield Request("UpdateKeyDescription", named | described, {"description": name})
        policy = policy_of(name)
        yield Request("PutKeyPolicy", named | {"Policy": policy}, {"policy": policy})

    def _imported(self, key: KnownKey) -> Iterator[Request]:
        if key.facts["state"] == "PendingImport":
            members = {"KeyId": key.id} | self._imports[key.id]
            yield Request("ImportKeyMaterial", members, {"state": "Enabled"})
        elif key.facts["state"] == "Enabled":
            change = {"state": "PendingImport"}
            yield Request("DeleteImportedKeyMaterial", {"KeyId": key.id}, change)

    def _grant(self, key: KnownKey) -> Request:
        name = self._new("grant")
        members = {"GranteePrincipal": GRANTEE, "Operations": ["Decrypt"], "Name": name}
        change = {"grants": key.facts["grants"] | {name}}
        return Request("CreateGrant", {"KeyId": key.id} | members, change)

    def _encrypt(self, key: KnownKey) -> Request:
        context = {"number": self._new("call")}
        plaintext = base64.b64encode(os.urandom(30)).decode()
        members = {"KeyId": key.id, "EncryptionContext": context, "Plaintext": plaintext}
        return Request(
            "Encrypt", members, None, lambda answer: self._keep(answer, plaintext, context)
        )

    def _data_key(self, key: KnownKey) -> Request:
        context = {"number": self._new("call")}
        members = {"KeyId": key.id, "EncryptionContext": context, "KeySpec": "AES_256"}

        def keep(answer: Answer) -> None:
            self._keep(answer, answer.members["Plaintext"], context)

        return Request("GenerateDataKey", members, None, keep)

    def _keep(self, answer: Answer, plaintext: str, context: dict[str, str]) -> None:
        blob = answer.members["CiphertextBlob"]
        self._ledger.unopened.append(Sealed(blob, plaintext, context))
