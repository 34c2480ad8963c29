"""One statement of a key policy, written for a person: a policy is a list of them."""

from typing import Any

from kmslab.lab.view import View


def let(person: View, *actions: str) -> dict[str, Any]:
    """Allow this person these actions, such as `kms:Decrypt`, on the key that has the policy.

    The lab's own caller is the account: naming it opens the key to the account's IAM policies.
    """
    if not isinstance(person, View):
        raise TypeError("`let` takes a person (sora), not a name in quotes")
    if not all(isinstance(action, str) for action in actions):
        raise TypeError("write the actions one after the other: let(jiho, *actions)")
    return {
        "Effect": "Allow",
        "Principal": {"AWS": person.caller.principal},
        "Action": [*actions],
        "Resource": "*",
    }
