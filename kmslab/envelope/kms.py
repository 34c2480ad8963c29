"""The KMS keyring: a key management service makes the data keys and unwraps them.

The service is any object with boto3's `generate_data_key`, `encrypt` and `decrypt`: a lab's
`lab.kms`, or a boto3 client of a lab or of AWS.
"""

import re
from typing import Any

from kmslab.crypto import Forged, SecretBytes
from kmslab.envelope.keyrings import Keyring, Refused
from kmslab.envelope.message import Context, EncryptedDataKey

PROVIDER = "aws-kms"
KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", re.ASCII)


class KmsKeyring(Keyring):
    """The KMS key with this ARN, used through `client`.

    Only data keys that this key wrapped are sent to the KMS. A message names its key by the ARN.
    Raises ValueError for an alias, because an alias may point to another key later.
    """

    def __init__(self, client: Any, arn: str) -> None:
        if not isinstance(arn, str) or not KEY_ARN.fullmatch(arn):
            raise ValueError(
                f"{arn!r} is not a key ARN (arn:aws:kms:us-east-1:111122223333:key/…); "
                "describe_key returns the ARN for a key id or an alias"
            )
        self._client = client
        self.arn = arn

    def generate(self, size: int, context: Context) -> tuple[SecretBytes, EncryptedDataKey]:
        """The KMS makes the data key and wraps it, in one call."""
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
        except Exception as error:  # even a lost network: another keyring may work
            raise Refused(_quoted(error)) from error
        if answer["KeyId"] != self.arn:
            raise Forged
        return SecretBytes(answer["Plaintext"])

    def _wrapped(self, answer: dict[str, Any]) -> EncryptedDataKey:
        return EncryptedDataKey(PROVIDER, answer["KeyId"].encode(), bytes(answer["CiphertextBlob"]))

    def __repr__(self) -> str:
        return f"<KmsKeyring {self.arn}>"


def _quoted(error: Exception) -> str:
    """The error's code and text as the KMS sent them, whether the client is boto3 or a lab's."""
    answer = getattr(error, "response", {}).get("Error", {})
    code = answer.get("Code", type(error).__name__)
    text = answer.get("Message", str(error)) or "(AWS sends no text with this error)"
    return f"The KMS did not open this message's data key. {code}: {text}"
