"""A message that does not open: one class of error, one text, no reason, no plaintext."""

import io
import random
import traceback
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, Lab, envelope
from kmslab.envelope import DecryptionError, Keyring, RawAesKeyring, RawRsaKeyring
from kmslab.errors import DisabledException, InvalidCiphertextException
from tests.cases import DEPTHS, for_every
from tests.envelope.conftest import AES_KEY, SUITES
from tests.envelope.forge import Forger, FrameParts, context, field16

EACH_SUITE = pytest.mark.parametrize("suite", SUITES, ids=hex)
RING = RawAesKeyring("clinic", "aes", AES_KEY)
DATA = b"card 4242 4242 4242 4242, and a picture"
NOT_OPENED = envelope.errors.NOT_OPENED
FRAME = 16


def refusal(message: bytes, keyring: object) -> DecryptionError:
    """The error. A stream, too, never writes the last frame of the plaintext."""
    out = io.BytesIO()
    with pytest.raises(DecryptionError):
        envelope.decrypt_stream(io.BytesIO(message), out, keyring, unverified=True)
    assert len(out.getvalue()) <= len(DATA) // FRAME * FRAME
    assert DATA.startswith(out.getvalue())
    with pytest.raises(DecryptionError) as caught:
        envelope.decrypt(message, keyring)
    assert str(caught.value)
    return caught.value


def reasonless(error: DecryptionError) -> bool:
    alone = error.__cause__ is None and error.__context__ is None
    other_keys = str(error).startswith("None of the given keyrings")
    return alone and (str(error) == NOT_OPENED or other_keys)


@pytest.fixture(params=["aes", "rsa", "kms"])
def keyring(request: pytest.FixtureRequest, orders: CMK, rsa_ring: RawRsaKeyring) -> Keyring:
    return {"aes": RING, "rsa": rsa_ring, "kms": orders.keyring()}[request.param]


def sealed(keyring: Keyring, suite: int) -> bytes:
    pairs = {"album": "summer"}
    return envelope.encrypt(DATA, keyring, context=pairs, suite=suite, frame_length=FRAME)


def edges(message: bytes) -> list[int]:
    """The places of the first and the last byte of each field."""
    fields = envelope.inspect(message).fields
    return sorted({place for f in fields for place in (f.offset, f.offset + f.size - 1) if f.size})


@DEPTHS
@EACH_SUITE
def test_a_flipped_bit_in_any_byte_is_refused(keyring: Keyring, suite: int, depth: str) -> None:
    message = sealed(keyring, suite)
    for place in edges(message) if depth == "quick" else range(len(message)):
        for bit in (0x01, 0x80):
            altered = bytearray(message)
            altered[place] ^= bit
            error = refusal(bytes(altered), keyring)
            assert reasonless(error) or type(error.__cause__) is InvalidCiphertextException, place


@DEPTHS
@EACH_SUITE
def test_every_truncation_is_refused(keyring: Keyring, suite: int, depth: str) -> None:
    message = sealed(keyring, suite)
    for size in edges(message) if depth == "quick" else range(len(message)):
        assert reasonless(refusal(message[:size], keyring)), size


@EACH_SUITE
def test_bytes_before_or_after_or_twice_are_refused(suite: int) -> None:
    message = sealed(RING, suite)
    for altered in (message + b"\0", message + message, b"\0" + message, message[1:]):
        assert str(refusal(altered, RING)) == NOT_OPENED


@EACH_SUITE
def test_a_missing_or_doubled_byte_anywhere_is_refused(suite: int) -> None:
    message = sealed(RING, suite)
    for place in range(0, len(message), 3):
        assert reasonless(refusal(message[:place] + message[place + 1 :], RING))
        assert reasonless(refusal(message[: place + 1] + message[place:], RING))


def test_frames_cannot_be_moved_left_out_repeated_or_taken_from_another_message() -> None:
    one, other = (sealed(RING, 0x0478) for _ in range(2))
    size = 4 + 12 + FRAME + 16
    body = next(f.offset for f in envelope.inspect(one).fields if f.name == "frame number")
    first, second = one[body : body + size], one[body + size : body + 2 * size]
    head, last = one[:body], one[body + 2 * size :]
    assert envelope.decrypt(head + first + second + last, RING).plaintext == DATA
    foreign = other[body : body + size]
    for frames in (
        second + first + last,
        first + first + last,
        first + last,
        second + last,
        last,
        first + second + second + last,
        foreign + second + last,
        first + second + other[body + 2 * size :],
        first + second,
    ):
        assert str(refusal(head + frames, RING)) == NOT_OPENED


