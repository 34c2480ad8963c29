"""What a handle does with its key: a plain Python word for each cryptographic operation.

The service chooses nothing: where a key offers several algorithms, a word sends the preferred one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmslab.crypto import CiphertextBlob, PublicKey, SecretBytes
from kmslab.crypto.message_types import MessageType
from kmslab.kms.contract.specs import KEY_SPECS, KeyUsage
from kmslab.lab.client import KmsClient

if TYPE_CHECKING:
    from kmslab.envelope import KmsKeyring

Context = Mapping[str, str] | None

# The algorithm for a use, where the key leaves a choice and the call names none.
PREFERRED: dict[KeyUsage, str] = {
    KeyUsage.ENCRYPT_DECRYPT: "RSAES_OAEP_SHA_256",
    KeyUsage.SIGN_VERIFY: "RSASSA_PSS_SHA_256",
    KeyUsage.GENERATE_VERIFY_MAC: "HMAC_SHA_256",
    KeyUsage.KEY_AGREEMENT: "ECDH",
    KeyUsage.ENCAPSULATE_DECAPSULATE: "ML_KEM",
}


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key: `plaintext` to use now and forget, `encrypted` to keep beside the data."""

    plaintext: SecretBytes
    encrypted: CiphertextBlob


@dataclass(frozen=True, slots=True)
class DataKeyPair:
    """An asymmetric data key: `private` in PKCS#8 DER to use and forget, `encrypted` to keep."""

    public: PublicKey
    private: SecretBytes
    encrypted: CiphertextBlob


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """A shared secret, and the ciphertext from which the private key's owner gets the same one."""

    secret: SecretBytes
    ciphertext: CiphertextBlob


