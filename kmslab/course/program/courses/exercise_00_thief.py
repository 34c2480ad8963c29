"""00-thief: open what lies on a stolen laptop with nothing but its files."""

from collections.abc import Mapping

from kmslab.course import unlock


def thief(files: Mapping[str, bytes]) -> bytes:
    return unlock(files["R-017.sealed"], files["key.bin"])