def test_a_signature_cannot_be_removed_by_naming_the_unsigned_suite() -> None:
    message = sealed(RING, 0x0578)
    assert str(refusal(message[:1] + b"\4" + message[2:-105], RING)) == NOT_OPENED


def test_the_error_carries_no_secret_and_no_reason() -> None:
    altered = bytearray(sealed(RING, 0x0578))
    altered[-200] ^= 1
    error = refusal(bytes(altered), RING)
    assert error.__cause__ is error.__context__ is None
    printed = "".join(traceback.format_exception(error))
    assert "card 4242" not in printed
    assert "NotAMessage" not in printed
    assert "Forged" not in printed


# ---------------------------------------------------------------------------------------- insiders


def test_the_forger_can_write_a_good_message(sdk: ModuleType) -> None:
    """Otherwise the refusals below would prove nothing."""
    for message in (Forger(), Forger(context=context((b"b", b"1"), (b"a", b"2")))):
        opened = envelope.decrypt(message.encode(), RING)
        assert opened.plaintext == b"sixteen bytes...and five"
        provider = sdk.aes("clinic", "aes", AES_KEY)
        if not message.context:
            assert sdk.decrypt(message.encode(), provider)[0] == opened.plaintext


LAST = FrameParts(2, b"and five", True)
FIRST = FrameParts(1, b"sixteen bytes...", False)
MISFITS = {
    "version 1": Forger(version=1),
    "version 3": Forger(version=3),
    "an unknown suite": Forger(suite=0x0678),
    "a suite with a signature, and none": Forger(suite=0x0578),
    "a suite of the other version": Forger(suite=0x0178, version=2),
    "a key to verify with, and nothing to verify": Forger(
        context=context((b"aws-crypto-public-key", b"A" * 68))
    ),
    "an empty context with a count": Forger(context=context()),
    "a context with a key twice": Forger(context=context((b"a", b"1"), (b"a", b"2"))),
    "a context that counts too many": Forger(context=context((b"a", b"1"), count=2)),
    "a context that counts too few": Forger(context=context((b"a", b"1"), (b"b", b"1"), count=1)),
    "a context with bytes after it": Forger(context=context((b"a", b"1")) + b"\0"),
    "a context that is no text": Forger(context=context((b"a", b"\xff"))),
    "half of a surrogate pair": Forger(context=context((b"a", b"\xed\xa0\x80"))),
    "no encrypted data key": Forger(keys=()),
    "an unframed body": Forger(content_type=1),
    "a content type that there isn't": Forger(content_type=3),
    "frames of no length": Forger(frame_length=0),
    "frames of 2 GiB": Forger(frame_length=2**31),
    "another's commitment": Forger(commitment=bytes(32)),
    "a header tag with another IV": Forger(header_iv=b"\1" * 12),
    "a header tag over something else": Forger(tagged=lambda header: header + b"x"),
    "a short data key": Forger(data_key=bytes(16)),
    "no frame": Forger(frames=()),
    "no final frame": Forger(frames=(FIRST,)),
    "a frame with another IV": Forger(frames=(replace(FIRST, iv=b"\1" * 12), LAST)),
    "a final frame with another IV": Forger(frames=(FIRST, FrameParts(2, b"x", True, b"\1" * 12))),
    "frames from zero": Forger(frames=(replace(FIRST, sequence=0), replace(LAST, sequence=1))),
    "frames from two": Forger(frames=(replace(FIRST, sequence=2), replace(LAST, sequence=3))),
    "a frame left out": Forger(frames=(FIRST, FrameParts(3, b"x", True))),
    "a frame twice": Forger(frames=(FIRST, FIRST, LAST)),
    "a final frame that is too long": Forger(frames=(FrameParts(1, bytes(17), True),)),
    "a short frame before the last": Forger(frames=(FrameParts(1, b"short", False), LAST)),
    "a frame that was sealed as the final one": Forger(
        frames=(replace(FIRST, string=b"AWSKMSEncryptionClient Final Frame"), LAST)
    ),
    "a frame sealed for another place": Forger(
        frames=(replace(FIRST, aad_sequence=2), LAST)
    ),
    "a frame sealed with another length": Forger(
        frames=(replace(FIRST, aad_length=15), LAST)
    ),
    "frames after the final one": Forger(frames=(FIRST, LAST, FrameParts(3, b"", True))),
    "bytes after the end": Forger(tail=b"\0"),
    "a footer in an unsigned suite": Forger(tail=b"\0\0"),
}  # fmt: skip


