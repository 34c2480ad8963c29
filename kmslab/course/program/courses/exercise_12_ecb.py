"""12-ecb: find everybody with the same diagnosis in a table that was sealed with ECB."""

from collections.abc import Mapping

DIAGNOSIS = slice(16, 32)  # the second block


def same_diagnosis(rows: Mapping[str, bytes], number: str) -> list[str]:
    return [each for each in rows if rows[each][DIAGNOSIS] == rows[number][DIAGNOSIS]]
