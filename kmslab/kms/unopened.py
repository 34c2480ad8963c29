"""Why a ciphertext was not opened: its bytes, its encryption context, its key or its algorithm.

AWS gives the same answer for every reason, and so does the service: nothing of this is in the text
of an error, an event or an answer over HTTP. A program in the lab's own process may
ask afterwards, with `error.explain()`. The trail knows every context that a key has encrypted with;
the boundary tries them, and the plaintext of a trial is dropped.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kmslab.display import Table
from kmslab.kms.access.blocks import Block, Title, markdown, terminal
from kmslab.kms.arn import resource_of
from kmslab.kms.backing import blob
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.specs import KEY_SPECS, SYMMETRIC_DEFAULT, KeyKind, KeyUsage, Origin
from kmslab.kms.names import key_in
from kmslab.kms.service import Service

CODES = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
MEMBERS = {
    "Decrypt": "",
    "ReEncrypt": "Source",
    "Decapsulate": "",
}  # the prefix of the members about the ciphertext
MOST_TRIALS = 10_000  # different contexts, the latest first; a second or two
CONTEXTS = ("encryptionContext", "destinationEncryptionContext")  # what a call encrypted with
TAMPERED = "Its bytes are not the original ones: "


@dataclass(frozen=True, slots=True, repr=False)
class Unopened:
    """`wrong`: "bytes", "context", "key" or "algorithm". `repr` shows the rest."""

    wrong: str
    sentence: str
    table: Table | None = None

    def __repr__(self) -> str:
        return terminal(self._blocks())

    def _repr_markdown_(self) -> str:
        return markdown(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        yield Title(self.sentence)
        if self.table:
            yield self.table


def explain_in_process(
    error: KMSError, service: Service, name: str, caller: Caller, request: Mapping[str, Any]
) -> None:
    """If the error refuses a ciphertext, its `explain()` says why. Never for another process."""
    if error.explanation is None and error.code in CODES and name in MEMBERS:
        # Not a partial, whose `repr` would show the request.
        error.explanation = lambda: why(service, name, caller, request)


def why(service: Service, name: str, caller: Caller, request: Mapping[str, Any]) -> Unopened:
    """Why this call could not open its ciphertext. Makes no call and leaves no event."""
    if name == "Decapsulate":
        size = len(request["SharedSecretCiphertextBlob"])
        text = f"{TAMPERED}there are {size}, and the algorithm's ciphertexts have another length. "
        text += "Changed bytes of the right length give another secret, and no error."
        return Unopened("bytes", text)
    return _Trial(service, name, caller, request).result()


class _Trial:
    def __init__(
        self, service: Service, name: str, caller: Caller, request: Mapping[str, Any]
    ) -> None:
        members, prefix = MODEL.operations[name].check(request), MEMBERS[name]
        self._service, self._caller = service, caller
        self._bytes: bytes = members["CiphertextBlob"]
        self._context: Mapping[str, str] = members.get(f"{prefix}EncryptionContext", {})
        self._algorithm: str = members.get(f"{prefix}EncryptionAlgorithm", SYMMETRIC_DEFAULT)
        named = key_in(f"{prefix}KeyId")(service.records, caller, members)
        self._named = named.record if named and isinstance(named.record, Key) else None

    def result(self) -> Unopened:
        key = self._named
        if key and KEY_SPECS[key.spec].kind is KeyKind.ASYMMETRIC:
            return self._asymmetric(key)
        parsed = blob.parse(self._bytes)
        if parsed is None:
            return Unopened("bytes", _unreadable(self._bytes))
        region = self._caller.region
        material = self._service.records.get(Material, f"{region}/{parsed.material}")
        if material is None and not self._service.records.get(
            Key, f"{self._caller.here}key/{parsed.key}"
        ):
            text = f"It was encrypted under key/{parsed.key}, which is not in {region}, or not in "
            return Unopened("key", f"{text}this account. Decrypt where that key is.")
        if material is None:
            text = f"{TAMPERED}it names key material that key/{parsed.key} has never had."
            return Unopened("bytes", text)
        if key and key.arn != material.key:
            text = f"It was encrypted under {resource_of(material.key)}, which the blob names, "
            text += f"and the request names {resource_of(key.arn)}. Decrypt with the former, or "
            return Unopened("key", f"{text}leave the key out: the blob names it.")
        return self._symmetric(material)

    def _symmetric(self, material: Material) -> Unopened:
        key = self._service.records.get(Key, material.key)
        if key is None:
            return Unopened("key", f"{resource_of(material.key)} has been deleted.")
        tried = 0
        for context in self._contexts(key):
            tried += 1
            if self._opens(key, material, SYMMETRIC_DEFAULT, context):
                return Unopened("context", CONTEXT_DIFFERS, _compared(context, self._context))
        return Unopened(
            "bytes",
            f"{TAMPERED}the blob names {resource_of(key.arn)}, but its tag does not fit, neither "
            f"with the request's context nor with any of the {tried} that the trail knows of this "
            "key. One changed bit is enough, in the header, the ciphertext or the tag.",
        )

    def _contexts(self, key: Key) -> Iterator[Mapping[str, str]]:
        """The empty one first, then the trail's, latest first: each once."""
        yield {}
        seen: set[frozenset[tuple[str, str]]] = {frozenset()}
        events, _ = self._service.history(key.account)
        for event in reversed(events):
            if key.arn not in event.resources:
                continue
            for member in CONTEXTS:
                context = (event.request or {}).get(member) or {}
                pairs = frozenset(context.items())
                if pairs not in seen and len(seen) < MOST_TRIALS:
                    seen.add(pairs)
                    yield context

    def _asymmetric(self, named: Key) -> Unopened:
        """An RSA ciphertext names no key: the lab tries its other algorithm, and the other keys."""
        records = self._service.records
        for algorithm in KEY_SPECS[named.spec].algorithms[KeyUsage.ENCRYPT_DECRYPT]:
            if self._opens(named, self._material(named), algorithm):
                text = f"It was encrypted with {algorithm}, and the request says {self._algorithm}."
                return Unopened("algorithm", text)
        here = named.arn.removesuffix(named.id)
        for key in records.page(Key, here, limit=MOST_TRIALS):
            alike = (key.spec, key.usage) == (named.spec, named.usage) and key.arn != named.arn
            usable = alike and not key.lacks_material
            for algorithm in KEY_SPECS[key.spec].algorithms[key.usage] if usable else ():
                if self._opens(key, self._material(key), algorithm):
                    text = f"It was encrypted under {resource_of(key.arn)} with {algorithm}, and "
                    return Unopened("key", f"{text}the request names {resource_of(named.arn)}.")
        return Unopened(
            "bytes",
            f"{TAMPERED}no {named.spec} key of this account opens it. An RSA ciphertext names no "
            "key, so it may also be that of a key which the lab does not have.",
        )

    def _opens(
        self, key: Key, material: Material, algorithm: str, context: Mapping[str, str] | None = None
    ) -> bool:
        backings = self._service.backings
        # A simulated cluster seals as KMS does, and an external key's blob is not tried again.
        backing = backings.get(key.origin, backings[Origin.AWS_KMS])
        if not material.sealed:
            return False  # imported, and not there (any more)
        try:
            backing.decrypt(material, algorithm, self._bytes, context or {})
        except KMSError:
            return False
        return True

    def _material(self, key: Key) -> Material:
        found = self._service.records.get(Material, f"{key.region}/{key.material}")
        if found is None:
            raise RuntimeError(f"{key.arn} has no key material")
        return found