@for_every("name", MISFITS)
def test_a_message_that_breaks_the_format_is_refused_even_with_the_right_key(name: str) -> None:
    message = MISFITS[name].encode()
    for read in (message, bytearray(message), memoryview(message)):
        with pytest.raises(DecryptionError) as caught:
            envelope.decrypt(read, RING)
        assert str(caught.value) == NOT_OPENED or name == "no encrypted data key"


@pytest.mark.parametrize(
    "name", ["a frame with another IV", "bytes after the end", "a context with a key twice"]
)
def test_the_sdk_accepts_messages_that_break_its_format(sdk: ModuleType, name: str) -> None:
    """If this fails after an upgrade, the SDK became stricter, and this list can be shorter."""
    strict = name == "a context with a key twice"
    assert sdk.opens(MISFITS[name].encode(), sdk.aes("clinic", "aes", AES_KEY)) != strict


def test_a_final_frame_as_long_as_the_others_opens() -> None:
    """Other writers end with one; the Python SDK and we would add an empty frame."""
    message = Forger(frames=(FIRST, FrameParts(2, bytes(16), True))).encode()
    assert envelope.decrypt(message, RING).plaintext == FIRST.content + bytes(16)


def test_a_context_in_another_order_opens() -> None:
    """The SDK for JavaScript sorts by locale. The order in the header is authenticated."""
    message = Forger(context=context((b"b", b"1"), (b"A", b"2"))).encode()
    assert envelope.decrypt(message, RING).context == {"b": "1", "A": "2"}


# -------------------------------------------------------------------------------- other formats


