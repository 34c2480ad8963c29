"""How long something is, as a picture may say it: a length that differs each time, at its most.

An ECDSA signature in DER is as long as its two numbers happen to be. A picture that states one
day's length would be wrong on the next, so it states the length that none can exceed.
"""

# Bytes of a curve's numbers → the longest signature: SEQUENCE {INTEGER r, INTEGER s} (RFC 3279
# §2.2.3), each number with a zero byte before it where its first bit is set.
LONGEST = {32: 72, 48: 104, 66: 139}


class AtMost(int):
    """The longest that it can be."""


def size(content: bytes | bytearray) -> int:
    """The number of bytes; of an ECDSA signature in DER the most that its curve allows."""
    widest = max(_two_numbers(content), default=0) - 1
    longest = [most for numbers, most in LONGEST.items() if 0 < widest <= numbers]
    return AtMost(longest[0]) if longest else len(content)


def _two_numbers(content: bytes | bytearray) -> list[int]:
    """The lengths of two INTEGERs in a SEQUENCE that holds nothing else; [] of anything else."""
    if content[:1] != b"\x30":
        return []
    rest = content[3 if content[1:2] == b"\x81" else 2 :]
    first = rest[1] if rest[:1] == b"\x02" and len(rest) > 1 else 0
    second = rest[2 + first :]
    whole = second[:1] == b"\x02" and len(second) > 1 and len(second) == 2 + second[1]
    return [first, second[1]] if whole else []
