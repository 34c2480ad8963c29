"""External key stores: KMS seals with material of its own, a key outside AWS seals the result.

Both are needed to open it, so neither AWS nor the external key manager can read it alone. The
external key is reached over the network, through a proxy (`proxy.py`).
Source: AWS KMS developer guide, "External key stores", on double encryption.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NoReturn

from kmslab.crypto import CiphertextBlob, SecretBytes, encode_context, frame
from kmslab.crypto.backend import GCM_TAG
from kmslab.kms.backing import Asking, Sealed, blob
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.key_stores import SymmetricOnly, secret_of, with_secret
from kmslab.kms.contract.errors import EXCEPTIONS, fail
from kmslab.kms.contract.key_stores import KeyStore, StoreType
from kmslab.kms.contract.proxy_troubles import (
    UNHEALTHY,
    UNINTELLIGIBLE,
    WRONG_INSIDE,
    WRONG_KEY,
    ProxyError,
    Trouble,
)
from kmslab.kms.contract.records import Key, Material, Reader
from kmslab.kms.contract.validation import missing

if TYPE_CHECKING:  # it loads HTTP and TLS, which few labs need
    from kmslab.kms.backing.proxy import Proxy

INTERNAL = "AWS Internal"  # the principal of the service's own acts
IVS = (12, 16)  # bytes
METADATA = 20  # bytes at most
WANTED: dict[str, Any] = {"keySpec": "AES_256", "keyStatus": "ENABLED"}
USES = {"ENCRYPT", "DECRYPT"}
HEALTH = ("ACTIVE", "DEGRADED", "UNAVAILABLE")
QUOTED = 100  # characters of what a proxy says


def in_use(records: Reader) -> bool:
    """Whether the use of a key may wait for the network. The store remembers the answer."""
    return bool(records.find(KeyStore, type=StoreType.EXTERNAL_KEY_STORE))


class Xks:
    """The backing of all external key stores."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm

    def holding(self, store: KeyStore, key: Key, asking: Asking) -> "XksKey":
        return XksKey(self._hsm, self.proxy(store), key, asking)

    def proxy(self, store: KeyStore) -> "Proxy":
        from kmslab.kms.backing.proxy import Proxy

        region = store.handle.split("/")[1]
        secret = secret_of(self._hsm, store)
        return Proxy(store.endpoint, store.path, region, store.access_key, secret)

    def with_secret(self, store: KeyStore, secret: str) -> KeyStore:
        return with_secret(self._hsm, store, secret)

    def check(self, store: KeyStore, asking: Asking) -> None:
        """Raises the errors of CreateCustomKeyStore and UpdateCustomKeyStore."""
        if store.connectivity != "PUBLIC_ENDPOINT":
            if not store.vpc_service:
                fail("ValidationException", missing("XksProxyVpcEndpointServiceName"))
            text = f"The lab has no VPC endpoint service {store.vpc_service}: use PUBLIC_ENDPOINT."
            fail("XksProxyVpcEndpointServiceNotFoundException", text)
        if trouble := self._trouble(store, asking):
            fail(trouble.managing, trouble.text)

    def connect(self, store: KeyStore, asking: Asking) -> str:
        trouble = self._trouble(store, asking)
        return trouble.connection if trouble else ""

    def draw(self, store: KeyStore, size: int) -> SecretBytes:
        raise RuntimeError("no request can ask an external key store for random bytes")

    def _trouble(self, store: KeyStore, asking: Asking) -> Trouble | None:
        """What the proxy's health check shows."""
        about = {"kmsRequestId": asking.request_id, "kmsOperation": asking.name}
        try:
            answer = self.proxy(store).ask("/health", {"requestMetadata": about})
        except ProxyError as error:
            return error.trouble
        fleet = answer.get("ekmFleetDetails")
        fleet = fleet if isinstance(fleet, list) else []
        shown = [each.get("healthStatus") if isinstance(each, dict) else None for each in fleet]
        if not shown or not all(status in HEALTH for status in shown):
            return UNINTELLIGIBLE
        return UNHEALTHY if all(status == "UNAVAILABLE" for status in shown) else None


