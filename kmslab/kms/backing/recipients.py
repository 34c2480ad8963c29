"""Recipients: enclaves that answers are sealed for, so that their callers cannot read them.

A request's Recipient carries an attestation document. Rule: the document is verified before
anything in it is believed, and conditions of policies see only what was verified. AWS trusts the
root of its Nitro hypervisors; a lab trusts a root of its own, whose private key the store holds
sealed, and with which the lab's simulated enclaves have their documents signed.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kmslab.crypto import SecretBytes, cms
from kmslab.kms import store as stores
from kmslab.kms.backing.domain_keys import DomainKeys
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Setting

ROOT = "attestation root"
IN_TRAIL = (1, 2, 3, 4, 8)  # the registers that the trail shows besides the image's


@dataclass(frozen=True, slots=True)
class Recipient:
    """A verified enclave."""

    module_id: str
    pcrs: Mapping[int, bytes]
    public_key: bytes = field(repr=False)

    def seal(self, answer: Mapping[str, Any], secret: tuple[str, ...]) -> dict[str, Any]:
        """The answer without these members; the first is in CiphertextForRecipient instead."""
        sealed = cms.seal(self.public_key, answer[secret[0]])
        shown = {name: value for name, value in answer.items() if name not in secret}
        return {**shown, "CiphertextForRecipient": sealed}

    @property
    def measurements(self) -> dict[str, str]:
        """By the names of the condition keys, in lower-case hexadecimal digits."""
        found = {f"PCR{index}": content.hex() for index, content in self.pcrs.items()}
        return {"ImageSha384": found["PCR0"], **found} if "PCR0" in found else found

    @property
    def shown(self) -> dict[str, str]:
        """As the trail shows it, in base64; AWS's events have these registers only."""
        names = {0: "ImageDigest"} | {index: f"PCR{index}" for index in IN_TRAIL}
        return {"attestationDocumentModuleId": self.module_id} | {
            f"attestationDocumentEnclave{name}": base64.b64encode(self.pcrs[index]).decode()
            for index, name in names.items()
            if index in self.pcrs
        }


class Recipients:
    """Verifies attestation documents against the lab's root."""

    def __init__(self, store: "stores.Store", domain_keys: DomainKeys) -> None:
        self._store = store
        self._domain_keys = domain_keys

    def verified(self, recipient: Mapping[str, Any] | None, now: datetime) -> Recipient | None:
        """The enclave that a request's Recipient names. Raises ValidationException."""
        if recipient is None:
            return None
        from kmslab.crypto import attestation  # few labs have an enclave: loaded when needed

        for member in ("KeyEncryptionAlgorithm", "AttestationDocument"):
            if member not in recipient:
                fail("ValidationException", f"Recipient must specify {member}.")
        setting = self._store.get(Setting, ROOT)
        # Before a lab has had an enclave, no document is trusted: nothing begins with b"".
        root = attestation.root_certificate(self._opened(setting)) if setting else b""
        try:
            found = attestation.verify(recipient["AttestationDocument"], root, now)
        except attestation.Untrusted as why:
            fail("ValidationException", f"The attestation document is not valid: {why}.")
        public = found.public_key
        if public is None or not attestation.is_rsa(public):
            fail("ValidationException", "The attestation document has no RSA public key.")
        return Recipient(found.module_id, found.pcrs, public)

    def root(self) -> SecretBytes:
        """What signs the documents of the lab's enclaves: a root in PEM, made on first use."""
        from kmslab.crypto import attestation

        def stage(change: Change) -> Setting:
            found = change.get(Setting, ROOT)
            if found is None:
                sealed = self._domain_keys.protect(ROOT, attestation.new_root())
                found = Setting(name=ROOT, value=base64.b64encode(sealed).decode())
                change.put(found)
            return found

        return self._opened(apply(self._store, stage))

    def opens(self) -> Iterator[bool]:
        """Whether the lab's root key opens the root, if there is one."""
        if setting := self._store.get(Setting, ROOT):
            try:
                self._opened(setting)
            except stores.Damaged:
                yield False
            else:
                yield True

    def _opened(self, setting: Setting) -> SecretBytes:
        """Raises `Damaged` if the lab's root key did not seal it."""
        try:
            sealed = base64.b64decode(setting.value, validate=True)
        except ValueError:
            raise stores.Damaged(f"{ROOT} cannot be read") from None
        return self._domain_keys.unprotect(ROOT, sealed)
