"""Hostile messages of every suite, framed and unframed: one class of error, and no output.

Each test opens with the most lenient policy, which refuses no suite.
"""

import io
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from kmslab import envelope
from kmslab.envelope import DecryptionError, RawAesKeyring
from tests.cases import DEPTHS, for_every
from tests.envelope.conftest import AES_KEY, ALL_SUITES, OLD_SUITES, READ_ALL, SIGNED, writing
from tests.envelope.forge import Forger, FrameParts, context, field16

RING = RawAesKeyring("clinic", "aes", AES_KEY)
NOT_OPENED = envelope.errors.NOT_OPENED
DATA = b"card 4242 4242 4242 4242, and a picture"
FRAME = 16
MIB = 1024 * 1024


def refused(message: bytes) -> str:
    """The error's text. A stream has written no more than whole frames, and not the last."""
    with pytest.raises(DecryptionError) as caught:
        envelope.decrypt(message, RING, policy=READ_ALL)
    assert caught.value.__cause__ is caught.value.__context__ is None
    out = io.BytesIO()
    with pytest.raises(DecryptionError, match=str(caught.value)[:20]):
        envelope.decrypt_stream(io.BytesIO(message), out, RING, policy=READ_ALL, unverified=True)
    assert DATA.startswith(out.getvalue())
    assert len(out.getvalue()) < len(DATA)
    return str(caught.value)


def sealed(suite: int) -> bytes:
    pairs = {"album": "summer"}
    return envelope.encrypt(
        DATA, RING, context=pairs, suite=suite, frame_length=FRAME, policy=writing(suite)
    )


BLOCK = FrameParts(1, DATA, True, block=True)
UNFRAMED = Forger(content_type=1, frame_length=0, frames=(BLOCK,))


