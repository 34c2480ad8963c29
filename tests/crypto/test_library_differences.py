"""Where the two libraries differ beneath the interface: why each rule stands in our own code.

These tests ask the libraries themselves. One that fails after an upgrade is news, not a fault.
"""

import pytest
from Crypto.Cipher import AES
from Crypto.Protocol.KDF import SP800_108_Counter
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from kmslab.crypto.pycryptodome.symmetric import _prf

KEY = bytes(range(32))
NONCE = bytes(12)
PLAINTEXT = b"attack at dawn"


def test_pycryptodome_hands_out_gcm_plaintext_before_anybody_verified_it() -> None:
    forged = AESGCM(KEY).encrypt(NONCE, PLAINTEXT, None)[:-16]
    cipher = AES.new(KEY, AES.MODE_GCM, nonce=NONCE)
    assert cipher.decrypt(forged) == PLAINTEXT
    with pytest.raises(ValueError, match="MAC check failed"):
        cipher.verify(bytes(16))
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt(NONCE, forged + bytes(16), None)


def test_pycryptodome_takes_tags_of_four_bytes_and_cryptographys_aesgcm_only_sixteen() -> None:
    sealed = AESGCM(KEY).encrypt(NONCE, PLAINTEXT, None)
    ciphertext, tag = sealed[:-16], sealed[-16:]
    short = AES.new(KEY, AES.MODE_GCM, nonce=NONCE, mac_len=4)
    assert short.decrypt_and_verify(ciphertext, tag[:4]) == PLAINTEXT
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt(NONCE, ciphertext + tag[:4], None)


@pytest.mark.parametrize("length", [1, 7, 129])
def test_pycryptodome_takes_nonces_that_cryptography_refuses(length: int) -> None:
    AES.new(KEY, AES.MODE_GCM, nonce=bytes(length)).encrypt_and_digest(PLAINTEXT)
    with pytest.raises(ValueError, match="between 8 and 128 bytes"):
        AESGCM(KEY).encrypt(bytes(length), PLAINTEXT, None)


@pytest.mark.parametrize("length", [8, 11, 13, 128])
def test_both_take_nonces_that_the_lab_never_makes_and_agree(length: int) -> None:
    cipher = AES.new(KEY, AES.MODE_GCM, nonce=bytes(length))
    sealed = b"".join(cipher.encrypt_and_digest(PLAINTEXT))
    assert AESGCM(KEY).decrypt(bytes(length), sealed, None) == PLAINTEXT


def cryptographys_kdf(label: bytes, context: bytes, length: int = 32) -> bytes:
    kdf = KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=length,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    )
    return kdf.derive(KEY)


def test_cryptography_takes_labels_that_make_two_inputs_the_same_and_pycryptodome_refuses() -> None:
    assert cryptographys_kdf(b"a\0b", b"c") == cryptographys_kdf(b"a", b"b\0c")
    with pytest.raises(ValueError, match="Null byte found in label"):
        SP800_108_Counter(KEY, 32, _prf, label=b"a\0b", context=b"c")


def test_both_derive_a_key_of_no_bytes_without_complaint() -> None:
    assert cryptographys_kdf(b"a", b"", 0) == b""
    assert SP800_108_Counter(KEY, 0, _prf, label=b"a") == b""


def test_both_frame_label_and_context_alike() -> None:
    assert cryptographys_kdf(b"kmslab", b"nonce") == SP800_108_Counter(
        KEY, 32, _prf, label=b"kmslab", context=b"nonce"
    )
