"""Records and events for the store's tests, and programs that run in processes of their own."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kmslab.kms.contract.events import Event
from kmslab.kms.contract.key_stores import KeyStore, StoreType
from kmslab.kms.contract.records import (
    AccessKey,
    Alias,
    DomainKey,
    Grant,
    Key,
    Material,
    Principal,
    Record,
    Setting,
)
from kmslab.kms.contract.specs import KeyUsage, Origin
from kmslab.kms.contract.states import KeyState

ROOT = Path(__file__).parents[3]
HERE = "arn:aws:kms:us-east-1:111122223333:"
NOON = datetime(2026, 1, 5, 12, 0, 0, 123_457, tzinfo=UTC)


def key(name: str = "1", **changes: Any) -> Key:
    values: dict[str, Any] = {
        "arn": f"{HERE}key/{name}",
        "spec": "SYMMETRIC_DEFAULT",
        "usage": KeyUsage.ENCRYPT_DECRYPT,
        "origin": Origin.AWS_KMS,
        "state": KeyState.ENABLED,
        "created": NOON,
        "description": "Ärzte, 열쇠 and a NUL \0 too",
        "policy": '{"Version": "2012-10-17"}',
        "material": "m" * 32,
    }
    return Key(**(values | changes))


def alias(name: str, target: str = "1") -> Alias:
    return Alias(
        arn=f"{HERE}alias/{name}", target=f"{HERE}key/{target}", created=NOON, updated=NOON
    )


def material(handle: str, owner: str = "1") -> Material:
    return Material(
        spec="SYMMETRIC_DEFAULT",
        handle=handle,
        key=f"{HERE}key/{owner}",
        domain="d",
        sealed=bytes(range(256)),
        created=NOON,
    )


def domain_key(name: str, region: str = "us-east-1") -> DomainKey:
    return DomainKey(id=name, region=region, wrapped=b"\0\xff", created=NOON)


def setting(value: str, name: str = "number") -> Setting:
    return Setting(name=name, value=value)


ONE_OF_EACH: list[Record] = [
    key(deletion_date=NOON, due=NOON, lacks_material=True, pending_expires=NOON),
    material("us-east-1/aa"),
    domain_key("d"),
    alias("orders"),
    Principal(arn="arn:aws:iam::111122223333:user/alice", policy="{}", created=NOON),
    AccessKey(id="AKIA1", principal="arn:aws:iam::111122223333:root", sealed=b"\1", created=NOON),
    Grant(
        handle=f"{HERE}key/1/aa",
        key=f"{HERE}key/1",
        grantee="arn:aws:iam::111122223333:user/alice",
        operations=("Decrypt", "Encrypt"),
        constraints={"EncryptionContextSubset": {"방": "7"}},
        issuer="arn:aws:iam::111122223333:root",
        created=NOON,
    ),
    KeyStore(
        handle="111122223333/us-east-1/cks-1",
        name="vault",
        type=StoreType.EXTERNAL_KEY_STORE,
        created=NOON,
        ready=NOON,
        sealed=b"\1",
    ),
    setting("17"),
]


def event(number: int = 0, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "time": NOON,
        "operation": "Encrypt",
        "principal": "arn:aws:iam::111122223333:root",
        "account": "111122223333",
        "region": "us-east-1",
        "request_id": str(number),
    }
    return Event(**(values | changes))


def start(program: str, *arguments: object) -> "subprocess.Popen[str]":
    """The program in another process, which has imported this module's names."""
    preface = "import sys\nfrom tests.kms.store.samples import *\nfrom kmslab.kms.store import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", preface + program, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: "subprocess.Popen[str]") -> str:
    """The output of a program that must succeed. If it hangs, it is killed with its children."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        raise
    assert process.returncode == 0, err
    assert not err, err
    return out
