"""`kmslab encrypt` and `decrypt` on one side, AWS's SDK and its command on the other."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.outside import ROOT, Outside

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]  # the SDK's own

LETTER = bytes(range(256)) * 40  # three of the SDK's frames
OLD = ("--commitment-policy", "forbid-encrypt-allow-decrypt")
READ = ("--commitment-policy", "require-encrypt-allow-decrypt")
SUITES = [(0x0578, ()), (0x0478, ()), (0x0378, OLD), (0x0178, OLD), (0x0014, OLD)]
CONTEXT = {"album": "여름", "year": "2026"}
PAIRS = [word for pair in CONTEXT.items() for word in ("--context", "=".join(pair))]


@pytest.fixture(scope="module")
def orders(lab):
    return lab.create_cmk("orders")


@pytest.fixture
def kmslab(outside: Outside) -> Any:
    """The command in the home folder, which finds the endpoint in its environment."""

    def run(*words: str | Path) -> None:
        machine = outside.knowing(PYTHONPATH=str(ROOT), PYTHONUTF8="1")
        done = machine.run(sys.executable, "-m", "kmslab", *words)
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.parametrize(("suite", "policy"), SUITES, ids=lambda value: str(value)[:8])
def test_the_sdk_opens_what_the_command_writes_and_the_other_way(
    kmslab: Any, outside: Outside, lab, orders, suite: int, policy: tuple[str, ...]
) -> None:
    from tests.envelope import sdk

    provider = sdk.kms(lab.boto3(), orders.arn)
    (outside.home / "letter").write_bytes(LETTER)
    words = ("letter", "--key", "alias/orders", *PAIRS, "--suite", hex(suite), *policy)
    kmslab("encrypt", *words, "--frame-length", "4096", "--overwrite")
    plaintext, context = sdk.decrypt((outside.home / "letter.encrypted").read_bytes(), provider)
    assert plaintext == LETTER
    assert context.items() >= CONTEXT.items()
    theirs = sdk.encrypt(LETTER, provider, CONTEXT, suite, 4096)
    (outside.home / "theirs.encrypted").write_bytes(theirs)
    back = ("theirs.encrypted", "--key", orders.arn, *PAIRS, *READ, "--overwrite")
    kmslab("decrypt", *back)
    assert (outside.home / "theirs").read_bytes() == LETTER


def test_folders_go_to_awss_command_and_back(
    kmslab: Any, outside: Outside, programs: Path, orders
) -> None:
    """Both write FILE.encrypted and mirror the folder, so each finds what the other wrote."""
    files = {"a": LETTER, "in/b": b"", "in/deep/c": LETTER[:5000]}
    for name, content in files.items():
        path = outside.home / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for folder in ("ours", "sealed by them", "by them", "by us"):
        (outside.home / folder).mkdir()
    key = ("--wrapping-keys", "provider=aws-kms", f"key={orders.arn}")

    def aws(*words: str) -> list[Any]:
        told = ("--recursive", "--metadata-output", "-", "--encryption-context", "k=v")
        done = outside.run(programs / "aws-encryption-cli", *words, *key, *told)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    kmslab("encrypt", "top", "-r", "--key", orders.arn, "--context", "k=v", "--output", "ours")
    assert len(aws("--encrypt", "--input", "top", "--output", "sealed by them")) == 3
    assert _files(outside.home / "ours") == _files(outside.home / "sealed by them")
    aws("--decrypt", "--input", "ours", "--output", "by them")
    kmslab(
        "decrypt", "sealed by them", "-r", "--key", orders.arn, "--context", "k=v", "-o", "by us"
    )
    for name, content in files.items():
        assert (outside.home / f"by them/{name}.encrypted.decrypted").read_bytes() == content
        assert (outside.home / "by us" / name).read_bytes() == content


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