CONTEXT_DIFFERS = (
    "The encryption context differs from the one that it was encrypted with. It has to have the "
    "same pairs, in any order; upper and lower case differ."
)
ABSENT = "–"


def _compared(original: Mapping[str, str], given: Mapping[str, str]) -> Table:
    rows = [
        ("✓" if original.get(name) == given.get(name) else "✗", name, *values)
        for name in sorted({*original, *given})
        for values in [[context.get(name, ABSENT) for context in (original, given)]]
    ]
    return Table(["", "name", "encrypted with", "the request has"], rows)


def _unreadable(found: bytes) -> str:
    """What else the bytes may be, if they are not a whole blob of a lab."""
    for kind, read, call in TEXTS:
        try:
            inner = blob.parse(read(found))
        except (binascii.Error, ValueError):
            continue
        if inner:
            return f"It is the blob written as {kind}, and not its bytes. Decode it first: {call}."
    if found.startswith(blob.MAGIC + blob.VERSION):
        return f"{TAMPERED}{len(found)} are left of at least {blob.OVERHEAD}. It was cut."
    return (
        f"{TAMPERED}it does not begin as a lab's blob does. It was changed at its beginning, or it "
        "is something else: a blob of AWS itself, a message of the AWS Encryption SDK, or an RSA "
        "ciphertext, whose key the request has to name."
    )


TEXTS: tuple[tuple[str, Callable[[bytes], bytes], str], ...] = (
    ("base64", base64.b64decode, "base64.b64decode(blob)"),
    ("hexadecimal digits", lambda text: bytes.fromhex(text.decode()), "bytes.fromhex(text)"),
)
