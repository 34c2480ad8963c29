"""KMS keyrings: a key management service makes the data keys and unwraps them.

For several keys, give `encrypt` a list of keyrings, each with a client of its key's Region. The
service is any object with boto3's `generate_data_key`, `encrypt` and `decrypt`: a lab's
`lab.kms`, or a boto3 client of a lab or of AWS.
"""

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from kmslab.crypto import Forged, SecretBytes
from kmslab.envelope.keyrings import Keyring, Refused
from kmslab.envelope.message import Context, EncryptedDataKey

PROVIDER = "aws-kms"
KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", re.ASCII)

# What an error of Decrypt means that AWS sends no text with.
MEANING = {
    "InvalidCiphertextException": ". The encryption context is not the one that it was encrypted "
    "with, or the encrypted data key was changed."
}


class KeyArn(NamedTuple):
    arn: str
    partition: str
    service: str
    region: str
    account: str
    key: str

    @property
    def multi_region(self) -> bool:
        """Such a key has the same id in each Region."""
        return self.key.startswith("key/mrk-")

    def __str__(self) -> str:
        return ":".join(self)


class KmsKeyring(Keyring):
    """The KMS key with this ARN, used through `client`.

    Only data keys that this key wrapped are sent to the KMS; with `multi_region`, also those that a
    replica of it or its primary wrapped in another Region. A message names its key by the ARN.
    Raises ValueError for an alias, because an alias may point to another key later.
    """

    def __init__(self, client: Any, arn: str, *, multi_region: bool = False) -> None:
        key = _parsed(arn) if isinstance(arn, str) else None
        if not key:
            raise ValueError(
                f"{arn!r} is not a key ARN (arn:aws:kms:us-east-1:111122223333:key/…); "
                "describe_key returns the ARN for a key id or an alias"
            )
        self._client = client
        self._key, self._multi_region = key, multi_region
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
        key = _key_of(wrapped)
        if key and key.multi_region and self._multi_region:
            key = key._replace(region=self._key.region)
        return _decrypt(self._client, self.arn, wrapped, context) if key == self._key else None

    def _wrapped(self, answer: dict[str, Any]) -> EncryptedDataKey:
        return EncryptedDataKey(PROVIDER, answer["KeyId"].encode(), bytes(answer["CiphertextBlob"]))

    def __repr__(self) -> str:
        return f"<KmsKeyring {self.arn}>"


class KmsDiscoveryKeyring(Keyring):
    """Opens messages with the key that the message names, whichever it is. It encrypts none.

    A caller may be allowed to use keys of strangers, so name the `accounts` whose keys are asked,
    in one `partition`. With `region`, the client's own, no key of another Region is asked; in place
    of a multi-Region key there, the related key in this Region is.
    """

    def __init__(
        self,
        client: Any,
        *,
        accounts: Collection[str] | None = None,
        partition: str = "aws",
        region: str | None = None,
    ) -> None:
        if isinstance(accounts, str) or not all(re.fullmatch(r"\d{12}", a) for a in accounts or ()):
            raise ValueError("accounts is a list of account ids, which have 12 digits each")
        self._client, self._region = client, region
        self._accounts = None if accounts is None else frozenset(accounts)
        self._partition = partition

    def wrap(self, data_key: bytes, context: Context) -> EncryptedDataKey:
        raise ValueError("a discovery keyring only decrypts: encrypt with the keyring of one key")

    def unwrap(self, wrapped: EncryptedDataKey, context: Context) -> SecretBytes | None:
        key = _key_of(wrapped)
        if not key or not self._allows(key):
            return None
        if self._region and key.multi_region:
            key = key._replace(region=self._region)
        if self._region not in (None, key.region):
            return None
        return _decrypt(self._client, str(key), wrapped, context)

    def _allows(self, key: KeyArn) -> bool:
        if self._accounts is None:
            return True
        return key.partition == self._partition and key.account in self._accounts

    def __repr__(self) -> str:
        accounts = "all accounts" if self._accounts is None else ", ".join(sorted(self._accounts))
        return f"<KmsDiscoveryKeyring of {accounts}>"


def _parsed(arn: str) -> KeyArn | None:
    return KeyArn(*arn.split(":")) if KEY_ARN.fullmatch(arn) else None


def _key_of(wrapped: EncryptedDataKey) -> KeyArn | None:
    """The KMS key that wrapped this, or None if it was not a KMS key."""
    arn = wrapped.info.decode("utf-8", "replace")
    return _parsed(arn) if wrapped.provider == PROVIDER else None


def _decrypt(client: Any, arn: str, wrapped: EncryptedDataKey, context: Context) -> SecretBytes:
    try:
        answer = client.decrypt(
            KeyId=arn, CiphertextBlob=wrapped.ciphertext, EncryptionContext=dict(context.pairs)
        )
    except Exception as error:  # even a lost network: another keyring may work
        text = f"The KMS did not open this message's data key. {quoted(error)}"
        raise Refused(text) from error
    if answer["KeyId"] != arn:
        raise Forged
    return SecretBytes(answer["Plaintext"])


def quoted(error: BaseException) -> str:
    """The error's code and text as the KMS sent them, whether the client is boto3 or a lab's."""
    answer = getattr(error, "response", {}).get("Error", {})
    code = answer.get("Code", type(error).__name__)
    text = answer.get("Message", str(error)) or "(AWS sends no text with this error)"
    return f"{code}: {text}{MEANING.get(code, '')}"