@dataclass(frozen=True, slots=True)
class XksKey(SymmetricOnly):
    """A `Backing` for one call on one key: the proxy gets to know who asks, and what for."""

    _hsm: Hsm
    _proxy: "Proxy"
    _key: Key
    _asking: Asking

    def random(self, size: int) -> SecretBytes:
        return self._hsm.random(size)

    def create(self, records: Reader, key: Key, now: datetime) -> Sealed:
        """The external key must be there and usable. KMS adds material of its own."""
        try:
            found = self._ask("metadata", {}, named=False)
            uses = found.get("keyUsage")
            if not isinstance(uses, list):
                raise ProxyError(UNINTELLIGIBLE)
        except ProxyError as error:
            fail(error.trouble.creating, error.trouble.text)
        wrong = [member for member, value in WANTED.items() if found.get(member) != value]
        wrong += [] if {str(use) for use in uses} >= USES else ["keyUsage"]
        if wrong:
            text = WRONG_KEY[wrong[0]].format(str(found.get(wrong[0]))[:QUOTED])
            fail("XksKeyInvalidConfigurationException", text)
        return self._hsm.create(records, key, now)

    def encrypt(
        self, material: Material, algorithm: str, plaintext: bytes, context: Mapping[str, str]
    ) -> CiphertextBlob:
        inner = self._hsm.encrypt(material, algorithm, plaintext, context)
        header, sealed = inner[: blob.LAYOUT.size], inner[blob.LAYOUT.size :]
        aad = _bound(header, context)
        request = {
            "plaintext": _text(sealed),
            "additionalAuthenticatedData": _text(aad),
            "encryptionAlgorithm": "AES_GCM",
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
        }
        outer = _Outer.answered(self._used("encrypt", request), aad)
        if len(outer.ciphertext) != len(sealed):
            _fail(UNINTELLIGIBLE)
        return CiphertextBlob(header + outer.encode())

    def decrypt(
        self, material: Material, algorithm: str, ciphertext: bytes, context: Mapping[str, str]
    ) -> SecretBytes:
        """First the external key opens, then KMS. Each binds the encryption context."""
        parsed = blob.parse(ciphertext)
        outer = _Outer.decode(parsed.sealed) if parsed else None
        if parsed is None or outer is None:
            fail("InvalidCiphertextException")
        request = {
            "ciphertext": _text(outer.ciphertext),
            "initializationVector": _text(outer.iv),
            "authenticationTag": _text(outer.tag),
            "additionalAuthenticatedData": _text(_bound(parsed.header, context)),
            "encryptionAlgorithm": "AES_GCM",
        } | ({"ciphertextMetadata": _text(outer.metadata)} if outer.metadata else {})
        sealed = _bytes(self._used("decrypt", request), "plaintext")
        if len(sealed) != len(outer.ciphertext):
            _fail(UNINTELLIGIBLE)
        try:
            return self._hsm.decrypt(material, algorithm, parsed.header + sealed, context)
        except EXCEPTIONS["InvalidCiphertextException"]:
            fail("KMSInvalidStateException", WRONG_INSIDE)

    def _used(self, what: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._ask(what, request)
        except ProxyError as error:
            _fail(error.trouble)

    def _ask(self, what: str, request: dict[str, Any], named: bool = True) -> dict[str, Any]:
        """`named`: whether the proxy gets to know the KMS key, which CreateKey has yet to make."""
        caller = self._asking.caller
        about = {
            "awsPrincipalArn": caller.principal or INTERNAL,
            "kmsOperation": self._asking.name,
            "kmsRequestId": self._asking.request_id,
        }
        about |= {"kmsKeyArn": self._key.arn} if named else {}
        about |= {"kmsViaService": caller.via} if caller.via else {}
        path = f"/keys/{self._key.external_key}/{what}"
        return self._proxy.ask(path, {"requestMetadata": about, **request})


@dataclass(frozen=True, slots=True)
class _Outer:
    """What the external key has sealed, and with which values."""

    metadata: bytes  # the key manager's own notes, which it authenticates
    iv: bytes
    ciphertext: bytes
    tag: bytes

    @classmethod
    def answered(cls, answer: Mapping[str, Any], aad: bytes) -> "_Outer":
        """Raises KMSInvalidStateException if the sizes or the integrity value are wrong."""
        outer = cls(
            _bytes(answer, "ciphertextMetadata") if "ciphertextMetadata" in answer else b"",
            _bytes(answer, "initializationVector"),
            _bytes(answer, "ciphertext"),
            _bytes(answer, "authenticationTag"),
        )
        together = aad + outer.metadata + outer.iv + outer.ciphertext + outer.tag
        proven = _bytes(answer, "ciphertextDataIntegrityValue") == sha256(together).digest()
        if not proven or not outer.has_right_sizes:
            _fail(UNINTELLIGIBLE)
        return outer

    @property
    def has_right_sizes(self) -> bool:
        fits = len(self.metadata) <= METADATA and len(self.iv) in IVS
        return fits and len(self.tag) == GCM_TAG

    def encode(self) -> bytes:
        return frame(self.metadata, self.iv) + self.ciphertext + self.tag

    @classmethod
    def decode(cls, encoded: bytes) -> "_Outer | None":
        """None if KMS cannot have written it."""
        metadata, rest = _unframed(encoded)
        iv, rest = _unframed(rest)
        outer = cls(metadata, iv, rest[:-GCM_TAG], rest[-GCM_TAG:])
        return outer if outer.has_right_sizes else None


def _unframed(framed: bytes) -> tuple[bytes, bytes]:
    """The first field, and what follows it."""
    end = 4 + int.from_bytes(framed[:4], "big")
    return framed[4:end], framed[end:]


def _bound(header: bytes, context: Mapping[str, str]) -> bytes:
    """A digest, because a proxy has to take 8,192 bytes only. The context stays in AWS."""
    return sha256(frame(header, encode_context(context))).digest()


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _bytes(answer: Mapping[str, Any], member: str) -> bytes:
    try:
        return b64decode(answer[member], validate=True)
    except (KeyError, TypeError, ValueError):
        _fail(UNINTELLIGIBLE)


def _fail(trouble: Trouble) -> NoReturn:
    fail("KMSInvalidStateException", trouble.text)
