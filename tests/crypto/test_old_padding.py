"""PKCS#1 v1.5 opens what RSA Laboratories published, and never says that a padding is wrong."""

import re
from functools import cache

import pytest

from kmslab.crypto import Forged, SecretBytes
from kmslab.crypto.old_padding import decrypt_pkcs1_v1_5
from tests.crypto.published import PUBLISHED, numbers, rsa_private, unhex


@cache
def published() -> list[tuple[bytes, bytes, bytes]]:
    """Private key, message, ciphertext."""
    text = PUBLISHED.joinpath("asymmetric/RSA/pkcs1v15crypt-vectors.txt").read_text("ascii")
    seen: dict[str, str] = {}
    found = []
    for name, value in re.findall(
        r"^# ?(\w[^:\n]*?) ?: *\n((?:[0-9a-f ]+\n)+)", text, re.MULTILINE
    ):
        seen[name] = re.sub(r"\s", "", value)
        if name == "Encryption":
            p, q, d, e = numbers(seen, "Prime 1", "Prime 2", "Exponent", "Public exponent")
            message, ciphertext = unhex(seen, "Message", "Encryption")
            found.append((rsa_private(p, q, d, e), message, ciphertext))
    return found


def test_it_decrypts_what_was_published() -> None:
    cases = published()
    assert len(cases) == 300
    for private, message, ciphertext in cases[::10]:
        opened = decrypt_pkcs1_v1_5(private, ciphertext)
        assert opened == message
        assert type(opened) is SecretBytes


def test_a_wrong_padding_gives_a_wrong_secret_and_always_the_same() -> None:
    private, message, ciphertext = published()[-1]
    for place in (5, 100, 255):
        altered = bytearray(ciphertext)
        altered[place] ^= 1
        one, other = (decrypt_pkcs1_v1_5(private, bytes(altered)) for _ in range(2))
        assert one == other != message


def test_a_ciphertext_of_another_length_is_refused() -> None:
    private, _, ciphertext = published()[-1]
    for wrong in (b"", ciphertext[:-1], ciphertext + b"\0"):
        with pytest.raises(Forged):
            decrypt_pkcs1_v1_5(private, wrong)
