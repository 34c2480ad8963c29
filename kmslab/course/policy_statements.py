"""One statement of a key policy, written for a person: a policy is a list of them."""

from typing import Any

from kmslab.lab.view import View


def let(who: View, *actions: str) -> dict[str, Any]:
    """Allow this caller these actions, such as `kms:Decrypt`, on the key that the policy is of.

    The lab's own caller is the account: naming it opens the key to the account's IAM policies.
    """
    if not isinstance(who, View):
        raise TypeError("`let` wants the person (sora), not a name in quotes")
    if not all(isinstance(action, str) for action in actions):
        raise TypeError("write the actions one after the other: let(jiho, *actions)")
    return {
        "Effect": "Allow",
        "Principal": {"AWS": who.caller.principal},
        "Action": [*actions],
        "Resource": "*",
    }
