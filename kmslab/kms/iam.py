"""IAM, as far as a KMS needs it: users and roles, with their policies and access keys.

On AWS, IAM is another service, so nothing here is an operation of KMS. Rule: a policy is checked
when it is written, so that no call fails because a policy cannot be read.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kmslab.kms import store as stores
from kmslab.kms.access import identity_policy
from kmslab.kms.arn import role_arn, user_arn
from kmslab.kms.backing.access_keys import AccessKeys
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import Principal

Policy = Mapping[str, Any] | str | None
NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


class Iam:
    """The users and roles of all accounts of a lab."""

    def __init__(self, store: "stores.Store", hsm: Hsm, now: Callable[[], datetime]) -> None:
        self.access_keys = AccessKeys(store, hsm, now)
        self._store = store
        self._now = now

    def user(self, account: str, name: str, policy: Policy = None) -> str:
        """A user's ARN. The user is created if needed; `policy` replaces an existing policy."""
        return self._put(user_arn(account, user_name(name)), policy)

    def role(self, account: str, name: str, policy: Policy = None) -> str:
        """A role's ARN. The role is created if needed; `policy` replaces an existing policy."""
        return self._put(role_arn(account, user_name(name)), policy)

    def _put(self, arn: str, policy: Policy) -> str:
        text = None if policy is None else _written(policy)

        def stage(change: Change) -> None:
            found = change.get(Principal, arn)
            wanted = found or Principal(arn=arn, policy="", created=self._now())
            wanted = replace(wanted, policy=wanted.policy if text is None else text)
            if wanted != found:
                change.put(wanted)

        apply(self._store, stage)
        return arn


def _written(policy: Mapping[str, Any] | str) -> str:
    text = policy if isinstance(policy, str) else json.dumps(policy, ensure_ascii=False)
    identity_policy(text)
    return text


def account_number(number: str) -> str:
    """The number itself. Raises ValueError unless an account can have it."""
    if not re.fullmatch(r"\d{12}", number, re.ASCII):
        raise ValueError(f"{number!r} is not an account number: it has 12 digits")
    return number


def region_name(name: str) -> str:
    """The name itself. Raises ValueError unless a Region can have it."""
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", name, re.ASCII):
        raise ValueError(f"{name!r} is not a Region: one looks like us-east-1")
    return name


def session_name(name: str) -> str:
    """The name itself. Raises ValueError unless a role's session can have it."""
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
        raise ValueError(f"{name!r} is not a session name: 2 to 64 letters, digits or _+=,.@-")
    return name


def user_name(name: str) -> str:
    """The name itself. Raises ValueError unless a user or a role can have it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a user name: 1 to 64 letters, digits or _+=,.@-")
    return name
