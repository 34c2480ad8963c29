"""An error as one line for people, and whether it means that no other file can be done either."""

from typing import Any

from kmslab.display import PlainError, visible

# What the library advises, in the words of the command.
ADVICE = {
    "envelope.inspect(message)": "`kmslab inspect`",
    'Policy(commitment_policy="REQUIRE_ENCRYPT_ALLOW_DECRYPT")': (
        "--commitment-policy require-encrypt-allow-decrypt"
    ),
    "max_encrypted_data_keys": "--max-encrypted-data-keys",
    "None of the given keyrings has a key that": "None of the given keys",
    "use a keyring with one of these": "give one of these with --key",
    "required_context_keys has it": "--require-context names it",
    "REQUIRE_ENCRYPT_REQUIRE_DECRYPT does not": "--commitment-policy does not",
    "FORBID_ENCRYPT_ALLOW_DECRYPT does not": "--commitment-policy does not",
    "REQUIRE_ENCRYPT_ALLOW_DECRYPT does not": "--commitment-policy does not",
}
# A KMS that answers so may answer otherwise in a moment.
PASSING = (
    "DependencyTimeoutException",
    "KMSInternalException",
    "KeyUnavailableException",
    "LimitExceededException",
    "ThrottlingException",
)
OF_THE_KEY = ("DisabledException", "KMSInvalidStateException", "NotFoundException")


def reason(error: Exception, source: str = "") -> str:
    """Why it failed. Raises the error itself if it is not one that people can cause.

    `source`: the file whose name the line has anyway.
    """
    if isinstance(error, OSError):
        text = error.strerror or str(error)
        other = error.filename not in (None, source)
        return f"{text}: {error.filename}" if other else text
    if code(error):
        return f"{code(error)}: {_message(error)}".rstrip(": ")
    if isinstance(error, PlainError | ValueError) or _of_botocore(error):
        return in_the_commands_words(" ".join(str(error).split()))
    raise error


def in_the_commands_words(text: str) -> str:
    for libraries, commands in ADVICE.items():
        text = text.replace(libraries, commands)
    return text


def line(name: str, why: str) -> str:
    """A name may hold a line's end, and what a terminal would obey."""
    return visible(f"{name}: {why}")


def code(error: BaseException) -> str:
    """The name of a KMS's error, from a lab or from boto3; else ""."""
    response: Any = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def fails_all(error: BaseException, encrypting: bool, one_key: bool) -> bool:
    """Whether the KMS would refuse every other file, too.

    To encrypt, all files ask for the same; to decrypt, each names its key and its context.
    """
    asked = error.__cause__ or error  # a DecryptionError's cause is the KMS's own error
    name = code(asked)
    if not name:
        return _of_botocore(asked)  # no connection, no credentials
    return name not in PASSING if encrypting else one_key and name in OF_THE_KEY


def _message(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response["Error"].get("Message", ""))


def _of_botocore(error: BaseException) -> bool:
    """Without loading it: a store needs none."""
    return any(each.__module__.startswith("botocore.") for each in type(error).__mro__)
