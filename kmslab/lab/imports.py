"""Bringing one's own key material: what a client does between AWS KMS's two calls for an import."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kmslab.crypto import CiphertextBlob, Malformed, PublicKey, as_pkcs8
from kmslab.crypto.wrapping import wrap
from kmslab.kms.contract.importing import ExpirationModel, ImportType, usual_wrapping
from kmslab.kms.contract.specs import KEY_SPECS
from kmslab.lab.client import KmsClient


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """A wrapping key, and the token that belongs to it. Both can be used until `valid_to`."""

    public_key: PublicKey
    token: CiphertextBlob
    algorithm: str
    valid_to: datetime  # 24 hours after they were made, in UTC

    def wrap(self, material: bytes) -> CiphertextBlob:
        """`material`, wrapped under this public key: see `kmslab.wrap`."""
        return wrap(self.public_key.der, material, self.algorithm)


def as_imported(material: Any, spec: str) -> bytes:
    """The material as AWS KMS takes it: a private key as PKCS#8 DER, other material as it is.

    The service says what is wrong with bytes that are not a private key.
    """
    if KEY_SPECS[spec].sizes:
        return bytes(material)
    try:
        return as_pkcs8(material)
    except Malformed:
        return material.encode() if isinstance(material, str) else bytes(material)


class ImportedMaterial:
    """What a handle does for a key that was made with `origin="EXTERNAL"`."""

    arn: str
    spec: str
    _kms: KmsClient

    def import_material(
        self,
        material: Any,
        expires: datetime | None = None,
        wrapping: str | None = None,
        new: bool | None = None,
        description: str | None = None,
    ) -> str:
        """Wrap key material and import it, in one step; returns the key material's id.

        `material`: the 32 bytes of a symmetric key, the bytes of an HMAC key, or a private key: an
        object of `cryptography`, PEM, or DER. `expires`: the time at which the service deletes it
        (UTC if it is naive), at most 365 days from now; None: never. `wrapping`: as for
        `import_parameters`. `new`: True to bring material for the next rotation, False to bring
        material again; by default only the first is new. `description`: 1 to 256 characters, for
        symmetric keys. Raises IncorrectKeyMaterialException for material that does not fit the
        key's spec, or is not the same as before; UnsupportedOperationException for a key that KMS
        made itself.
        """
        parameters = self.import_parameters(wrapping)
        wrapped = parameters.wrap(as_imported(material, self.spec))
        return self.import_wrapped(wrapped, parameters.token, expires, new, description)

    def import_parameters(
        self, wrapping: str | None = None, wrapping_key: str = "RSA_2048"
    ) -> ImportParameters:
        """The first of the three steps: a public key to wrap material under, and its token.

        `wrapping`: a wrapping algorithm; by default RSA_AES_KEY_WRAP_SHA_256 for RSA keys and
        curves, else RSAES_OAEP_SHA_256. `wrapping_key`: RSA_2048, RSA_3072 or RSA_4096 (AWS advises
        the longest; it takes seconds to make). The second step is `wrap` of what this returns, or
        `kmslab.wrap`; the third is `import_wrapped`.
        """
        algorithm = wrapping or usual_wrapping(self.spec)
        answer = self._kms.get_parameters_for_import(
            KeyId=self.arn, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping_key
        )
        public, token = PublicKey(answer["PublicKey"]), answer["ImportToken"]
        return ImportParameters(public, token, algorithm, answer["ParametersValidTo"])

    def import_wrapped(
        self,
        wrapped: bytes,
        token: bytes,
        expires: datetime | None = None,
        new: bool | None = None,
        description: str | None = None,
    ) -> str:
        """The last of the three steps: import wrapped material; returns the key material's id.

        Raises InvalidCiphertextException if it was not wrapped under the token's public key,
        InvalidImportTokenException for another key's token, ExpiredImportTokenException.
        """
        kind = None if new is None else ImportType.NEW if new else ImportType.EXISTING
        answer = self._kms.import_key_material(
            KeyId=self.arn,
            ImportToken=token,
            EncryptedKeyMaterial=wrapped,
            ExpirationModel=ExpirationModel.of(expires),
            ValidTo=expires,
            ImportType=kind,
            KeyMaterialDescription=description,
        )
        material_id: str = answer["KeyMaterialId"]
        return material_id

    def delete_material(self, material_id: str | None = None) -> None:
        """Take imported material out of the KMS, the current one by default.

        The key works again when the same bytes have been imported again.
        """
        self._kms.delete_imported_key_material(KeyId=self.arn, KeyMaterialId=material_id)
