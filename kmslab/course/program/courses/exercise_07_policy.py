"""07-policy: a key policy with which Sora decides, Jiho's program reads, and Mina administers."""

from typing import Any

from kmslab.course import let
from kmslab.lab.view import View


def policy(sora: View, jiho: View, mina: View) -> list[dict[str, Any]]:
    return [
        let(sora, "kms:*"),
        let(jiho, "kms:Encrypt", "kms:Decrypt"),
        let(mina, "kms:Describe*", "kms:Enable*", "kms:Disable*"),
    ]
