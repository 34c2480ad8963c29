"""06-sheets: import a key's own material again, from sheets some of which are other keys'."""

from collections.abc import Iterable

from kmslab import CMK
from kmslab.errors import IncorrectKeyMaterialException


def bring_back(key: CMK, sheets: Iterable[bytes]) -> int:
    fitted = 0
    for sheet in sheets:
        try:
            key.import_material(sheet)
        except IncorrectKeyMaterialException:
            continue
        fitted += 1
    return fitted
