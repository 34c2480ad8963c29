"""03-swap: make a patient look healthy in a table of blobs, without opening one."""


def look_healthy(table: dict[str, bytes], number: str) -> dict[str, bytes]:
    table[number] = min(table.values(), key=len)
    return table
