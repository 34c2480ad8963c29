"""Which arguments are accepted, and what the error says about others."""

import io
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, Lab, PublicKey, SecretBytes, envelope
from kmslab.envelope import Keyring, KmsKeyring, RawAesKeyring, RawRsaKeyring
from kmslab.errors import DisabledException
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, SUITES

RING = RawAesKeyring("clinic", "aes", AES_KEY)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = texts.filter(lambda key: not key.startswith("aws-crypto-"))


@given(
    data=st.binary(max_size=300),
    context=st.dictionaries(keys, texts, max_size=6),
    suite=st.sampled_from(SUITES),
    frame_length=st.integers(1, 310),
    kind=st.sampled_from([bytes, bytearray, memoryview]),
)
def test_every_encrypted_message_opens(data, context, suite: int, frame_length: int, kind) -> None:
    message = envelope.encrypt(
        kind(data), RING, context=context, suite=suite, frame_length=frame_length
    )
    opened = envelope.decrypt(kind(message), RING)
    assert opened.plaintext == data
    assert opened.context == context
    assert opened.header.encode() == message[: len(opened.header.encode())]
    assert envelope.inspect(message).problem is None


def test_a_message_and_its_plaintext_are_bytes_of_their_length() -> None:
    message = envelope.encrypt(b"photo", RING)
    assert type(message) is bytes
    assert type(envelope.decrypt(message, RING).plaintext) is bytes


def test_two_messages_of_the_same_data_share_no_secret_value() -> None:
    one, other = (envelope.decrypt(envelope.encrypt(b"", RING), RING).header for _ in range(2))
    assert one.message_id != other.message_id
    assert one.commitment != other.commitment
    assert one.keys != other.keys
    assert one.context != other.context


def test_each_signature_has_the_length_that_the_sdk_promises() -> None:
    lengths = {len(envelope.encrypt(b"photo", RING)) for _ in range(30)}
    assert len(lengths) == 1


# ------------------------------------------------------------------------------------------ context


def filled(size: int) -> dict[str, str]:
    """A context that takes `size` bytes in a message, without a public key."""
    return {"k": "v" * (size - 2 - 2 - 1 - 2)}


def test_a_context_of_65_535_bytes_opens_and_one_more_byte_names_the_limit() -> None:
    message = envelope.encrypt(b"", RING, context=filled(65_535), suite=0x0478)
    assert envelope.decrypt(message, RING).context == filled(65_535)
    for context in (filled(65_536), filled(70_000), {"k" * 70_000: ""}):
        with pytest.raises(ValueError, match="65,535"):
            envelope.encrypt(b"", RING, context=context, suite=0x0478)
    public_key = 2 + 21 + 2 + 68
    message = envelope.encrypt(b"", RING, context=filled(65_535 - public_key))
    assert envelope.decrypt(message, RING).context == filled(65_535 - public_key)
    with pytest.raises(ValueError, match="65,535"):
        envelope.encrypt(b"", RING, context=filled(65_536 - public_key))


def test_more_pairs_than_the_count_can_hold_name_the_limit() -> None:
    context = {f"{number:x}": "" for number in range(65_536)}
    with pytest.raises(ValueError, match="65,535"):
        envelope.encrypt(b"", RING, context=context)
    small = {f"{number:04x}": "" for number in range(8000)}
    opened = envelope.decrypt(envelope.encrypt(b"", RING, context=small), RING)
    assert opened.context == small


@for_every("key", ["aws-crypto-public-key", "aws-crypto-", "aws-crypto-x"])
@for_every("suite", SUITES, ids=hex)
def test_context_keys_of_the_format_are_reserved(key: str, suite: int) -> None:
    with pytest.raises(ValueError, match="aws-crypto-"):
        envelope.encrypt(b"", RING, context={key: "x"}, suite=suite)


def test_a_context_is_text_that_utf8_can_encode() -> None:
    for context in ({"a": 1}, {1: "a"}, {"a": b"b"}, {"a": None}):
        with pytest.raises(TypeError, match="text to text"):
            envelope.encrypt(b"", RING, context=context)
    with pytest.raises(ValueError, match="surrogates"):
        envelope.encrypt(b"", RING, context={"a": "\ud800"})


# ----------------------------------------------------------------------------- suite, frames, data


@for_every("frame_length", [0, -1, 2**31, 2**63, 1.5, "9", None])
def test_a_frame_length_out_of_range_names_the_limit(frame_length: int) -> None:
    with pytest.raises(ValueError, match="2,147,483,647"):
        envelope.encrypt(b"", RING, frame_length=frame_length)


def test_an_unknown_suite_names_the_choices() -> None:
    for suite in (0, 0x0377, 0x0578 + 65_536, "0x0578"):
        with pytest.raises(ValueError, match="0x0478, 0x0578"):
            envelope.encrypt(b"", RING, suite=suite)


