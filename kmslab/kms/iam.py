"""IAM, as much of it as a KMS needs: users and roles, what their policies say, their access keys.

It is the lab's own, beside the service: on AWS these are calls to another service. A policy is
judged when it is written, so that a call never fails for a policy that cannot be read.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kmslab.kms.access import identity_policy
from kmslab.kms.arn import role_arn, user_arn
from kmslab.kms.backing.access_keys import AccessKeys
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import Principal
from kmslab.kms.store import Store

Policy = Mapping[str, Any] | str | None
NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


class Iam:
    """The users and roles of all accounts of a lab."""

    def __init__(self, store: Store, hsm: Hsm, now: Callable[[], datetime]) -> None:
        self.access_keys = AccessKeys(store, hsm, now)
        self._store = store
        self._now = now

    def user(self, account: str, name: str, policy: Policy = None) -> str:
        """The ARN of a user, who is made if he is not there. A policy replaces the one he has."""
        return self._put(user_arn(account, user_name(name)), policy)

    def role(self, account: str, name: str, policy: Policy = None) -> str:
        """The same of a role."""
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
    """The same of an account."""
    if not re.fullmatch(r"\d{12}", number, re.ASCII):
        raise ValueError(f"{number!r} is no account number: it has 12 digits")
    return number


def region_name(name: str) -> str:
    """The same of a Region."""
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", name, re.ASCII):
        raise ValueError(f"{name!r} is no Region: one looks like us-east-1")
    return name


def session_name(name: str) -> str:
    """The name as it came, if a role's session may have it."""
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
        raise ValueError(f"{name!r} is no session name: 2 to 64 letters, digits or _+=,.@-")
    return name


def user_name(name: str) -> str:
    """The name as it came, if a user or a role may have it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no user name: 1 to 64 letters, digits or _+=,.@-")
    return name
