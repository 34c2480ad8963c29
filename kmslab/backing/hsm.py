"""The boundary: the only module that ever holds plaintext key material of a KMS key.

It stands for a hardware security module (HSM). What comes in is a sealed key and data; what goes
out is data, or a key sealed again: AES-256-GCM under the Region's domain key, with the key's ARN
and the material's id as authenticated data, so that rows swapped in the store do not open. Domain
keys lie in the store too, wrapped by the root key, which never does.

Only the wall is simulated: this is a Python object, and its memory is this process's memory.
Source: "AWS KMS Cryptographic Details"; NIST SP 800-38D (GCM), SP 800-108 (key derivation).
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from kmslab.backing import blob
from kmslab.contract.errors import fail
from kmslab.contract.records import DomainKey, Material, Reader
from kmslab.crypto import Backend, CiphertextBlob, Forged, SecretBytes, encode_context, frame, pyca
from kmslab.crypto.self_test import run as self_test

NONCE, IV, KEY = 16, 12, 32  # bytes
LABEL = b"kmslab"


class Hsm:
    """Seals, opens, and draws random bytes; generates key material and never lets it out open."""

    def __init__(self, root_key: SecretBytes, records: Reader, backend: Backend = pyca) -> None:
        self._root_key = root_key
        self._records = records
        self._backend = backend
        self._tested: set[str] = set()
        self._domain_keys: dict[str, SecretBytes] = {}

    def random(self, size: int) -> SecretBytes:
        """Bytes from the operating system's generator, the only source there is."""
        return SecretBytes(secrets.token_bytes(size))

    def create(self, arn: str, size: int, now: datetime) -> tuple[Material, *tuple[DomainKey, ...]]:
        """New key material, sealed; with a Region's first also its domain key. Store both."""
        secret = self.random(size)
        region, key_id = arn.split(":")[3], arn.rpartition("/")[2]
        material_id = sha256(frame(key_id.encode(), secret)).hexdigest()
        domains = self._records.find(DomainKey, region=region)
        made = () if domains else (self._create_domain_key(region, now),)
        domain = (*domains, *made)[-1]
        sealed = self._seal(
            self._domain_key(domain), secret, frame(arn.encode(), material_id.encode())
        )
        material = Material(
            handle=f"{region}/{material_id}", key=arn, domain=domain.id, sealed=sealed, created=now
        )
        return material, *made

    def encrypt(
        self, material: Material, plaintext: bytes, context: Mapping[str, str]
    ) -> CiphertextBlob:
        """Each call derives its own key: one KMS key serves more calls than one GCM key may."""
        nonce, iv = secrets.token_bytes(NONCE), secrets.token_bytes(IV)
        header = blob.header(material.id, material.key.rpartition("/")[2], nonce, iv)
        key = self._derive(material, nonce)
        sealed = self._module("AES_GCM").aes_gcm_seal(key, iv, plaintext, _bound(header, context))
        return CiphertextBlob(header + sealed)

    def decrypt(
        self, material: Material, ciphertext: bytes, context: Mapping[str, str]
    ) -> SecretBytes:
        """Whatever is wrong, a ciphertext that doesn't open gets one answer, without a reason."""
        parsed = blob.parse(ciphertext)
        if parsed is None or parsed.material != material.id:
            fail("InvalidCiphertextException")
        key = self._derive(material, parsed.nonce)
        aad = _bound(parsed.header, context)
        try:
            return self._module("AES_GCM").aes_gcm_open(key, parsed.iv, parsed.sealed, aad)
        except Forged:
            fail("InvalidCiphertextException")

    def prove_root_key(self) -> None:
        """Raise `Forged` unless the root key opens every domain key of the store."""
        for domain in self._records.page(DomainKey, "", limit=1_000_000):
            self._domain_key(domain)

    def _create_domain_key(self, region: str, now: datetime) -> DomainKey:
        name = secrets.token_hex(16)
        key = self.random(KEY)
        wrapped = self._seal(self._root_key, key, frame(region.encode(), name.encode()))
        return DomainKey(id=name, region=region, wrapped=wrapped, created=now)

    def _domain_key(self, domain: DomainKey) -> SecretBytes:
        key = self._domain_keys.get(domain.id)
        if key is None:
            aad = frame(domain.region.encode(), domain.id.encode())
            key = self._domain_keys[domain.id] = self._open(self._root_key, domain.wrapped, aad)
        return key

    def _derive(self, material: Material, nonce: bytes) -> SecretBytes:
        domain = self._records.get(DomainKey, material.domain)
        if domain is None:
            raise RuntimeError(f"no domain key {material.domain}: the store has lost a record")
        aad = frame(material.key.encode(), material.id.encode())
        backing_key = self._open(self._domain_key(domain), material.sealed, aad)
        return self._module("KDF_CTR_HMAC_SHA_256").kdf_counter(backing_key, LABEL, nonce, KEY)

    def _seal(self, key: bytes, secret: bytes, aad: bytes) -> bytes:
        iv = secrets.token_bytes(IV)
        return iv + self._module("AES_GCM").aes_gcm_seal(key, iv, secret, aad)

    def _open(self, key: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        return self._module("AES_GCM").aes_gcm_open(key, sealed[:IV], sealed[IV:], aad)

    def _module(self, algorithm: str) -> Backend:
        """The cryptographic module, once it has passed its self-test for this algorithm."""
        if algorithm not in self._tested:
            self_test(self._backend, algorithm)
            self._tested.add(algorithm)
        return self._backend


def _bound(header: bytes, context: Mapping[str, str]) -> bytes:
    return frame(header, encode_context(context))
