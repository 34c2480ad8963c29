"""May this caller do that, and why? Asked beforehand: nothing is done, and nothing is logged.

It is judged as on the road, by THE TABLE's roles. What a blob would name is named by hand here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from kmslab import access
from kmslab.contract.records import Caller, Reader
from kmslab.names import everything, key_in
from kmslab.table import TABLE, Role

# THE TABLE's roles by the permission that they ask for.
ROLES: Mapping[str, Role] = {
    f"kms:{role.permission or row.name}": role
    for row in TABLE.values()
    for role in row.roles
    if role.permission is not None
}
KEY = "KeyId"


def inquire(
    action: str, caller: Caller, request: Mapping[str, Any], now: datetime, records: Reader
) -> access.Explanation:
    """The answer to `action`, such as `kms:Decrypt`, with all that it stands on.

    `request`: AWS's members; `KeyId` names the key, by id, ARN or alias, and is left out where no
    key is meant. Raises ValueError for an unknown action, NotFoundException for an unknown key.
    """
    role = ROLES.get(action) or _refuse(action)
    defaults = {role.usage.algorithm: role.usage.default} if role.usage else {}
    find = key_in(KEY, aliases=True) if KEY in request else everything
    found = find(records, caller, request) or everything(records, caller, request)
    question = access.Question(
        caller=caller,
        operation=action.removeprefix("kms:"),
        resource=found.arn,
        record=found.record,
        request=defaults | dict(request),
        now=now,
        records=records,
        foreign=role.foreign,
    )
    return access.explain(question)


def _refuse(action: str) -> NoReturn:
    raise ValueError(f"{action!r} is no permission of AWS KMS: one looks like kms:Decrypt")
