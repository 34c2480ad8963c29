"""Grant tokens: opaque names of grants, each different from the last. They are not secret.

Whoever holds one may say which grant is meant, and is judged as without it.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from kmslab.kms.arn import is_arn

NONCE = 16  # bytes: two tokens of one grant differ


def write(handle: str) -> str:
    """A new token of the grant with this handle."""
    return urlsafe_b64encode(secrets.token_bytes(NONCE) + handle.encode()).decode()


def read(token: str) -> str | None:
    """The handle of the grant that a token names; None if it is no token."""
    try:
        opened = urlsafe_b64decode(token)
        handle = opened[NONCE:].decode()
    except ValueError:
        return None
    # Written again, because the decoder passes over every character that is not base64.
    if urlsafe_b64encode(opened).decode() != token or not is_arn(handle):
        return None
    return handle
