"""Eleven suites in two versions of the format: each opens here and in the AWS Encryption SDK."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab import envelope
from kmslab.envelope import DataKeyCache, RawAesKeyring
from kmslab.envelope.suites import SUITES as ROWS
from tests.cases import for_every
from tests.envelope.conftest import ALL_SUITES, OLD_SUITES, READ_ALL, SIGNED, writing

RING = RawAesKeyring("clinic", "aes", bytes(range(32)))
CONTEXT = {"album": "summer", "병원": "서울"}
EACH = for_every("suite", ALL_SUITES, ids=hex)


def sealed(data: bytes, suite: int, frame_length: int = 128, context=CONTEXT) -> bytes:
    return envelope.encrypt(
        data, RING, context=context, suite=suite, frame_length=frame_length, policy=writing(suite)
    )


def test_the_table_is_the_sdks(sdk: ModuleType) -> None:
    assert {*ROWS} == {*ALL_SUITES} == {*sdk.ALGORITHMS}
    for suite in ROWS.values():
        theirs = sdk.ALGORITHMS[suite.id]
        assert suite.format.version == theirs.message_format_version
        assert suite.data_key == theirs.data_key_len
        assert suite.format.message_id == theirs.message_id_length()
        assert suite.format.commitment == theirs.algorithm_suite_data_length()
        assert suite.commits == theirs.is_committing()
        assert (suite.kdf is not None) == theirs.safe_to_cache()
        assert (suite.signature.size if suite.signature else 0) == theirs.signature_len
        assert SIGNED.get(suite.id, 0) == theirs.signature_len


@EACH
def test_the_sdk_opens_every_suite(sdk: ModuleType, suite: int) -> None:
    provider = sdk.aes("clinic", "aes", bytes(range(32)))
    for size in (0, 1, 127, 128, 129, 400):
        plaintext, context = sdk.decrypt(sealed(bytes(size), suite), provider)
        assert plaintext == bytes(size)
        assert CONTEXT.items() <= context.items()


@EACH
@pytest.mark.parametrize("frame_length", [128, 4096, 0])
def test_every_suite_of_the_sdk_opens(sdk: ModuleType, suite: int, frame_length: int) -> None:
    provider = sdk.aes("clinic", "aes", bytes(range(32)))
    for size in (0, 1, 127, 128, 129, 400):
        message = sdk.encrypt(bytes(size), provider, CONTEXT, suite, frame_length)
        opened = envelope.decrypt(message, RING, policy=READ_ALL)
        assert (opened.plaintext, opened.context) == (bytes(size), CONTEXT)
        assert (opened.header.suite.id, opened.header.frame_length) == (suite, frame_length)
        assert opened.header.encode() == message[: len(opened.header.encode())]
        assert envelope.inspect(message).problem is None
        if frame_length:
            assert len(message) == len(sealed(bytes(size), suite, frame_length))


@EACH
@given(data=st.binary(max_size=300), frame_length=st.integers(1, 310))
def test_every_encrypted_message_opens(suite: int, data: bytes, frame_length: int) -> None:
    opened = envelope.decrypt(sealed(data, suite, frame_length), RING, policy=READ_ALL)
    assert (opened.plaintext, opened.context) == (data, CONTEXT)


@EACH
def test_a_signature_has_the_length_that_its_suite_promises(suite: int) -> None:
    fields = envelope.inspect(sealed(b"photo", suite)).fields
    sizes = {field.name: field.size for field in fields}
    assert sizes.get("signature") == SIGNED.get(suite)
    assert sizes["encrypted data key"] == ROWS[suite].data_key + 16


def test_an_unframed_message_shows_its_fields(sdk: ModuleType) -> None:
    message = sdk.encrypt(bytes(40), sdk.aes("clinic", "aes", bytes(range(32))), {}, 0x0378, 0)
    view = envelope.inspect(message)
    said = {field.name: field.meaning for field in view.fields}
    assert said["content type"] == "not framed"
    assert said["length of body"] == "40"
    assert said["algorithm suite"] == (
        "0x0378: AES-256-GCM, HKDF_SHA_384, no key commitment, signed with ECDSA_SHA_384"
    )
    assert all(field.offset + field.size <= len(message) for field in view.fields)
    assert "unframed" in repr(envelope.decrypt(message, RING, policy=READ_ALL).header)


@EACH
def test_each_suite_can_be_cached_unless_a_data_key_may_encrypt_only_once(suite: int) -> None:
    """Without a KDF, two messages under one data key would have the same IVs."""
    cache = DataKeyCache(RING, max_age=60)
    messages = [
        envelope.encrypt(b"photo", cache, suite=suite, policy=writing(suite)) for _ in range(2)
    ]
    opened = [envelope.decrypt(each, cache, policy=READ_ALL) for each in messages]
    assert [each.plaintext for each in opened] == [b"photo", b"photo"]
    reused = opened[0].header.keys == opened[1].header.keys
    assert reused == (ROWS[suite].kdf is not None)


def test_each_message_has_an_encryption_key_of_its_own_if_its_suite_derives_one() -> None:
    for number in OLD_SUITES:
        suite, data_key = ROWS[number], bytes(range(ROWS[number].data_key))
        keys = {suite.derive(data_key, bytes([n]) * 16).encryption for n in range(3)}
        assert len(keys) == (1 if suite.kdf is None else 3)
