"""02-note: open what the workshop's commands sealed, without its data key."""

from kmslab.course import openssl


def read_anyway(note: str, sealed: bytes) -> bytes:
    return openssl(note.replace("-e", "-d"), sealed)
