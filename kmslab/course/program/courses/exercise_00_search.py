"""00-search: find the key among the files of a stolen laptop, whatever their names are."""

from collections.abc import Mapping

from kmslab.course import unlock


def search(files: Mapping[str, bytes]) -> bytes:
    for box in files.values():
        for key in files.values():
            try:
                return unlock(box, key)
            except Exception:  # that was no key, or not the key of this box
                continue
    return b""