@given(content=st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    assert str(refusal(content, RING)) == NOT_OPENED


@given(content=st.binary(max_size=200), suite=st.sampled_from([b"\2\4\x78", b"\2\5\x78"]))
def test_arbitrary_bytes_after_a_valid_beginning_are_refused(content: bytes, suite: bytes) -> None:
    assert reasonless(refusal(suite + content, RING))


@given(draw=st.randoms(use_true_random=False), suite=st.sampled_from(SUITES))
def test_a_message_with_random_changes_is_refused(draw: random.Random, suite: int) -> None:
    message = bytearray(sealed(RING, suite))
    whole = bytes(message)
    for _ in range(draw.randint(1, 6)):
        a, b = sorted(draw.randrange(len(message) + 1) for _ in range(2))
        message[a:b] = draw.choice([b"", draw.randbytes(b - a), message[a:b] * 2])
        message = message or bytearray(1)
    if message != whole:
        assert reasonless(refusal(bytes(message), RING))


# ------------------------------------------------------------------------------------- other people


def test_another_key_of_the_same_name_is_refused_like_any_forgery() -> None:
    other = RawAesKeyring("clinic", "aes", bytes(32))
    assert str(refusal(sealed(RING, 0x0578), other)) == NOT_OPENED


def test_the_error_names_the_keys_that_can_open_the_message(orders: CMK) -> None:
    message = envelope.encrypt(DATA, [orders, RING])
    for stranger in (
        RawAesKeyring("clinic", "aes2", AES_KEY),
        RawAesKeyring("clinics", "aes", AES_KEY),
    ):
        error = refusal(message, stranger)
        assert error.__cause__ is None
        assert f"aws-kms {orders.arn}, clinic aes:" in str(error)


def test_key_names_of_strangers_are_cut_and_escaped() -> None:
    names = [("\x1b[31m" * 9000, "a" * 60_000), ("병원" * 9000, "\n\x1b[2J"), ("", "")]
    header = Forger(keys=tuple(
        field16(p.encode()) + field16(n.encode()) + field16(b"") for p, n in names
    ))  # fmt: skip
    error = refusal(header.encode(), RING)
    assert str(error).isprintable()
    assert len(str(error)) < 1000


def test_the_refusal_of_a_kms_is_quoted(lab: Lab) -> None:
    cmk = lab.create_cmk()
    message = envelope.encrypt(DATA, cmk)
    cmk.disable()
    for client, kind in ((lab.kms, DisabledException), (lab.boto3(), None)):
        keyring = envelope.KmsKeyring(client, cmk.arn)
        error = refusal(message, keyring)
        assert f"DisabledException: {cmk.arn} is disabled." in str(error)
        assert type(error.__cause__).__name__ == "DisabledException"
        assert kind is None or type(error.__cause__) is kind


def test_a_refusal_without_a_text_is_quoted_as_such(orders: CMK) -> None:
    altered = bytearray(envelope.encrypt(DATA, orders, context={"album": "summer"}))
    altered[altered.index(b"summer")] ^= 1
    error = refusal(bytes(altered), orders)
    assert "InvalidCiphertextException: (AWS sends no text with this error)" in str(error)
    assert "The encryption context is not the one that it was encrypted with" in str(error)


def test_a_network_error_is_quoted(orders: CMK) -> None:
    class Down:
        def decrypt(self, **request: object) -> None:
            raise ConnectionError("no route to host")

    error = refusal(envelope.encrypt(DATA, orders), envelope.KmsKeyring(Down(), orders.arn))
    assert "ConnectionError: no route to host" in str(error)
    assert type(error.__cause__) is ConnectionError


def test_an_answer_that_names_another_key_is_refused(lab: Lab, orders: CMK) -> None:
    class Mistaken:
        def decrypt(self, **request: object) -> dict[str, object]:
            return {**lab.kms.decrypt(**request), "KeyId": orders.arn + "x"}

    ring = envelope.KmsKeyring(Mistaken(), orders.arn)
    assert str(refusal(envelope.encrypt(DATA, orders), ring)) == NOT_OPENED


def test_a_failing_keyring_does_not_stop_the_next(lab: Lab) -> None:
    cmk = lab.create_cmk()
    message = envelope.encrypt(DATA, [cmk, RING])
    cmk.disable()
    assert envelope.decrypt(message, [cmk, RING]).plaintext == DATA
    assert envelope.decrypt(message, [RING, cmk]).plaintext == DATA
    assert "disabled" in str(refusal(message, [cmk, RawAesKeyring("clinic", "aes2", AES_KEY)]))


def test_only_data_keys_that_a_kms_key_wrapped_are_sent_to_it(lab: Lab, orders: CMK) -> None:
    other = lab.create_cmk()
    message = envelope.encrypt(DATA, [RING, other])
    before = len(lab.trail)
    assert "None of the given keyrings" in str(refusal(message, orders))
    assert len(lab.trail) == before


def test_a_kms_is_asked_a_hundred_times_at_most(orders: CMK) -> None:
    """A stranger writes the header, and each of 65,535 calls would cost us money."""
    asked = []

    class Counting:
        def decrypt(self, **request: object) -> None:
            asked.append(request)
            raise ConnectionError("no")

    keyring = envelope.KmsKeyring(Counting(), orders.arn)
    message = envelope.encrypt(DATA, [orders] * 300, suite=0x0478)
    with pytest.raises(DecryptionError):
        envelope.decrypt(message, keyring)
    assert len(asked) == 100


def test_a_public_key_encrypts_and_does_not_open(rsa_pem: bytes) -> None:
    whole = RawRsaKeyring("clinic", "rsa", rsa_pem)
    half = RawRsaKeyring("clinic", "rsa", whole._public)
    message = envelope.encrypt(DATA, half)
    assert "None of the given keyrings" in str(refusal(message, half))
    assert envelope.decrypt(message, whole).plaintext == DATA


def test_a_decrypted_message_does_not_show_its_plaintext() -> None:
    opened = envelope.decrypt(sealed(RING, 0x0578), RING)
    assert repr(opened) == "<Decrypted 39 bytes, context {'album': 'summer'}>"
    assert "4242" not in f"{opened} {opened!r} {opened.header}"
