"""The KMS keyring: data keys come from a key management service, and go back there to be opened.

It knows a KMS only as an object with boto3's `generate_data_key`, `encrypt` and `decrypt`: a lab's
`lab.kms`, a boto3 client of the lab's or of AWS.
"""

import re
from typing import Any

from kmslab.crypto import Forged, SecretBytes
from kmslab.envelope.keyrings import Keyring, Refused
from kmslab.envelope.message import Context, EncryptedDataKey

PROVIDER = "aws-kms"
KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", re.ASCII)


class KmsKeyring(Keyring):
    """The KMS key with this ARN, asked through `client`.

    Only what this key has wrapped is sent there to be opened. A message names the key by its ARN,
    so an alias will not do (ValueError): tomorrow it may be another key's.
    """

    def __init__(self, client: Any, arn: str) -> None:
        if not isinstance(arn, str) or not KEY_ARN.fullmatch(arn):
            raise ValueError(
                f"{arn!r} is no key ARN (arn:aws:kms:us-east-1:111122223333:key/…); "
                "describe_key tells the ARN of a key id or an alias"
            )
        self._client = client
        self.arn = arn

    def generate(self, size: int, context: Context) -> tuple[SecretBytes, EncryptedDataKey]:
        """One call: the service makes the data key, and wraps it."""
        answer = self._client.generate_data_key(
            KeyId=self.arn, NumberOfBytes=size, EncryptionContext=dict(context.pairs)
        )
        return SecretBytes(answer["Plaintext"]), self._wrapped(answer)

    def wrap(self, data_key: bytes, context: Context) -> EncryptedDataKey:
        answer = self._client.encrypt(
            KeyId=self.arn, Plaintext=bytes(data_key), EncryptionContext=dict(context.pairs)
        )
        return self._wrapped(answer)

    def unwrap(self, wrapped: EncryptedDataKey, context: Context) -> SecretBytes | None:
        if (wrapped.provider, wrapped.info) != (PROVIDER, self.arn.encode()):
            return None
        try:
            answer = self._client.decrypt(
                KeyId=self.arn,
                CiphertextBlob=wrapped.ciphertext,
                EncryptionContext=dict(context.pairs),
            )
        except Exception as error:  # also "no network": another keyring may still do
            raise Refused(_quoted(error)) from error
        if answer["KeyId"] != self.arn:
            raise Forged
        return SecretBytes(answer["Plaintext"])

    def _wrapped(self, answer: dict[str, Any]) -> EncryptedDataKey:
        return EncryptedDataKey(PROVIDER, answer["KeyId"].encode(), bytes(answer["CiphertextBlob"]))

    def __repr__(self) -> str:
        return f"<KmsKeyring {self.arn}>"


def _quoted(error: Exception) -> str:
    """The service's error in its own words, whichever client has brought it."""
    told = getattr(error, "response", {}).get("Error", {})
    code = told.get("Code", type(error).__name__)
    text = told.get("Message", str(error)) or "(AWS sends no text with this error)"
    return f"The KMS did not open this message's data key. {code}: {text}"
