"""05-back-to-work: enable a key that is disabled or waits for its deletion."""

from kmslab import CMK


def back_to_work(key: CMK) -> str:
    found = key.state
    if found == "PendingDeletion":
        key.cancel_deletion()
    key.enable()
    return found
