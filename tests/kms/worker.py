"""A process of test_processes.py: it opens a lab in a file, prints "ready", waits for a line, acts.

python worker.py TASK URL ARGUMENT…; what the task returns is printed as JSON. It never closes the
lab: a normal exit must lose nothing.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from kmslab import Lab
from kmslab.errors import DisabledException, KMSError


def wait_for_go() -> None:
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()


def schedule_all(lab: Lab) -> list[str]:
    """Try to schedule every key's deletion; returns the keys for which this process was first."""
    keys = [key["KeyArn"] for key in lab.kms.list_keys(Limit=1000)["Keys"]]
    won = []
    wait_for_go()
    for key in keys:
        try:
            lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
            won.append(key)
        except KMSError as error:
            if error.code != "KMSInvalidStateException":
                raise
    return won


def make_aliases(lab: Lab, key: str, name: str, count: str) -> None:
    wait_for_go()
    for number in range(int(count)):
        lab.kms.create_alias(AliasName=f"alias/{name}-{number}", TargetKeyId=key)
        lab.kms.update_key_description(KeyId=key, Description=f"{name} {number}")


def encrypt_until_refused(lab: Lab, key: str) -> str:
    lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    print("ready", flush=True)  # noqa: T201
    while True:
        try:
            lab.kms.encrypt(KeyId=key, Plaintext=b"x")
        except DisabledException:
            return "refused"
        time.sleep(0.01)


def settle(lab: Lab) -> None:
    wait_for_go()
    lab.kms.list_keys()


def generate(lab: Lab, key: str, count: str, ending: str) -> None:
    wait_for_go()
    for _ in range(int(count)):
        lab.kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    if ending == "exit":
        sys.exit(0)
    if ending == "error":
        raise ZeroDivisionError


def create(lab: Lab) -> str:
    """`lab` is opened only after the start: this task tries the opening itself."""
    cmk = lab.create_cmk()
    assert lab.decrypt(cmk.encrypt(b"x")) == b"x"
    return cmk.arn


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (schedule_all, make_aliases, encrypt_until_refused, settle, generate, create)
}

if __name__ == "__main__":
    name, url, *arguments = sys.argv[1:]
    if name == "create":
        wait_for_go()
    print(json.dumps(TASKS[name](Lab(store=url), *arguments)), flush=True)  # noqa: T201
