"""CiphertextForRecipient: a reader of the standard and OpenSSL open it, and no other key does."""

import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from kmslab.crypto import Forged, Malformed, ber, cms, pyca
from tests.cases import for_every
from tests.crypto import rfc5652
from tests.crypto.conftest import KeyOf

# What AWS's messages are made of, byte by byte; <…> is what varies. For a key of 2048 bits and a
# content of 32 to 47 bytes.
AWS = """
    30 80 06 09 2a864886f70d010703 a0 80 30 80 02 01 02
    31 82016b 30 820167 02 01 02 80 20 <32>
    30 3c 06 09 2a864886f70d010107 30 2f
      a0 0f 30 0d 06 09 608648016503040201 05 00
      a1 1c 30 1a 06 09 2a864886f70d010108 30 0d 06 09 608648016503040201 05 00
    04 820100 <256>
    30 80 06 09 2a864886f70d010701 30 1d 06 09 60864801650304012a 04 10 <16>
    a0 80 04 30 <48> 0000 0000 0000 0000 0000
"""
SIZES = [1, 15, 16, 32, 984, 999, 1000, 4096]


@pytest.fixture(scope="session")
def private(key_of: KeyOf) -> bytes:
    return key_of("RSA_2048")


@pytest.fixture(scope="session")
def public(private: bytes) -> bytes:
    return pyca.public_key(private)


def loaded(private: bytes) -> Any:
    return load_der_private_key(private, None)


@for_every("size", SIZES)
def test_a_reader_of_the_standard_opens_what_is_sealed(
    private: bytes, public: bytes, size: int
) -> None:
    content = bytes(range(256)) * 16
    sealed = cms.seal(public, content[:size])
    assert rfc5652.opened(sealed, loaded(private)) == content[:size]
    assert cms.unseal(private, sealed) == content[:size]


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
@pytest.mark.parametrize("size", [32, 4096])
def test_openssl_opens_what_is_sealed(
    private: bytes, public: bytes, size: int, tmp_path: Path
) -> None:
    pem = loaded(private).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", "key.pem"]
    sealed = cms.seal(public, b"x" * size)
    done = subprocess.run(command, input=sealed, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b"x" * size


def test_each_byte_that_does_not_vary_is_awss(public: bytes) -> None:
    form = re.sub(
        r"<(\d+)>", lambda size: f"([0-9a-f]{{{2 * int(size[1])}}})", "".join(AWS.split())
    )
    found = re.fullmatch(form, cms.seal(public, b"x" * 32).hex())
    assert found
    assert found[1] == sha256(public).hexdigest()


def test_long_content_is_cut_into_chunks(public: bytes) -> None:
    [(_, [_, (_, [(_, [*_, (_, encrypted)])])])] = rfc5652.parsed(cms.seal(public, b"x" * 2500))
    assert [len(chunk) for _, chunk in encrypted[2][1]] == [1000, 1000, 512]


def test_no_two_messages_share_a_key_an_iv_or_a_ciphertext(public: bytes) -> None:
    first, second = (cms._parts(cms.seal(public, b"x" * 32)) for _ in range(2))
    assert not set(first) & set(second)


def test_another_key_opens_nothing(stranger_of: KeyOf, public: bytes) -> None:
    with pytest.raises(Forged):
        cms.unseal(stranger_of("RSA_2048"), cms.seal(public, b"x" * 32))


def test_message_with_changed_padding_or_key_is_refused(private: bytes, public: bytes) -> None:
    sealed = cms.seal(public, b"x" * 15)  # one byte of padding: the last bit of the IV's last byte
    at = sealed.index(cms._parts(sealed)[1]) + 15
    for place in (at, sealed.index(cms._parts(sealed)[0])):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(Forged):
            cms.unseal(private, changed)


def test_whatever_is_cut_off_or_appended_is_refused(private: bytes, public: bytes) -> None:
    sealed = cms.seal(public, b"x" * 32)
    for wrong in (*[sealed[:end] for end in range(len(sealed))], sealed + b"\0", b"\0\0" + sealed):
        with pytest.raises(Malformed):
            cms.unseal(private, wrong)


def test_other_structures_are_refused(private: bytes, public: bytes) -> None:
    sealed = bytes(cms.seal(public, b"x" * 32))
    changes = {
        "another type of content": (cms.Oid.ENVELOPED_DATA, cms.Oid.DATA),
        "another cipher": (cms.Oid.AES_256_CBC, cms.Oid.SHA256),
        "another hash": (b"\xa0\x0f\x30\x0d" + b"\x06\x09" + cms.Oid.SHA256, b"\xa0\x0f\x30\x0d"
                         + b"\x06\x09" + cms.Oid.MGF1),
        "another version": (b"\x30\x80\x02\x01\x02", b"\x30\x80\x02\x01\x00"),
        "a chunk that is not bytes": (b"\xa0\x80\x04\x30", b"\xa0\x80\x0c\x30"),
    }  # fmt: skip
    for what, (old, new) in changes.items():
        assert old in sealed, what
        with pytest.raises(Malformed):
            cms.unseal(private, sealed.replace(old, new, 1))


@for_every("written", ["30", "3081", "308300", "3084ffffffff", "1f0100", "30" + "80" * 9])
def test_broken_ber_is_refused(written: str) -> None:
    with pytest.raises(Malformed):
        ber.read(bytes.fromhex(written))


def test_deep_ber_is_refused_however_deep() -> None:
    with pytest.raises(Malformed):
        ber.read(b"\x30\x80" * 100_000)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        ber.read(data)
    except Malformed:
        return
    assert rfc5652.parsed(data)
