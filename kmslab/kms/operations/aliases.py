"""Aliases: friendly names that point at a key and can be moved to another one.

An alias and its key are in the same account and Region. `access` refuses a caller that names
another account's key.
"""

import re
from dataclasses import replace
from typing import Any

from kmslab.kms.arn import known_arn
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.managed_keys import MANAGED_KEYS
from kmslab.kms.contract.records import Alias, Key
from kmslab.kms.contract.specs import KEY_SPECS
from kmslab.kms.names import alias_arn
from kmslab.kms.operations.pages import page_of, stored_page

MAX_ALIASES_PER_KEY = 50  # "Resource quotas", AWS KMS developer guide
NAME = re.compile(r"alias/[a-zA-Z0-9/_-]+", re.ASCII)  # the model's pattern also allows a colon


def create(call: Call, target: Key) -> dict[str, Any]:
    name = call["AliasName"]
    arn = alias_arn(call.caller, name)
    if not NAME.fullmatch(name):
        fail("ValidationException", f"{name} contains invalid characters for an alias")
    if call.records.get(Alias, arn):
        fail("AlreadyExistsException", f"An alias with the name {arn} already exists")
    _check_number(call, target)
    call.put(Alias(arn=arn, target=target.arn, created=call.now, updated=call.now))
    return {}


def update(call: Call, alias: Alias, old: Key, target: Key) -> dict[str, Any]:
    """Ciphertext blobs of the old key still name the old key: only new calls use the new one."""
    if (KEY_SPECS[old.spec].kind, old.usage) != (KEY_SPECS[target.spec].kind, target.usage):
        fail("ValidationException", f"Alias {alias.name} can only move to a key of its key's type")
    if old.arn != target.arn:
        _check_number(call, target)
    call.put(replace(alias, target=target.arn, updated=call.now))
    return {}


def delete(call: Call, alias: Alias, target: Key) -> dict[str, Any]:
    call.remove(alias)
    return {}


def list_(call: Call, key: Key | None = None) -> dict[str, Any]:
    """The aliases of one key, or of the whole account and Region with those predefined by AWS."""
    prefix = f"{call.caller.here}alias/"
    if key is None:
        aliases, paging = stored_page(
            call, Alias, prefix, default=50, maximum=100, also=_predefined(call)
        )
    else:
        found = {alias.arn: alias for alias in call.records.find(Alias, target=key.arn)}
        aliases, paging = page_of(call, found, prefix, default=50, maximum=100)
    return {"Aliases": [_shown(alias) for alias in aliases], **paging}


def _predefined(call: Call) -> list[Alias]:
    here, now = call.caller.here, call.now
    return [Alias(arn=here + name, target="", created=now, updated=now) for name in MANAGED_KEYS]


def _shown(alias: Alias) -> dict[str, Any]:
    """Only the names of a predefined alias whose key has not been made yet."""
    names = {"AliasName": alias.name, "AliasArn": alias.arn}
    if not alias.target:
        return names
    return names | {
        "TargetKeyId": known_arn(alias.target).name,
        "CreationDate": alias.created,
        "LastUpdatedDate": alias.updated,
    }


def _check_number(call: Call, target: Key) -> None:
    """Stages the key unchanged: if two callers add the last alias at once, one counts again."""
    call.put(target)
    if len(call.records.find(Alias, target=target.arn)) >= MAX_ALIASES_PER_KEY:
        fail("LimitExceededException", f"{target.arn} already has {MAX_ALIASES_PER_KEY} aliases")
