"""`key`: the handle on a KMS key that any client can reach: AWS's, an endpoint's or a lab's.

Rule: the handle behaves as in a lab. Members that are None are left out, as boto3 demands; secrets
come back as `SecretBytes`; and an error of the client becomes the one of `kmslab.errors` that has
the same code, so that a program catches it in the same way everywhere.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from kmslab.crypto import CiphertextBlob, SecretBytes, check_context
from kmslab.kms.arn import resource_of
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.lab.client import KmsClient
from kmslab.lab.cmk import CMK, CallersLab
from kmslab.lab.key_uses import Context

SECRETS = ("Plaintext", "PrivateKeyPlaintext", "SharedSecret")  # members of answers
BLOBS = ("CiphertextBlob", "PrivateKeyCiphertextBlob", "SharedSecretCiphertextBlob")
CLASSES = dict.fromkeys(SECRETS, SecretBytes) | dict.fromkeys(BLOBS, CiphertextBlob)
MISSING = "to call {} kmslab.key needs boto3, which is not installed: pip install boto3"
NO_LAB = "this key was reached through {}, which is not a lab, and has no {!r}"
NOT_A_CLIENT = (
    "kmslab.key takes a KMS client, such as boto3.client('kms') or lab.kms, or an endpoint's "
    "address, such as http://127.0.0.1:4566; this is {!r}"
)


def key(kms: Any, identifier: str) -> CMK:
    """A handle on one key: `kmslab.key(boto3.client("kms"), "alias/records")`.

    `kms`: a boto3 client, `lab.kms`, or the address of an endpoint, which boto3 then calls with
    the credentials and the Region that it finds. `identifier`: a key id, key ARN, alias name or
    alias ARN. The key is looked up with DescribeKey, which the caller must be allowed to call.
    Raises the errors of `kmslab.errors`; TypeError if `kms` is something else.
    """
    lab = Elsewhere(_client(kms))
    found = lab.kms.describe_key(KeyId=identifier)["KeyMetadata"]
    kind, _, name = resource_of(identifier).partition("/")
    return CMK(cast(CallersLab, lab), found, name if kind == "alias" else None)


class Elsewhere:
    """What a handle finds as its `lab` if its key is reached through a client alone."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.kms = cast(KmsClient, Adapted(client))

    def decrypt(self, blob: bytes, context: Context = None) -> bytes:
        """The plaintext of a ciphertext blob, which names its key itself."""
        answer = self.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
        return bytes(answer["Plaintext"])

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(NO_LAB.format(type(self._client).__name__, name))

    def __repr__(self) -> str:
        return f"<Elsewhere: {self._client!r}>"


class Adapted:
    """A client whose methods take members that are None and answer as `lab.kms` does."""

    exceptions = KmsClient.exceptions

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = getattr(self._client, name)

        def call(**request: Any) -> dict[str, Any]:
            given = {member: value for member, value in request.items() if value is not None}
            if "EncryptionContext" in given:
                check_context(given["EncryptionContext"])
            try:
                return _adapted(operation(**given))
            except KMSError:
                raise
            except Exception as error:
                _raise_as_kms_error(error)

        return call


def _client(kms: Any) -> Any:
    if isinstance(kms, str):
        try:
            import boto3
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(MISSING.format(kms), name=error.name) from None
        return boto3.client("kms", endpoint_url=kms)
    if not callable(getattr(kms, "describe_key", None)):
        raise TypeError(NOT_A_CLIENT.format(kms))
    return kms


def _adapted(answer: Mapping[str, Any]) -> dict[str, Any]:
    members = {member: value for member, value in answer.items() if member != "ResponseMetadata"}
    return {member: CLASSES.get(member, _same)(value) for member, value in members.items()}


def _same(value: Any) -> Any:
    return value


def _raise_as_kms_error(error: Exception) -> NoReturn:
    """If the error has a code of KMS; others, such as a lost connection, are raised as they are."""
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    told = response.get("Error", {})
    found = EXCEPTIONS.get(told.get("Code", ""))
    if found is None:
        raise error
    raised = found(told.get("Message", ""))
    raised.request_id = response.get("ResponseMetadata", {}).get("RequestId", "")
    raise raised from error
