"""A cached data key spares a call to the KMS, within its limits of age, messages and bytes."""

import io
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kmslab import CMK, Lab, envelope
from kmslab.envelope import DataKeyCache, RawAesKeyring, RawRsaKeyring
from kmslab.errors import DisabledException
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, SUITES

CONTEXT = {"album": "summer"}
EACH_SUITE = pytest.mark.parametrize("suite", SUITES, ids=hex)


@pytest.fixture
def photos(lab: Lab) -> Iterator[CMK]:
    photos = lab.create_cmk("photos")
    photos.enable()
    yield photos
    photos.enable()


def calls(lab: Lab, name: str) -> int:
    return sum(event["eventName"] == name for event in lab.trail)


def data_keys(messages: list[bytes], keyring: Any) -> int:
    """How many different ones, by what the KMS made of them."""
    return len({envelope.decrypt(message, keyring).header.keys for message in messages})


@EACH_SUITE
def test_one_call_makes_the_data_key_of_many_messages(lab: Lab, photos: CMK, suite: int) -> None:
    cache, before = DataKeyCache(photos, max_age=60), calls(lab, "GenerateDataKey")
    messages = [envelope.encrypt(b"photo", cache, context=CONTEXT, suite=suite) for _ in range(5)]
    assert calls(lab, "GenerateDataKey") == before + 1
    opened = [envelope.decrypt(message, photos) for message in messages]
    assert {each.plaintext for each in opened} == {b"photo"}
    assert len({each.header.message_id for each in opened}) == 5
    assert len({each.header.commitment for each in opened}) == 5, "each message has its own keys"


@EACH_SUITE
def test_one_call_opens_many_messages_with_one_data_key(lab: Lab, photos: CMK, suite: int) -> None:
    cache, before = DataKeyCache(photos, max_age=60), calls(lab, "Decrypt")
    messages = [envelope.encrypt(b"photo", cache, context=CONTEXT, suite=suite) for _ in range(5)]
    assert {envelope.decrypt(message, cache).plaintext for message in messages} == {b"photo"}
    assert calls(lab, "Decrypt") == before + 1


@for_every("suite", SUITES)
def test_every_keyring_can_be_cached(
    photos: CMK, aes_ring: RawAesKeyring, rsa_ring: RawRsaKeyring, suite: int
) -> None:
    for keyring in (aes_ring, rsa_ring, [photos, aes_ring]):
        cache = DataKeyCache(keyring, max_age=60)
        messages = [envelope.encrypt(b"photo", cache, suite=suite) for _ in range(2)]
        assert data_keys(messages, keyring) == 1
        assert envelope.decrypt(messages[1], cache).plaintext == b"photo"


def test_a_key_that_is_disabled_works_on_until_its_data_keys_are_too_old(
    lab: Lab, photos: CMK
) -> None:
    cache = DataKeyCache(photos, max_age=60, now=lab.clock.now)
    message = envelope.encrypt(b"photo", cache)
    envelope.decrypt(message, cache)
    photos.disable()
    lab.clock.advance(seconds=50)
    assert envelope.decrypt(envelope.encrypt(b"new", cache), cache).plaintext == b"new"
    lab.clock.advance(seconds=11)
    with pytest.raises(DisabledException):
        envelope.encrypt(b"photo", cache)
    with pytest.raises(envelope.DecryptionError, match="DisabledException"):
        envelope.decrypt(message, cache)


def test_age_counts_from_the_first_use_not_from_the_last(lab: Lab, aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60, now=lab.clock.now)
    messages = []
    for _ in range(4):
        messages.append(envelope.encrypt(b"photo", cache))
        lab.clock.advance(seconds=25)
    assert data_keys(messages[:3], aes_ring) == 1
    assert data_keys(messages, aes_ring) == 2
    lab.clock.advance(seconds=61)
    assert len(cache) == 0, "plaintext keys that are too old are not kept"


def test_a_data_key_encrypts_as_many_messages_as_its_limit_says(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60, max_messages_encrypted=3)
    messages = [envelope.encrypt(b"photo", cache) for _ in range(7)]
    assert data_keys(messages, aes_ring) == 3
    assert data_keys(messages[:3], aes_ring) == 1


def test_the_current_message_counts_among_the_bytes(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60, max_bytes_encrypted=10)
    messages = [envelope.encrypt(bytes(size), cache) for size in (4, 6, 1)]
    assert data_keys(messages[:2], aes_ring) == 1
    assert data_keys(messages, aes_ring) == 2


def test_a_message_that_reaches_the_limit_alone_is_not_cached(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60, max_bytes_encrypted=10)
    messages = [envelope.encrypt(bytes(10), cache) for _ in range(2)]
    assert data_keys(messages, aes_ring) == 2
    assert len(cache) == 0