def test_data_and_messages_are_bytes() -> None:
    for wrong in ("text", None, 5, [1], io.BytesIO(b"file")):
        with pytest.raises(TypeError, match="expected bytes"):
            envelope.encrypt(wrong, RING)
        with pytest.raises(TypeError, match="expected bytes"):
            envelope.decrypt(wrong, RING)


def test_more_frames_than_a_message_can_number_name_the_limit(monkeypatch) -> None:
    """Four thousand million frames would take too long, so here the limit is three."""
    monkeypatch.setattr(envelope.batches, "MAX_FRAMES", 3)
    assert envelope.encrypt(bytes(5), RING, frame_length=2)
    with pytest.raises(ValueError, match="at most 3 frames"):
        envelope.encrypt(bytes(6), RING, frame_length=2)


# ----------------------------------------------------------------------------------------- keyrings


def test_an_object_with_a_keyring_method_is_accepted_as_a_keyring(lab: Lab, orders: CMK) -> None:
    class Safe:
        def keyring(self) -> Keyring:
            return RING

    for keyring in (orders, orders.keyring(), RING, Safe(), [RING], (orders, RING), iter([RING])):
        message = envelope.encrypt(b"photo", keyring)
        assert envelope.decrypt(message, [orders, RING]).plaintext == b"photo"
    nested = envelope.encrypt(b"photo", [[orders], [RING, [Safe()]]])
    assert len(envelope.decrypt(nested, orders).header.keys) == 3


def test_an_argument_that_is_not_a_keyring_names_what_is_expected(lab: Lab, orders: CMK) -> None:
    for wrong in (orders.arn, b"key", None, 5, lab, lab.kms, [orders.arn], {"arn": orders}):
        with pytest.raises(TypeError, match=re.escape(".keyring()")):
            envelope.encrypt(b"", wrong)
        with pytest.raises(TypeError, match=re.escape(".keyring()")):
            envelope.decrypt(b"", wrong)
    for empty in ([], (), [[]]):
        with pytest.raises(ValueError, match="at least one"):
            envelope.encrypt(b"", empty)


def test_more_keyrings_than_a_message_can_hold_name_the_limit() -> None:
    with pytest.raises(ValueError, match="65,535"):
        envelope.encrypt(b"", [RING] * 65_536)


@pytest.mark.parametrize("count", [1_000, pytest.param(65_535, marks=pytest.mark.long)])
def test_the_last_of_many_keyrings_opens_the_message(count: int) -> None:
    other = RawAesKeyring("clinic", "other", AES_KEY)
    message = envelope.encrypt(b"photo", [other] * (count - 1) + [RING], suite=0x0478)
    assert envelope.decrypt(message, RING).plaintext == b"photo"


def test_the_first_keyring_makes_the_data_key_and_the_others_wrap_it(lab: Lab) -> None:
    first, second = lab.create_cmk(), lab.create_cmk()
    before = len(lab.trail)
    envelope.encrypt(b"photo" * 1000, [first, second], frame_length=10)
    done = [(event["eventName"], event["resources"][0]["ARN"]) for event in lab.trail[before:]]
    assert done == [("GenerateDataKey", first.arn), ("Encrypt", second.arn)]


def test_one_decrypt_call_opens_a_message_and_has_its_context(lab: Lab, orders: CMK) -> None:
    message = envelope.encrypt(b"photo" * 1000, orders, context={"album": "summer"})
    before = len(lab.trail)
    envelope.decrypt(message, orders)
    (event,) = lab.trail[before:]
    assert event["eventName"] == "Decrypt"
    context = event["requestParameters"]["encryptionContext"]
    assert context.keys() == {"album", "aws-crypto-public-key"}


def test_an_error_of_the_kms_while_encrypting_reaches_the_caller(lab: Lab) -> None:
    cmk = lab.create_cmk()
    cmk.disable()
    with pytest.raises(DisabledException):
        envelope.encrypt(b"", cmk)
    with pytest.raises(DisabledException):
        envelope.encrypt(b"", [RING, cmk])


@pytest.mark.parametrize("through", ["kms", "boto3"])
def test_a_lab_client_and_a_boto3_client_both_work(lab: Lab, orders: CMK, through: str) -> None:
    client = lab.kms if through == "kms" else lab.boto3()
    ring = KmsKeyring(client, orders.arn)
    message = envelope.encrypt(b"photo", ring, context={"album": "summer"})
    assert envelope.decrypt(message, orders).plaintext == b"photo"
    assert envelope.decrypt(envelope.encrypt(b"photo", orders), ring).plaintext == b"photo"


