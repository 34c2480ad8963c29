"""Grant tokens: opaque texts that name a grant, each different. A token gives no permission.

A caller that sends one says which grant it means; the decision is the same without it.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from kmslab.kms.arn import is_arn

NONCE = 16  # bytes, so that two tokens of one grant differ


def write(handle: str) -> str:
    """A new token for the grant with this handle."""
    return urlsafe_b64encode(secrets.token_bytes(NONCE) + handle.encode()).decode()


def read(token: str) -> str | None:
    """The handle of the grant that a token names; None if the text is not a grant token."""
    try:
        opened = urlsafe_b64decode(token)
        handle = opened[NONCE:].decode()
    except ValueError:
        return None
    # Encoded again, because the decoder skips every character that is not base64.
    if urlsafe_b64encode(opened).decode() != token or not is_arn(handle):
        return None
    return handle
