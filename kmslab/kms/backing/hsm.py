"""The boundary: the only module that ever holds plaintext key material of a KMS key.

It stands for a hardware security module (HSM). A sealed key and data come in; data goes out, or a
new key, sealed: AES-256-GCM under the Region's domain key, with the KMS key's ARN and spec, the
material's id and its public key as authenticated data. So rows swapped in the store do not open,
and a key cannot be used as one of another spec.

Only the wall is simulated: this is a Python object, and its memory is this process's memory.
Source: "AWS KMS Cryptographic Details"; NIST SP 800-38D (GCM), SP 800-108 (key derivation).
"""

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from kmslab.crypto import (
    Backend,
    CiphertextBlob,
    Forged,
    Malformed,
    SecretBytes,
    encode_context,
    frame,
    has_long_exponent,
)
from kmslab.crypto.backend import AES_256_KEY, GCM_IV
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.self_tested import BACKENDS, SelfTested
from kmslab.kms import store as stores
from kmslab.kms.backing import Sealed, blob
from kmslab.kms.backing.brought import checked
from kmslab.kms.backing.domain_keys import DomainKeys
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import DomainKey, Key, Material, Reader, Setting
from kmslab.kms.contract.specs import KEY_SPECS, Origin

LABEL = b"kmslab"


