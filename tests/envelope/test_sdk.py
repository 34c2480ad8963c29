"""The AWS Encryption SDK opens what we write, and we open what it writes.

`aws-encryption-sdk` from the lock, unchanged; its KMS provider calls the lab through boto3.
"""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, Lab, envelope
from kmslab.envelope import Keyring, RawAesKeyring, RawRsaKeyring
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, SUITES

EACH_SUITE = pytest.mark.parametrize("suite", SUITES, ids=hex)
CONTEXT = {"album": "summer", "병원": "서울", "": "empty", "empty": ""}
FRAMES = (1, 16, 4096, envelope.stream.MIB)
THEIR_FRAMES = (
    128,
    4096,
    envelope.stream.MIB,
)  # the SDK writes multiples of 128 only, but reads any length
Pair = tuple[object, Keyring | CMK]


PAIRS = ["kms", "aes-256", "RSAES_OAEP_SHA_256"]
MORE_PAIRS = ["aes-128", "aes-192"] + [f"RSAES_OAEP_SHA_{size}" for size in (1, 384, 512)]


@pytest.fixture(params=[*PAIRS, *MORE_PAIRS])
def pair(
    sdk: ModuleType, request: pytest.FixtureRequest, lab: Lab, orders: CMK, rsa_pem: bytes
) -> Pair:
    """The same key for the SDK and for us."""
    kind = request.param
    if kind == "kms":
        return sdk.kms(lab.boto3(), orders.arn), orders
    if kind.startswith("aes"):
        key = AES_KEY[: int(kind[4:]) // 8]
        return sdk.aes("clinic", "our key", key), RawAesKeyring("clinic", "our key", key)
    ours = RawRsaKeyring("clinic", "our key", rsa_pem, kind)
    return sdk.rsa("clinic", "our key", rsa_pem, kind), ours


def sizes(frame: int) -> set[int]:
    whole = min(frame, 5000)
    return {0, 1, whole - 1, whole, whole + 1, 3 * whole, frame if frame > 5000 else 2 * whole + 1}


# For what takes long with each pair; test_without_a_context_too has all pairs.
FEW_PAIRS = pytest.mark.parametrize(
    "pair",
    [*PAIRS, *(pytest.param(name, marks=pytest.mark.long) for name in MORE_PAIRS)],
    indirect=True,
)


@FEW_PAIRS
@EACH_SUITE
@for_every("frame", FRAMES)
def test_the_sdk_opens_what_we_write(sdk: ModuleType, pair: Pair, suite: int, frame: int) -> None:
    provider, keyring = pair
    for size in sizes(frame):
        data = bytes(size)
        message = envelope.encrypt(data, keyring, context=CONTEXT, suite=suite, frame_length=frame)
        plaintext, context = sdk.decrypt(message, provider)
        assert plaintext == data
        assert CONTEXT.items() <= context.items()


@FEW_PAIRS
@EACH_SUITE
@for_every("frame", THEIR_FRAMES)
def test_we_open_what_the_sdk_writes(sdk: ModuleType, pair: Pair, suite: int, frame: int) -> None:
    provider, keyring = pair
    for size in sizes(frame):
        data = bytes(size)
        opened = envelope.decrypt(sdk.encrypt(data, provider, CONTEXT, suite, frame), keyring)
        assert opened.plaintext == data
        assert opened.context == CONTEXT
        assert opened.header.suite.id == suite


@EACH_SUITE
def test_without_a_context_too(sdk: ModuleType, pair: Pair, suite: int) -> None:
    provider, keyring = pair
    message = envelope.encrypt(b"photo", keyring, suite=suite)
    assert sdk.decrypt(message, provider)[0] == b"photo"
    opened = envelope.decrypt(sdk.encrypt(b"photo", provider, {}, suite, 4096), keyring)
    assert (opened.plaintext, opened.context) == (b"photo", {})


@FEW_PAIRS
@EACH_SUITE
def test_both_write_messages_of_the_same_length(sdk: ModuleType, pair: Pair, suite: int) -> None:
    provider, keyring = pair
    for size in (0, 5, 128, 300):
        ours = envelope.encrypt(
            bytes(size), keyring, suite=suite, context=CONTEXT, frame_length=128
        )
        assert len(ours) == len(sdk.encrypt(bytes(size), provider, CONTEXT, suite, 128))


@EACH_SUITE
def test_each_of_several_keyrings_opens_the_message_alone(
    sdk: ModuleType, lab: Lab, suite: int, rsa_pem: bytes
) -> None:
    keys = [lab.create_cmk("orders"), lab.create_cmk("archive")]
    padding = "RSAES_OAEP_SHA_256"
    rings = [
        *keys,
        RawAesKeyring("clinic", "aes", AES_KEY),
        RawRsaKeyring("clinic", "rsa", rsa_pem, padding),
    ]
    providers = [
        *(sdk.kms(lab.boto3(), key.arn) for key in keys),
        sdk.aes("clinic", "aes", AES_KEY),
        sdk.rsa("clinic", "rsa", rsa_pem, padding),
    ]
    ours = envelope.encrypt(b"photo", rings, suite=suite)
    for provider in providers:
        assert sdk.decrypt(ours, provider)[0] == b"photo"
    first, *others = providers
    for other in others:
        first.add_master_key_provider(other)
    theirs = sdk.encrypt(b"photo", first, {}, suite, 4096)
    for ring in rings:
        assert envelope.decrypt(theirs, ring).plaintext == b"photo"


@EACH_SUITE
def test_the_sdk_reads_our_stream_and_we_read_its(sdk: ModuleType, tmp_path, suite: int) -> None:
    provider, ring = sdk.aes("clinic", "aes", AES_KEY), RawAesKeyring("clinic", "aes", AES_KEY)
    plain, ours, theirs, back = (tmp_path / name for name in ("plain", "ours", "theirs", "back"))
    plain.write_bytes(bytes(range(256)) * 10_001)
    envelope.encrypt_file(plain, ours, ring, suite=suite, frame_length=65_536)
    with (
        ours.open("rb") as file,
        sdk.CLIENT.stream(source=file, mode="d", key_provider=provider) as stream,
    ):
        assert b"".join(stream) == plain.read_bytes()
    with (
        plain.open("rb") as file,
        theirs.open("wb") as out,
        sdk.CLIENT.stream(
            source=file, mode="e", key_provider=provider, algorithm=sdk.ALGORITHMS[suite]
        ) as stream,
    ):
        for chunk in stream:
            out.write(chunk)
    envelope.decrypt_file(theirs, back, ring)
    assert back.read_bytes() == plain.read_bytes()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
contexts = st.dictionaries(
    texts.filter(lambda key: not key.startswith("aws-crypto-")), texts, max_size=5
)


@given(
    data=st.binary(max_size=600),
    context=contexts,
    suite=st.sampled_from(SUITES),
    frame=st.integers(1, 610),
    key=st.sampled_from([16, 24, 32]).map(lambda size: AES_KEY[:size]),
)
def test_each_opens_what_the_other_encrypted(
    sdk: ModuleType, data: bytes, context: dict[str, str], suite: int, frame: int, key: bytes
) -> None:
    provider, ring = sdk.aes("n", "k", key), RawAesKeyring("n", "k", key)
    ours = envelope.encrypt(data, ring, context=context, suite=suite, frame_length=frame)
    plaintext, header = sdk.decrypt(ours, provider)
    assert plaintext == data
    assert context.items() <= header.items()
    written = sdk.encrypt(data, provider, context, suite, 128 * (1 + frame // 128))
    theirs = envelope.decrypt(written, ring)
    assert (theirs.plaintext, theirs.context) == (data, context)


def test_the_sdk_refuses_what_we_refuse(sdk: ModuleType, orders: CMK, lab: Lab) -> None:
    """This checks the other tests: a message with one wrong byte opens on neither side."""
    message = bytearray(envelope.encrypt(b"photo", orders))
    message[-150] ^= 1
    with pytest.raises(envelope.DecryptionError):
        envelope.decrypt(message, orders)
    assert not sdk.opens(bytes(message), sdk.kms(lab.boto3(), orders.arn))
