"""The hierarchy agrees with the records and the bytes that really are there."""

import pytest

from kmslab import Lab, envelope, figures
from kmslab.kms.contract.records import DomainKey, Material
from tests.figures.drawn_keys import new_key


def shown(picture: figures.Picture) -> set[str]:
    return {text.get_text() for text in picture.figure.axes[0].texts}


def test_sizes_are_those_of_the_stored_records():
    key = new_key()
    records = key.lab.service.records
    (domain,) = records.find(DomainKey, region="us-east-1")
    (material,) = records.find(Material, key=key.arn)
    picture = figures.hierarchy(key)
    assert f"the domain key ({len(domain.wrapped)} bytes in the store)" in repr(picture)
    assert f"key {key.id[:8]}… ({len(material.sealed)} bytes in the store)" in repr(picture)
    assert f"32 bytes, {domain.id[:6]}…" in shown(picture)
    assert f"32 bytes, {material.id[:6]}…" in shown(picture)


def test_each_sealed_thing_has_its_own_per_call_key():
    key = new_key()
    blob, message = key.encrypt(b"page"), envelope.encrypt(b"scan", key)
    texts = [t.get_text() for t in figures.hierarchy(key, blob, message).figure.axes[0].texts]
    assert texts.count("per-call key") == 2
    assert f"blob: {len(blob)} bytes" in texts
    assert texts.count("data key: 32 bytes") == 1


def test_caption_states_what_was_sealed():
    key = new_key()
    blob, message = key.encrypt(b"page"), envelope.encrypt(b"scan", key)
    caption = repr(figures.hierarchy(key, blob, message))
    assert f"sealed 4 bytes in a blob of {len(blob)} bytes." in caption
    assert f"and the data key sealed the data, in a message of {len(message)} bytes." in caption


def test_caption_is_the_same_for_other_random_keys():
    lab, again = (Lab(ids=lambda: "12345678-1234-1234-1234-123456789012") for _ in range(2))
    captions = {
        repr(figures.hierarchy(key, key.encrypt(b"1")))
        for key in (lab.create_cmk(), again.create_cmk())
    }
    assert len(captions) == 1


@pytest.mark.parametrize("sealed", [b"something else", new_key().encrypt(b"1")])
def test_what_another_key_sealed_is_not_drawn(sealed):
    with pytest.raises(ValueError, match="neither a blob nor a message"):
        figures.hierarchy(new_key(), sealed)


def test_message_for_two_keys_shows_the_data_key_that_this_one_encrypted():
    key = new_key()
    other = key.lab.create_cmk("other")
    message = envelope.encrypt(b"scan", [other, key])
    assert "data key: 32 bytes" in shown(figures.hierarchy(key, message))


def test_a_key_that_is_no_symmetric_key_has_no_hierarchy_yet():
    key = new_key().lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    with pytest.raises(ValueError, match="symmetric key"):
        figures.hierarchy(key)
