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
from kmslab.kms.access import check_identity_policy
from kmslab.kms.arn import AWS, Arn, role_arn, user_arn
from kmslab.kms.backing.access_keys import AccessKeys
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import Principal

Policy = Mapping[str, Any] | str | None
NAME = re.compile(r"((?!\.+/)[\w+=,.@-]+/)*[\w+=,.@-]{1,64}", re.ASCII)
MAX_PATH = 510  # characters, without the slash in front and behind


class Iam:
    """The users and roles of all accounts of a lab."""

    def __init__(self, store: "stores.Store", hsm: Hsm, now: Callable[[], datetime]) -> None:
        self.access_keys = AccessKeys(store, hsm, now)
        self._store = store
        self._now = now

    def user(self, account: str, name: str, policy: Policy = None) -> str:
        """A user's ARN. The user is created if needed; `policy` replaces an existing policy.

        `name`: with its path, if it has one. An existing user is found without it.
        """
        return self._put(user_arn(account, user_name(name)), policy)

    def role(self, account: str, name: str, policy: Policy = None) -> str:
        """A role's ARN. The role is created if needed; `policy` replaces an existing policy."""
        return self._put(role_arn(account, user_name(name)), policy)

    def _put(self, arn: str, policy: Policy) -> str:
        text = None if policy is None else _written(policy)
        new = new_principal(arn, "", self._now())

        def stage(change: Change) -> str:
            found = change.get(Principal, new.arn)
            if found and new.path not in ("", found.path):
                raise ValueError(f"{found.full_arn(AWS)} has this name already: choose another")
            wanted = found or new
            wanted = replace(wanted, policy=wanted.policy if text is None else text)
            if wanted != found:
                change.put(wanted)
            return wanted.full_arn(AWS)

        return apply(self._store, stage)


def new_principal(arn: str, policy: str, now: datetime) -> Principal:
    """The record of a user or role from its ARN, which may have a path."""
    named = Arn.parse(arn)
    path = named.name.removesuffix(named.friendly_name)
    return Principal(arn=str(named.record_name), path=path, policy=policy, created=now)


def _written(policy: Mapping[str, Any] | str) -> str:
    text = policy if isinstance(policy, str) else json.dumps(policy, ensure_ascii=False)
    return check_identity_policy(text)


def account_number(number: str) -> str:
    """The number itself. Raises ValueError unless an account can have it."""
    if not re.fullmatch(r"\d{12}", number, re.ASCII):
        raise ValueError(f"{number!r} is not an account number: it has 12 digits")
    return number


def region_name(name: str) -> str:
    """The name itself. Raises ValueError unless a Region can have it."""
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", name, re.ASCII):
        raise ValueError(f"{name!r} is not a Region: one looks like us-east-1")
    return name


def session_name(name: str) -> str:
    """The name itself. Raises ValueError unless a role's session can have it."""
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
        raise ValueError(f"{name!r} is not a session name: 2 to 64 letters, digits or _+=,.@-")
    return name


def user_name(name: str) -> str:
    """The name itself, perhaps with a path. Raises ValueError unless a user or role can have it."""
    if not NAME.fullmatch(name) or len(name.rpartition("/")[0]) > MAX_PATH:
        raise ValueError(f"{name!r} is not a user name: 1 to 64 letters, digits or _+=,.@-")
    return name