def test_another_context_or_suite_gets_another_data_key(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60)
    choices: list[dict[str, Any]] = [
        {"context": CONTEXT},
        {"context": {}},
        {"context": CONTEXT, "suite": 0x0478},
        {"context": {"album": "winter"}},
    ]
    messages = [envelope.encrypt(b"photo", cache, **choice) for choice in choices]
    assert data_keys(messages, aes_ring) == 4
    same = envelope.encrypt(b"photo", cache, context=dict(CONTEXT))
    assert data_keys([messages[0], same], aes_ring) == 1


def test_a_forged_header_does_not_open_with_a_cached_key(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60)
    message = envelope.encrypt(b"photo", cache, context=CONTEXT, suite=0x0478)
    assert envelope.decrypt(message, cache).plaintext == b"photo"
    for place in range(0, len(message), 7):
        forged = bytearray(message)
        forged[place] ^= 1
        with pytest.raises(envelope.DecryptionError):
            envelope.decrypt(forged, cache)


def test_data_of_unknown_size_has_a_data_key_of_its_own(aes_ring: RawAesKeyring) -> None:
    cache, messages = DataKeyCache(aes_ring, max_age=60), []
    for _ in range(2):
        out = io.BytesIO()
        envelope.encrypt_stream(io.BytesIO(b"photo"), out, cache)
        messages.append(out.getvalue())
    assert data_keys(messages, aes_ring) == 2
    assert len(cache) == 0


def test_the_least_recently_used_key_goes_first(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60, capacity=2)
    first = envelope.encrypt(b"", cache, context={"n": "1"})
    for number in ("2", "1", "3"):
        envelope.encrypt(b"", cache, context={"n": number})
    assert len(cache) == 2
    assert data_keys([first, envelope.encrypt(b"", cache, context={"n": "1"})], aes_ring) == 1


def test_threads_together_keep_the_limit(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60, max_messages_encrypted=7)
    with ThreadPoolExecutor(8) as pool:
        messages = list(
            pool.map(lambda _: envelope.encrypt(b"photo", cache, suite=0x0478), range(300))
        )
    used = Counter(envelope.decrypt(message, aes_ring).header.keys for message in messages)
    assert max(used.values()) <= 7


def test_a_cleared_cache_asks_again(lab: Lab, photos: CMK) -> None:
    cache = DataKeyCache(photos, max_age=60)
    envelope.encrypt(b"photo", cache)
    photos.disable()
    cache.clear()
    with pytest.raises(DisabledException):
        envelope.encrypt(b"photo", cache)


def test_a_refusal_is_not_cached(photos: CMK) -> None:
    cache = DataKeyCache(photos, max_age=60)
    photos.disable()
    with pytest.raises(DisabledException):
        envelope.encrypt(b"photo", cache)
    photos.enable()
    assert envelope.decrypt(envelope.encrypt(b"photo", cache), cache).plaintext == b"photo"


def test_a_cache_shows_no_key(aes_ring: RawAesKeyring) -> None:
    cache = DataKeyCache(aes_ring, max_age=60)
    envelope.encrypt(b"photo", cache)
    assert repr(cache) == "<DataKeyCache of 1 data key, each for at most 60 seconds>"


@for_every(
    "limits",
    [
        {"max_age": 0},
        {"max_age": -1},
        {"max_age": float("nan")},
        {"max_age": 60, "max_messages_encrypted": 0},
        {"max_age": 60, "max_messages_encrypted": 2**32 + 1},
        {"max_age": 60, "max_bytes_encrypted": -1},
        {"max_age": 60, "max_bytes_encrypted": 2**63},
        {"max_age": 60, "capacity": 0},
    ],
)
def test_a_limit_out_of_range_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=list(limits)[-1]):
        DataKeyCache(RawAesKeyring("a", "b", AES_KEY), **limits)


def test_the_sdk_agrees_on_when_a_data_key_is_used_again(sdk: Any, aes_ring: RawAesKeyring) -> None:
    """The same messages, once through the SDK's caching materials manager and once through ours."""
    limits = {"max_messages_encrypted": 3, "max_bytes_encrypted": 20}
    ours = DataKeyCache(aes_ring, max_age=60, **limits)
    theirs = sdk.caching(sdk.aes("clinic", "aes", AES_KEY), max_age=60.0, **limits)
    sizes = (5, 5, 5, 5, 12, 8, 0, 1, 20, 21, 3, 19, 1, 1)
    patterns = []
    for encrypt in (
        lambda data: envelope.encrypt(data, ours, context=CONTEXT),
        lambda data: sdk.CLIENT.encrypt(
            source=data, materials_manager=theirs, encryption_context=CONTEXT
        )[0],
    ):
        messages = [encrypt(bytes(size)) for size in sizes]
        keys = [envelope.decrypt(message, aes_ring).header.keys for message in messages]
        patterns.append([keys.index(key) for key in keys])
        assert all(sdk.opens(message, sdk.aes("clinic", "aes", AES_KEY)) for message in messages)
    assert patterns[0] == patterns[1]
