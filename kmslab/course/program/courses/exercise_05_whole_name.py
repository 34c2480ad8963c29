"""05-whole-name: the name of a key that leads to it from each account, and on each day."""

from kmslab.lab.view import View


def whole_name(lab: View, name: str) -> str:
    return lab.cmk(name).arn