class KeyUses:
    """The cryptographic operations of a handle."""

    arn: str
    spec: str
    _kms: KmsClient

    def encrypt(
        self, plaintext: bytes, context: Context = None, algorithm: str | None = None
    ) -> CiphertextBlob:
        """1 to 4,096 bytes, sealed together with the encryption context (string → string).

        An RSA key takes fewer bytes (190 for RSA_2048 with OAEP and SHA-256) and no context.
        """
        answer = self._kms.encrypt(
            KeyId=self.arn,
            EncryptionAlgorithm=self._algorithm(KeyUsage.ENCRYPT_DECRYPT, algorithm),
            Plaintext=plaintext,
            EncryptionContext=context,
        )
        blob: CiphertextBlob = answer["CiphertextBlob"]
        return blob

    def decrypt(self, blob: bytes, context: Context = None, algorithm: str | None = None) -> bytes:
        """The plaintext of this key's blob; a blob of another key raises IncorrectKeyException.

        An RSA ciphertext names no key: another key's raises InvalidCiphertextException.
        """
        answer = self._kms.decrypt(
            KeyId=self.arn,
            EncryptionAlgorithm=self._algorithm(KeyUsage.ENCRYPT_DECRYPT, algorithm),
            CiphertextBlob=blob,
            EncryptionContext=context,
        )
        return bytes(answer["Plaintext"])

    def generate_data_key(self, context: Context = None, size: int = 32) -> DataKey:
        """A fresh data key of 1 to 1,024 bytes, in plaintext and encrypted under this key."""
        answer = self._kms.generate_data_key(
            KeyId=self.arn, NumberOfBytes=size, EncryptionContext=context
        )
        return DataKey(answer["Plaintext"], answer["CiphertextBlob"])

    def generate_data_key_without_plaintext(
        self, context: Context = None, size: int = 32
    ) -> CiphertextBlob:
        """A fresh data key of 1 to 1,024 bytes, encrypted only: the caller never has it."""
        answer = self._kms.generate_data_key_without_plaintext(
            KeyId=self.arn, NumberOfBytes=size, EncryptionContext=context
        )
        blob: CiphertextBlob = answer["CiphertextBlob"]
        return blob

    def generate_data_key_pair(self, spec: str, context: Context = None) -> DataKeyPair:
        """A fresh key pair of this spec (such as ECC_NIST_P256), its private key also encrypted."""
        answer = self._kms.generate_data_key_pair(
            KeyId=self.arn, KeyPairSpec=spec, EncryptionContext=context
        )
        return DataKeyPair(
            PublicKey(answer["PublicKey"]),
            answer["PrivateKeyPlaintext"],
            answer["PrivateKeyCiphertextBlob"],
        )

    def keyring(self, *, multi_region: bool = False) -> "KmsKeyring":
        """A keyring for `kmslab.envelope`, which wraps data keys under this key.

        `envelope` makes one itself if it is given the CMK. With `multi_region`, it also opens what
        this key's replica or primary in another Region wrapped.
        """
        from kmslab.envelope import KmsKeyring  # few programs ask for one

        return KmsKeyring(self._kms, self.arn, multi_region=multi_region)

    def sign(
        self, message: bytes, algorithm: str | None = None, message_type: str = MessageType.RAW
    ) -> bytes:
        """A signature of 1 to 4,096 bytes, or with message_type="DIGEST" of a longer one's hash.

        ECDSA signatures are DER; algorithms as in AWS KMS, RSASSA_PSS_SHA_256 for RSA by default.
        """
        answer = self._kms.sign(
            KeyId=self.arn,
            Message=message,
            MessageType=message_type,
            SigningAlgorithm=self._algorithm(KeyUsage.SIGN_VERIFY, algorithm),
        )
        signature: bytes = answer["Signature"]
        return signature

    def verify(
        self,
        message: bytes,
        signature: bytes,
        algorithm: str | None = None,
        message_type: str = MessageType.RAW,
    ) -> bool:
        """True; a signature that doesn't verify raises KMSInvalidSignatureException."""
        answer = self._kms.verify(
            KeyId=self.arn,
            Message=message,
            MessageType=message_type,
            Signature=signature,
            SigningAlgorithm=self._algorithm(KeyUsage.SIGN_VERIFY, algorithm),
        )
        return bool(answer["SignatureValid"])

    def mac(self, message: bytes) -> bytes:
        """The HMAC (FIPS 198-1) of 1 to 4,096 bytes, not truncated."""
        answer = self._kms.generate_mac(
            KeyId=self.arn,
            Message=message,
            MacAlgorithm=self._algorithm(KeyUsage.GENERATE_VERIFY_MAC),
        )
        mac: bytes = answer["Mac"]
        return mac

    def verify_mac(self, message: bytes, mac: bytes) -> bool:
        """True; a MAC that doesn't verify raises KMSInvalidMacException."""
        answer = self._kms.verify_mac(
            KeyId=self.arn,
            Message=message,
            Mac=mac,
            MacAlgorithm=self._algorithm(KeyUsage.GENERATE_VERIFY_MAC),
        )
        return bool(answer["MacValid"])

    def public_key(self) -> PublicKey:
        """The public half of an asymmetric key, with `.der`, `.pem` and `.load()`."""
        return PublicKey(self._kms.get_public_key(KeyId=self.arn)["PublicKey"])

    def derive_shared_secret(self, peer: PublicKey | bytes) -> SecretBytes:
        """ECDH with a public key on the same curve: the raw x coordinate (SP 800-56A), no KDF."""
        answer = self._kms.derive_shared_secret(
            KeyId=self.arn,
            PublicKey=bytes(peer),
            KeyAgreementAlgorithm=self._algorithm(KeyUsage.KEY_AGREEMENT),
        )
        secret: SecretBytes = answer["SharedSecret"]
        return secret

    def encapsulate(self) -> Encapsulation:
        """A fresh 32-byte secret for this ML-KEM key (FIPS 203), and the ciphertext to send."""
        answer = self._kms.encapsulate(
            KeyId=self.arn,
            EncapsulationAlgorithm=self._algorithm(KeyUsage.ENCAPSULATE_DECAPSULATE),
        )
        return Encapsulation(answer["SharedSecret"], answer["SharedSecretCiphertextBlob"])

    def decapsulate(self, ciphertext: bytes) -> SecretBytes:
        """The secret. A forged ciphertext of the right length gives another one, and no error."""
        answer = self._kms.decapsulate(
            KeyId=self.arn,
            SharedSecretCiphertextBlob=ciphertext,
            EncapsulationAlgorithm=self._algorithm(KeyUsage.ENCAPSULATE_DECAPSULATE),
        )
        secret: SecretBytes = answer["SharedSecret"]
        return secret

    def _algorithm(self, usage: KeyUsage, asked: str | None = None) -> str:
        """The algorithm `asked` for; else the preferred one, or the only one that the key offers.

        A key that is not for this usage gets the preferred one: the service says what is wrong.
        """
        offered = KEY_SPECS[self.spec].algorithms.get(usage, ())
        preferred = PREFERRED[usage]
        return asked or (preferred if preferred in offered or not offered else offered[0])
