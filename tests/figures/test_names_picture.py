"""The picture of names has what DescribeKey and Decrypt answer, for each caller."""

import pytest

from kmslab import figures
from tests.figures.drawn_keys import new_key
from tests.figures.drawn_names import names_in_two_accounts


def test_an_alias_leads_to_another_key_in_another_account_and_an_arn_does_not():
    caption = repr(names_in_two_accounts())
    clinics, busans = (
        caption.partition(f"account {number}, alias/archive leads to key ")[2][:9]
        for number in ("111122223333", "444455556666")
    )
    assert clinics != busans
    busan = "For account 444455556666, arn:aws:kms:ap-northeast-2:111122223333"
    where = f"leads to key {clinics} of account 111122223333."
    assert f"{busan}:key/{clinics} {where}" in caption
    assert f"{busan}:alias/archive {where}" in caption


def test_two_blobs_are_told_apart_and_the_caption_counts_what_leads_to_a_key():
    key = new_key()
    blob, other = key.encrypt(b"1"), bytes(120)
    caption = repr(figures.names((key.lab, blob), (key.lab, other)))
    assert "1 of 2 names lead to 1 key." in caption
    assert f"blob 1 ({len(blob)} bytes) leads to key {key.id[:8]}…" in caption
    assert "blob 2 (120 bytes) leads nowhere: InvalidCiphertextException" in caption
    assert "none of 1 name leads to a key." in repr(figures.names((key.lab, other)))


def test_a_blob_leads_to_the_key_that_made_it_wherever_the_alias_is():
    key, other = new_key(), new_key()
    key.lab.kms.create_alias(AliasName="alias/a", TargetKeyId=key.arn)
    blob = key.encrypt(b"1")
    later = key.lab.create_cmk()
    key.lab.kms.update_alias(AliasName="alias/a", TargetKeyId=later.arn)
    caption = repr(figures.names((key.lab, blob), (key.lab, "alias/a"), (other.lab, blob)))
    assert f"a blob of {len(blob)} bytes leads to key {key.id[:8]}…" in caption
    assert f"alias/a leads to key {later.id[:8]}…" in caption
    assert f"a blob of {len(blob)} bytes leads nowhere: AccessDeniedException." in caption


def test_more_keys_than_there_is_room_for_are_refused():
    lab = new_key().lab
    with pytest.raises(ValueError, match="3 keys at most, and these lead to 4"):
        figures.names(*((lab, lab.create_cmk().id) for _ in range(4)))
