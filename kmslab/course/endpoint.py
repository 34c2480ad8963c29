"""The lab at an HTTP address, for boto3 and the AWS CLI, unchanged.

`endpoint` does in a notebook what `kmslab serve` does in a terminal. The address is this computer's
own, so no network is needed; meanwhile the machine's own settings for AWS have no effect.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from kmslab.lab.lab import Lab
from kmslab.lab.view import View
from kmslab.testing import aws_environment

COMMAND_TIMEOUT = 60  # seconds
NO_AWS_SETTINGS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PAGER": "",  # the CLI would show its output page by page and wait
}
NO_CLI = (
    "The AWS CLI is not installed on this computer, so the command was not run. "
    "You miss nothing: boto3 makes the same call."
)
NO_SDK = (
    "The AWS Encryption SDK is not installed on this computer, so it opened nothing. You miss "
    "nothing: `envelope` reads and writes the same messages."
)


@contextmanager
def endpoint(lab: Lab, person: View) -> Iterator[str]:
    """`with endpoint(lab, jiho):` serves the lab meanwhile, and signs this process in as Jiho.

    Programs that read AWS's environment variables, as `boto3.client("kms")` does, find the lab.
    Yields the address. Needs `kmslab[serve]`.
    """
    from kmslab.endpoint.server import running

    own = NO_AWS_SETTINGS | person.access_key().environment
    with running(lab) as served, aws_environment(served.environment | own):
        yield served.url


def aws(command: str, **files: bytes) -> str:
    """What the AWS CLI prints inside `with endpoint(…):`, if this computer has it.

    `files` are written to the folder where it runs, so that `blob=…` is its `fileb://blob`.
    """
    url, program = os.environ.get("AWS_ENDPOINT_URL_KMS"), shutil.which("aws")
    if url is None:
        raise ValueError("call `aws` inside `with course.endpoint(lab, …):`")
    if program is None:
        return NO_CLI
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        # Old versions ignore AWS_ENDPOINT_URL_KMS and would call AWS: so the option is given too.
        arguments = [program, *shlex.split(command), "--endpoint-url", url]
        done = subprocess.run(
            arguments, cwd=folder, capture_output=True, text=True, timeout=COMMAND_TIMEOUT
        )
    return (done.stdout or done.stderr).strip()


def aws_sdk_opens(message: bytes, key: str) -> str:
    """What the AWS Encryption SDK finds in a message, inside `with endpoint(…):`, if it is here.

    `key`: the ARN of the KMS key that has to have encrypted the message's data key.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the SDK's own, about its older interface
            sdk = import_module("aws_encryption_sdk")
            providers = import_module("aws_encryption_sdk.key_providers.kms")
            keys = providers.StrictAwsKmsMasterKeyProvider(key_ids=[key])
            opened, _ = sdk.EncryptionSDKClient().decrypt(source=message, key_provider=keys)
    except ModuleNotFoundError:
        return NO_SDK
    return str(opened.decode())