def honest(suite: int, framed: bool = True) -> Forger:
    """What the forger writes if it breaks nothing."""
    frames = tuple(
        FrameParts(at // FRAME + 1, DATA[at : at + FRAME], at + FRAME > len(DATA))
        for at in range(0, len(DATA), FRAME)
    )
    forger = Forger(suite=suite, frames=frames) if framed else UNFRAMED.but(suite=suite)
    return forger.signed() if suite in SIGNED else forger


@for_every("suite", ALL_SUITES, ids=hex)
def test_the_forger_can_write_good_messages(sdk: ModuleType, suite: int) -> None:
    """Otherwise the refusals below would prove nothing."""
    for framed in (True, False):
        message = honest(suite, framed).encode()
        assert envelope.decrypt(message, RING, policy=READ_ALL).plaintext == DATA
        assert sdk.decrypt(message, sdk.aes("clinic", "aes", AES_KEY))[0] == DATA


# ------------------------------------------------------------------ fields that contradict another


OLD, NEW = honest(0x0178), honest(0x0478)
FRAMED_V1 = {
    "another message type": OLD.but(type=b"\x81"),
    "no message type": OLD.but(type=b""),
    "reserved bytes that are used": OLD.but(reserved=b"\0\0\0\1"),
    "an IV length of 16": OLD.but(iv_length=b"\x10"),
    "an IV length of 0": OLD.but(iv_length=b"\0"),
    "a header IV of its own": OLD.but(header_iv=b"\1" * 12),
    "a header IV of the first frame": OLD.but(header_iv=bytes(11) + b"\1"),
    "version 2 with the fields of version 1": OLD.but(version=2),
    "version 0": OLD.but(version=0),
    "framed, with frames of no length": OLD.but(frame_length=0),
    "unframed, with a frame length": OLD.but(content_type=1),
    "unframed, with frames": OLD.but(content_type=1, frame_length=0),
    "a content type of 0": OLD.but(content_type=0),
    "more keys than there are": OLD.but(count=2),
    "fewer keys than there are": OLD.but(keys=(OLD.wrapped(), OLD.wrapped()), count=1),
}
_OTHER = {0x14: 24, 0x46: 32, 0x78: 16}  # AES has no other lengths
for _suite in OLD_SUITES:
    _good = honest(_suite)
    FRAMED_V1 |= {
        f"0x{_suite:04x}, a data key of another length": _good.but(
            data_key=bytes(_OTHER.get(_suite, 20))
        ),
        f"0x{_suite:04x}, in version 2": _good.but(version=2),
        f"0x{_suite:04x}, a frame with a random IV": _good.but(
            frames=(replace(_good.frames[0], iv=b"\7" * 12), *_good.frames[1:])
        ),
    }


@for_every("name", FRAMED_V1)
def test_a_header_that_contradicts_itself_is_refused(name: str) -> None:
    assert refused(FRAMED_V1[name].encode()) == NOT_OPENED


BLOCKS = {
    "another IV": {"iv": b"\1" * 12},
    "the header's IV": {"iv": bytes(12)},
    "sealed as a final frame": {"string": b"AWSKMSEncryptionClient Final Frame"},
    "sealed as the second": {"aad_sequence": 2},
    "sealed with another length": {"aad_length": 1},
    "a length that is too small": {"length": len(DATA) - 1},
    "a length that is too large": {"length": len(DATA) + 1},
    "a length of 2 GiB": {"length": 2**31 - 1},
    "a length of 64 GiB": {"length": 2**36 - 32},
    "the largest length": {"length": 2**64 - 1},
    "framed": {"block": False},
}


@for_every("name", BLOCKS)
@pytest.mark.parametrize("suite", [0x0178, 0x0478], ids=hex)
def test_an_unframed_body_that_breaks_the_format_is_refused(suite: int, name: str) -> None:
    good = honest(suite, framed=False)
    tracemalloc.start()
    try:
        assert refused(good.but(frames=(replace(BLOCK, **BLOCKS[name]),)).encode()) == NOT_OPENED
        assert tracemalloc.get_traced_memory()[1] < 3 * MIB
    finally:
        tracemalloc.stop()


def test_an_unframed_body_is_one_block_and_nothing_follows() -> None:
    for suite in ALL_SUITES:
        good = honest(suite, framed=False)
        for frames in ((), (BLOCK, BLOCK), (BLOCK, replace(BLOCK, sequence=2))):
            assert refused(good.but(frames=frames).encode()) == NOT_OPENED
        assert refused(good.but(tail=b"\0").encode()) == NOT_OPENED


# ---------------------------------------------------------------------------------- signatures


P256, P384 = ec.SECP256R1(), ec.SECP384R1()


def wrong_signatures(suite: int) -> dict[str, bytes]:
    good = honest(suite)
    own = P256 if suite == 0x0214 else P384
    other = P384 if suite == 0x0214 else P256
    whole, size = good.encode(), SIGNED[suite]
    unsigned = good.but(signer=None).encode()
    stranger = good.but(signer=ec.generate_private_key(own))
    return {
        "another suite's curve": good.signed(other).encode(),
        "another suite's hash": good.signed(own, hashes.SHA512()).encode(),
        "no footer": unsigned,
        "an empty signature": unsigned + b"\0\0",
        "a signature that is no DER": unsigned + field16(bytes(size)),
        "a key that is not in the context": stranger.encode(),
        "no key in the context": good.but(context=b"").encode(),
        "a key that is no point": good.but(
            context=context((b"aws-crypto-public-key", b"A" * 44))
        ).encode(),
        "a key that is no base64": good.but(
            context=context((b"aws-crypto-public-key", b"!"))
        ).encode(),
        "a signature and more": whole + b"\0",
        "two signatures": whole + whole[len(unsigned) :],
        "a signature that claims more bytes": unsigned + b"\xff\xff" + whole[len(unsigned) + 2 :],
    }


@for_every("suite", SIGNED, ids=hex)
def test_a_signature_that_is_not_the_suites_is_refused(suite: int) -> None:
    for name, message in wrong_signatures(suite).items():
        assert refused(message) == NOT_OPENED, name


@for_every(("signed", "unsigned"), [(0x0214, 0x0114), (0x0346, 0x0146), (0x0378, 0x0178)], ids=hex)
def test_a_signature_cannot_be_stripped_by_naming_another_suite(signed: int, unsigned: int) -> None:
    message = bytearray(honest(signed).encode())
    message[2:4] = unsigned.to_bytes(2, "big")
    assert refused(bytes(message)) == NOT_OPENED
    assert refused(bytes(message[: -2 - SIGNED[signed]])) == NOT_OPENED
    with_key = honest(signed).but(suite=unsigned, signer=None)
    assert refused(with_key.encode()) == NOT_OPENED


# ------------------------------------------------------------------------- every byte and length


def edges(message: bytes) -> list[int]:
    """The places of the first and the last byte of each field."""
    fields = envelope.inspect(message).fields
    return sorted({place for f in fields for place in (f.offset, f.offset + f.size - 1) if f.size})


@DEPTHS
@pytest.mark.parametrize(
    "suite",
    [0x0046, 0x0214]
    + [pytest.param(s, marks=pytest.mark.long) for s in OLD_SUITES if s not in (0x0046, 0x0214)],
    ids=hex,
)
def test_a_flipped_bit_or_a_cut_anywhere_is_refused(suite: int, depth: str) -> None:
    for message in (sealed(suite), honest(suite, framed=False).encode()):
        for place in edges(message) if depth == "quick" else range(len(message)):
            for bit in (0x01, 0x80):
                altered = bytearray(message)
                altered[place] ^= bit
                refused(bytes(altered))
            refused(message[:place])


def test_frames_cannot_be_moved_repeated_or_left_out() -> None:
    for suite in ALL_SUITES:
        good = honest(suite)
        first, second, last = good.frames
        for frames in (
            (second, first, last),
            (first, first, last),
            (first, second, second, last),
            (first, last),
            (last,),
            (last, first, second),
            (first, replace(second, final=True), last),
            (first, second, last, last),
            (first, second),
            (),
        ):
            assert refused(good.but(frames=frames).encode()) == NOT_OPENED


@pytest.mark.long
def test_a_million_keys_and_a_count_that_wrapped_are_refused() -> None:
    key = field16(b"clinic") + field16(b"aes") + field16(b"")
    message = OLD.but(keys=(key,) * 1_000_000, count=1_000_000 % 65_536).encode()
    assert refused(message) == NOT_OPENED


@pytest.mark.parametrize("number", [3_000, pytest.param(65_535, marks=pytest.mark.long)])
def test_many_keys_that_do_not_open_cost_a_hundred_tries(number: int) -> None:
    tried = []

    class Counting(RawAesKeyring):
        def unwrap(self, wrapped: envelope.EncryptedDataKey, given: envelope.Context) -> None:
            tried.append(wrapped)
            return super().unwrap(wrapped, given)

    wrapped = field16(b"clinic") + field16(b"aes" + OLD.wrapped()[13:33]) + field16(bytes(48))
    message = OLD.but(keys=(wrapped,) * number).encode()
    with pytest.raises(DecryptionError, match="does not open"):
        envelope.decrypt(message, Counting("clinic", "aes", AES_KEY), policy=READ_ALL)
    assert len(tried) == 100


# -------------------------------------------------------------------------------------- any change


Change = Callable[[bytes], bytes]
places = st.floats(0, 1, exclude_max=True)


def _flipped(message: bytes, at: float, bit: int) -> bytes:
    altered = bytearray(message)
    altered[int(at * len(message))] ^= 1 << bit
    return bytes(altered)


def _spliced(message: bytes, one: float, other: float, put: bytes, twice: bool) -> bytes:
    begin, end = sorted(int(each * len(message)) for each in (one, other))
    return message[:begin] + (message[begin:end] * 2 if twice else put) + message[end:]


def _field_changed(message: bytes, at: float, content: bytes, whole: bool) -> bytes:
    """Another content of one field; with its own length if `whole`."""
    fields = [f for f in envelope.inspect(message).fields if f.size]
    field = fields[int(at * len(fields))]
    put = content if whole else content[: field.size].rjust(field.size, b"\0")
    return message[: field.offset] + put + message[field.offset + field.size :]


CHANGES = st.one_of(
    st.builds(lambda at, bit: lambda m: _flipped(m, at, bit), places, st.integers(0, 7)),
    st.builds(lambda at: lambda m: m[: int(at * len(m))], places),
    st.builds(
        lambda a, b, put, twice: lambda m: _spliced(m, a, b, put, twice),
        places,
        places,
        st.binary(max_size=40),
        st.booleans(),
    ),
    st.builds(
        lambda at, put, whole: lambda m: _field_changed(m, at, put, whole),
        places,
        st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\x7f"]),
        st.booleans(),
    ),
    st.builds(lambda tail: lambda m: m + tail, st.binary(min_size=1, max_size=60)),
)
ATTACKS = {
    "suite": st.sampled_from(ALL_SUITES),
    "framed": st.booleans(),
    "changes": st.lists(CHANGES, min_size=1, max_size=4),
}


def attack(suite: int, framed: bool, changes: list[Change]) -> None:
    good = altered = honest(suite, framed).encode()
    for change in changes:
        altered = change(altered) or b"\0"
    if altered != good:
        refused(altered)
        envelope.inspect(altered)


@given(**ATTACKS)
def test_a_changed_message_is_refused(suite: int, framed: bool, changes: list[Change]) -> None:
    attack(suite, framed, changes)


@pytest.mark.long
@settings(max_examples=1000)
@given(**ATTACKS)
def test_any_changed_message_is_refused(suite: int, framed: bool, changes: list[Change]) -> None:
    attack(suite, framed, changes)
