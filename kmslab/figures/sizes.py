"""The size that a picture states: for a length that varies from run to run, the largest possible.

An ECDSA signature in DER is as long as its two numbers happen to be. A picture that states the
length of one signature would be wrong for the next, so it states the length that none can exceed.
"""

# Bytes of a curve's numbers → the longest signature: SEQUENCE {INTEGER r, INTEGER s} (RFC 3279
# §2.2.3), each number with a zero byte before it if its first bit is set.
LONGEST = {32: 72, 48: 104, 66: 139}


class AtMost(int):
    """A size that is the largest possible one."""


def size(content: bytes | bytearray) -> int:
    """The number of bytes; for an ECDSA signature in DER, the most that its curve allows."""
    larger = max(_integer_lengths(content), default=0) - 1
    longest = [length for number, length in LONGEST.items() if 0 < larger <= number]
    return AtMost(longest[0]) if longest else len(content)


def _integer_lengths(content: bytes | bytearray) -> list[int]:
    """The lengths of the two INTEGERs in a SEQUENCE of just these; [] for any other content."""
    if content[:1] != b"\x30":
        return []
    rest = content[3 if content[1:2] == b"\x81" else 2 :]
    first = rest[1] if rest[:1] == b"\x02" and len(rest) > 1 else 0
    second = rest[2 + first :]
    whole = second[:1] == b"\x02" and len(second) > 1 and len(second) == 2 + second[1]
    return [first, second[1]] if whole else []
