"""Disable and enable all of a lab's keys: a check does not know which one the learner chose."""

from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab


def disable(lab: Lab, *, but: CMK | None = None) -> None:
    """Disable every key that is enabled; `but` one, which shows whether that one is enough."""
    for key in _keys(lab, KeyState.ENABLED):
        if key != but:
            key.disable()


def enable(lab: Lab) -> None:
    """Enable every key that is disabled."""
    for key in _keys(lab, KeyState.DISABLED):
        key.enable()


def _keys(lab: Lab, state: KeyState) -> list[CMK]:
    every = (lab.cmk(listed["KeyArn"]) for listed in lab.kms.list_keys()["Keys"])
    return [key for key in every if key.state is state]
