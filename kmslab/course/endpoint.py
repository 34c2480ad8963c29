"""The lab as other programs find it: at an address, for boto3 and the AWS CLI, unchanged.

`kmslab serve` does in a terminal what `endpoint` does in a notebook. The address is this computer's
own, so no network is needed; what the machine has set up for AWS has no say meanwhile.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from kmslab.lab.lab import Lab
from kmslab.lab.view import View
from kmslab.testing import fresh_default_session, settings

LONG = 60  # seconds for one command
ALONE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PAGER": "",  # the CLI would wait for somebody to turn the page
    "NO_PROXY": "*",
}
NO_CLI = (
    "The AWS CLI is not installed on this computer, so nobody has typed that. "
    "Nothing is lost: boto3 asks the same."
)


@contextmanager
def endpoint(lab: Lab, who: View) -> Iterator[str]:
    """`with endpoint(lab, jiho):` serves the lab meanwhile, and signs this process in as Jiho.

    Everything of AWS's that asks its environment, as `boto3.client("kms")` does, finds the lab. The
    address is handed out. Needs `kmslab[serve]`.
    """
    from kmslab.endpoint.server import running

    key = who.access_key()
    signed_in = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret.decode()}
    with running(lab) as served, patch.dict(os.environ, ALONE):
        for name, value in settings({**served.environment, **signed_in}).items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        with fresh_default_session():
            yield served.url


def aws(command: str, **files: bytes) -> str:
    """What the AWS CLI prints inside `with endpoint(…):`, if this computer has it.

    `files` lie where it runs, so that `blob=…` can be named as `fileb://blob`.
    """
    url, program = os.environ.get("AWS_ENDPOINT_URL_KMS"), shutil.which("aws")
    if url is None:
        raise ValueError("aws asks the lab inside `with course.endpoint(lab, …):` only")
    if program is None:
        return NO_CLI
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        # An old CLI knows no variable for it, and would ask AWS: so the address is said in words.
        words = [program, *shlex.split(command), "--endpoint-url", url]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LONG)
    return (done.stdout or done.stderr).strip()
