"""The swimlane states the calls that were made, with the sizes that really crossed the wall."""

import pytest

from kmslab import envelope, figures
from tests.figures.drawn_envelopes import new_lab

DATA = bytes(range(256)) * 200


@pytest.fixture
def keys():
    lab = new_lab()
    return [lab.create_cmk("records"), lab.create_cmk("busan")]


def test_sealing_makes_one_call_whose_answer_holds_both_copies_of_the_data_key(keys):
    sealed = figures.follow(envelope.encrypt, DATA, keys[0])
    (call,) = sealed.calls
    assert (call.operation, call.key, call.name) == ("GenerateDataKey", keys[0].arn, "records")
    assert (call.sent, call.returned) == ({}, {"Plaintext": 32, "CiphertextBlob": 151})
    assert (sealed.program, sealed.input_size, sealed.opens) == ("encrypt", len(DATA), False)
    assert sealed.output_size == len(envelope.encrypt(DATA, keys[0]))


def test_each_further_recipient_costs_one_call_with_the_data_key_in_it(keys):
    first, second = figures.follow(envelope.encrypt, DATA, keys).calls
    assert (first.operation, second.operation) == ("GenerateDataKey", "Encrypt")
    assert (second.sent, second.returned) == ({"Plaintext": 32}, {"CiphertextBlob": 151})


def test_opening_sends_the_encrypted_data_key_and_gets_the_data_key(keys):
    opened = figures.follow(envelope.decrypt, envelope.encrypt(DATA, keys[0]), keys[0])
    (call,) = opened.calls
    assert (call.operation, call.sent, call.returned) == (
        "Decrypt",
        {"CiphertextBlob": 151},
        {"Plaintext": 32},
    )
    assert (opened.opens, opened.output_size) == (True, len(DATA))


def test_refused_calls_are_kept_and_nothing_is_opened(keys):
    message = envelope.encrypt(DATA, keys[0])
    keys[0].disable()
    refused = figures.follow(envelope.decrypt, message, keys[0])
    assert (refused.output_size, refused.calls[0].error) == (0, "DisabledException")
    caption = figures.swimlane(refused).caption
    assert "**Decrypt** with the encrypted data key (151 bytes): `DisabledException`" in caption
    assert caption.endswith("and gave back nothing. Nothing crossed the wall.")


def test_followed_program_has_really_run_and_its_calls_are_in_the_trail(keys):
    before = len(keys[0].lab.trail)
    figures.follow(envelope.encrypt, DATA, keys)
    events = [event["eventName"] for event in list(keys[0].lab.trail)[before:]]
    assert events == ["GenerateDataKey", "Encrypt"]


def test_caption_adds_up_what_crossed_the_wall(keys):
    message = envelope.encrypt(DATA, keys[0])
    sealing = figures.follow(envelope.encrypt, DATA, keys[0])
    opening = figures.follow(envelope.decrypt, message, keys[0])
    caption = figures.swimlane(sealing, opening).caption
    assert f"`encrypt` got {len(DATA):,} bytes" in caption
    around = len(message) - len(DATA) - 151
    assert f"of {len(message):,} bytes (beside data and encrypted key, {around} bytes of" in caption
    assert caption.endswith("In all, 366 bytes crossed the wall, and no data.")


def test_caption_does_not_say_that_data_stayed_if_it_crossed_the_wall(keys):
    def sends_the_data(data, key):
        return key.encrypt(data)

    sent = figures.follow(sends_the_data, b"a record", keys[0])
    assert not sent.data_stayed
    assert figures.swimlane(sent).caption.endswith("crossed the wall.")


def test_a_followed_program_needs_a_key_and_its_mistakes_are_raised(keys):
    with pytest.raises(TypeError, match="a KMS key that it works with"):
        figures.follow(envelope.encrypt, DATA, envelope.RawAesKeyring("a", "b", bytes(32)))
    with pytest.raises(ValueError, match="a frame has 1 to"):
        figures.follow(envelope.encrypt, DATA, keys[0], frame_length=0)
