"""One statement of a key policy, written for a person: a policy is a list of them."""

from typing import Any

from kmslab.view import View


def let(who: View, *actions: str) -> dict[str, Any]:
    """Allow this caller these actions, such as `kms:Decrypt`, on the key that the policy is of.

    The lab's own caller is the account: naming it opens the key to the account's IAM policies.
    """
    return {
        "Effect": "Allow",
        "Principal": {"AWS": who.caller.principal},
        "Action": [*actions],
        "Resource": "*",
    }
