"""07-lend: one record for one person, by a grant, and taken back."""

from kmslab import CMK
from kmslab.lab.view import View


def lend(key: CMK, person: View, number: str) -> str:
    return key.grant(person.caller.principal, "Decrypt", context={"record": number})


def take_back(key: CMK, lent: str) -> None:
    key.revoke(lent)