class Hsm:
    """A `Backing` whose key material leaves it only sealed."""

    def __init__(
        self,
        root_key: SecretBytes,
        store: "stores.Store",
        backends: tuple[Backend, ...] = BACKENDS,
    ) -> None:
        self_tested = SelfTested(backends)
        self.domain_keys = DomainKeys(root_key, store, self_tested)
        self._backend = self_tested.proven

    def random(self, size: int) -> SecretBytes:
        """From the operating system's generator, the only source of randomness in kmslab."""
        return SecretBytes(os.urandom(size))

    def key_pair(self, spec: str) -> tuple[SecretBytes, bytes]:
        backend = self._backend_for_keys(spec)
        private = backend.generate_key(spec)
        return private, backend.public_key(private)

    def create(self, records: Reader, key: Key, now: datetime) -> Sealed:
        size = KEY_SPECS[key.spec].size
        made = (self.random(size), b"") if size else self.key_pair(key.spec)
        return self._new(records, key, now, *made)

    def take(self, records: Reader, key: Key, now: datetime, known: bytes) -> Sealed:
        return self._new(records, key, now, *checked(key.spec, known, self._backend_for_keys))

    def _new(
        self, records: Reader, key: Key, now: datetime, secret: SecretBytes, public: bytes
    ) -> Sealed:
        """A Region's first material comes with the domain key that seals it."""
        domain, new = self.domain_keys.domain(records, key.region, now)
        return (self._sealed(domain, key, secret, public, now), *new)

    def copy(
        self, records: Reader, key: Key, materials: Sequence[Material], now: datetime
    ) -> list[Material | DomainKey | Setting]:
        """Only this wall is crossed: AWS has other modules in the other Region."""
        domain, new = self.domain_keys.domain(records, key.region, now)
        copies: list[Material | DomainKey | Setting] = [*new]
        for old in materials:
            copy = self._sealed(domain, key, self._secret(old, records), old.public, old.created)
            copy = replace(copy, number=old.number, rotation=old.rotation)
            copies.append(replace(copy, expires=old.expires, description=old.description))
        return copies

    def resealed(self, material: Material, domain: DomainKey) -> Material:
        """The same material under another domain key. Raises `Damaged` if it does not open."""
        identity = _identity(material.key, material.spec, material.id, material.public)
        sealed = self.domain_keys.seal(domain, self._secret(material), identity)
        return replace(material, domain=domain.id, sealed=sealed)

    def _sealed(
        self, domain: DomainKey, key: Key, secret: SecretBytes, public: bytes, created: datetime
    ) -> Material:
        name = material_id(key.id, secret)
        identity = _identity(key.arn, key.spec, name, public)
        return Material(
            handle=f"{key.region}/{name}",
            key=key.arn,
            spec=key.spec,
            domain=domain.id,
            sealed=self.domain_keys.seal(domain, secret, identity),
            public=public,
            created=created,
            imported=key.origin is Origin.EXTERNAL,
        )

    def encrypt(
        self, material: Material, algorithm: str, plaintext: bytes, context: Mapping[str, str]
    ) -> CiphertextBlob:
        """Each call derives its own key: a KMS key serves more calls than one GCM key may."""
        if material.public:
            public = self.public_key(material)
            backend = self._backend(algorithm, material.spec, has_long_exponent(public))
            return CiphertextBlob(backend.encrypt(algorithm, public, plaintext))
        # In one draw, because each is a call to the operating system.
        drawn = os.urandom(blob.DERIVATION_NONCE + GCM_IV)
        derivation_nonce, iv = drawn[: blob.DERIVATION_NONCE], drawn[blob.DERIVATION_NONCE :]
        header = blob.header(material, derivation_nonce, iv)
        key = self._derive(self._secret(material), derivation_nonce)
        sealed = self._backend("AES_GCM").aes_gcm_seal(key, iv, plaintext, _bound(header, context))
        return CiphertextBlob(header + sealed)

    def decrypt(
        self, material: Material, algorithm: str, ciphertext: bytes, context: Mapping[str, str]
    ) -> SecretBytes:
        """A ciphertext that does not open gets the same answer for every reason."""
        secret = self._secret(material)  # before `try`: a damaged store is not the caller's fault
        try:
            if material.public:
                backend = self._backend(algorithm, material.spec)
                return backend.decrypt(algorithm, secret, ciphertext)
            parsed = blob.parse(ciphertext)
            if parsed is None or parsed.material != material.id:
                raise Forged
            key = self._derive(secret, parsed.derivation_nonce)
            aad = _bound(parsed.header, context)
            return self._backend("AES_GCM").aes_gcm_open(key, parsed.iv, parsed.sealed, aad)
        except Forged:
            fail("InvalidCiphertextException")

    def public_key(self, material: Material) -> bytes:
        """The sealed key is opened first, which fails if the stored public key was exchanged."""
        self._secret(material)
        return material.public

    def sign(self, material: Material, algorithm: str, message: bytes, form: MessageType) -> bytes:
        backend = self._backend(algorithm, material.spec)
        return backend.sign(algorithm, self._secret(material), message, form)

    def verify(
        self,
        material: Material,
        algorithm: str,
        message: bytes,
        form: MessageType,
        signature: bytes,
    ) -> None:
        public = self.public_key(material)
        backend = self._backend(algorithm, material.spec, has_long_exponent(public))
        try:
            backend.verify(algorithm, public, message, form, signature)
        except Forged:
            fail("KMSInvalidSignatureException")

    def mac(self, material: Material, algorithm: str, message: bytes) -> bytes:
        return self._backend(algorithm).hmac(algorithm, self._secret(material), message)

    def verify_mac(self, material: Material, algorithm: str, message: bytes, mac: bytes) -> None:
        if not hmac.compare_digest(self.mac(material, algorithm, message), mac):
            fail("KMSInvalidMacException")

    def agree(self, material: Material, algorithm: str, peer: bytes) -> SecretBytes:
        backend = self._backend(algorithm, material.spec)
        try:
            return backend.agree(self._secret(material), peer)
        except Malformed:
            fail("ValidationException")  # AWS sends no text with it

    def encapsulate(self, material: Material, algorithm: str) -> tuple[CiphertextBlob, SecretBytes]:
        backend = self._backend(algorithm, material.spec)
        ciphertext, secret = backend.encapsulate(self.public_key(material))
        return CiphertextBlob(ciphertext), secret

    def decapsulate(self, material: Material, algorithm: str, ciphertext: bytes) -> SecretBytes:
        backend, secret = self._backend(algorithm, material.spec), self._secret(material)
        try:
            return backend.decapsulate(secret, ciphertext)
        except Forged:
            fail("InvalidCiphertextException")

    def _backend_for_keys(self, spec: str) -> Backend:
        """The backend of the spec's first algorithm, to make a key of this spec or to read one."""
        algorithms = next(iter(KEY_SPECS[spec].algorithms.values()))
        return self._backend(algorithms[0], spec)

    def _secret(self, material: Material, records: Reader | None = None) -> SecretBytes:
        identity = _identity(material.key, material.spec, material.id, material.public)
        return self.domain_keys.open(material.domain, material.sealed, identity, records)

    def _derive(self, secret: bytes, derivation_nonce: bytes) -> SecretBytes:
        derive = self._backend("KDF_CTR_HMAC_SHA_256").kdf_counter
        return derive(secret, LABEL, derivation_nonce, AES_256_KEY)


def material_id(key_id: str, secret: bytes) -> str:
    """The id of key material, in blobs and in the trail. It reveals nothing about the secret."""
    return sha256(frame(key_id.encode(), secret)).hexdigest()


@lru_cache(4_096)  # it is the same at each use of a material
def _identity(arn: str, spec: str, material_id: str, public: bytes) -> bytes:
    return frame(arn.encode(), spec.encode(), material_id.encode(), public)


def _bound(header: bytes, context: Mapping[str, str]) -> bytes:
    return frame(header, encode_context(context))