def test_a_kms_keyring_accepts_a_key_arn_only(lab: Lab, orders: CMK) -> None:
    alias = orders.arn.rpartition("key/")[0] + "alias/orders"
    for wrong in (orders.id, "alias/orders", alias, "", orders.arn + "\n", None, orders):
        with pytest.raises(ValueError, match="key ARN"):
            KmsKeyring(lab.kms, wrong)


def test_raw_keyrings_need_a_namespace_and_a_name(rsa_pem: bytes) -> None:
    for namespace, name in (("", "a"), ("a", ""), ("a" * 65_536, "a"), ("a", "é" * 32_768)):
        with pytest.raises(ValueError, match="65,515"):
            RawAesKeyring(namespace, name, AES_KEY)
        with pytest.raises(ValueError, match="65,515"):
            RawRsaKeyring(namespace, name, rsa_pem)
    with pytest.raises(ValueError, match="reserved"):
        RawAesKeyring("aws-kms", "a", AES_KEY)
    ring = RawAesKeyring("병원", "é" * 32_757, AES_KEY)
    assert envelope.decrypt(envelope.encrypt(b"photo", ring), ring).plaintext == b"photo"


@for_every("key", [b"", bytes(15), bytes(31), bytes(33), "a" * 32, None])
def test_a_raw_aes_key_has_one_of_three_lengths(key: object) -> None:
    with pytest.raises(ValueError, match="16, 24 or 32"):
        RawAesKeyring("clinic", "aes", key)


def test_no_keyring_shows_its_key(rsa_pem: bytes) -> None:
    aes, private = RawAesKeyring("clinic", "aes", AES_KEY), RawRsaKeyring("c", "rsa", rsa_pem)
    assert repr(aes) == "<RawAesKeyring clinic aes>"
    assert repr(private) == "<RawRsaKeyring c rsa>"
    shown = f"{vars(aes)} {vars(private)}"
    assert "SecretBytes 32 bytes" in shown
    assert str(AES_KEY)[2:-1] not in shown


def test_an_rsa_key_is_accepted_in_each_usual_form(rsa_pem: bytes) -> None:
    key = load_pem_private_key(rsa_pem, None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    old = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    opener = RawRsaKeyring("clinic", "rsa", rsa_pem)
    for form in (
        rsa_pem,
        rsa_pem.decode(),
        old,
        der,
        SecretBytes(der),
        spki,
        public_pem,
        PublicKey(spki),
    ):
        message = envelope.encrypt(b"photo", RawRsaKeyring("clinic", "rsa", form))
        assert envelope.decrypt(message, opener).plaintext == b"photo"


def test_bytes_that_are_not_an_rsa_key_name_what_is_expected(rsa_pem: bytes) -> None:
    short = rsa.generate_private_key(65537, 1024)
    curve = ec.generate_private_key(ec.SECP256R1())
    pkcs8 = [
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        for key in (short, curve)
    ]
    for wrong in (
        *pkcs8,
        b"",
        b"-----BEGIN",
        b"-----BEGIN X-----\n!\n-----END X-----",
        bytes(300),
    ):
        with pytest.raises(ValueError, match="PKCS#8"):
            RawRsaKeyring("clinic", "rsa", wrong)


def test_a_damaged_rsa_key_is_refused_before_it_is_used(rsa_pem: bytes) -> None:
    ours = load_pem_private_key(rsa_pem, None)
    der = ours.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    modulus, other = (
        key.public_key().public_numbers().n.to_bytes(256, "big")
        for key in (ours, rsa.generate_private_key(65537, 2048))
    )
    damaged = der.replace(modulus, other)
    assert damaged != der
    with pytest.raises(ValueError, match="PKCS#8"):
        RawRsaKeyring("clinic", "rsa", damaged)


def test_an_unknown_padding_names_the_choices(rsa_pem: bytes) -> None:
    with pytest.raises(ValueError, match="RSAES_OAEP_SHA_256"):
        RawRsaKeyring("clinic", "rsa", rsa_pem, "RSAES_PKCS1")


def test_a_keyring_class_of_your_own_works() -> None:
    """If it makes a data key of another size, it is refused."""

    class Paper(Keyring):
        """It writes the data key into the message, so that anybody can read it."""

        def wrap(self, data_key, context):
            return envelope.EncryptedDataKey("paper", b"sheet 1", bytes(data_key))

        def unwrap(self, wrapped, context):
            return SecretBytes(wrapped.ciphertext) if wrapped.provider == "paper" else None

    class Short(Paper):
        def generate(self, size, context):
            return super().generate(size - 1, context)

    message = envelope.encrypt(b"photo", [RING, Paper()])
    assert envelope.decrypt(message, Paper()).plaintext == b"photo"
    with pytest.raises(RuntimeError, match="another size"):
        envelope.encrypt(b"photo", Short())
