"""A store that is made to be measured is like one that calls have filled."""

from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.bench import big_stores
from kmslab.bench.big_stores import Size, alias_name, build


def test_every_key_opens_and_events_that_are_copied_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(big_stores, "LARGE", 20)
    monkeypatch.setattr(big_stores, "RARE", 15)
    store = f"sqlite:///{tmp_path}/my.db"
    build(store, Size(keys=8, aliases=9, grants=10, events=70))
    with Lab(store=store) as lab:
        events, _ = lab.service.history(lab.caller.account)
        *made, _ = [event for event in events if event.operation == "GenerateDataKey"]
        assert len({event.time for event in made}) == 63
        assert [event.sequence for event in made] == sorted(event.sequence for event in made)
        rare = lab.service.history(big_stores.OTHER)[0]
        assert [event.operation for event in rare].count("GenerateDataKey") == 7
        for number in range(9):
            sealed = lab.kms.encrypt(KeyId=alias_name(number), Plaintext=b"17")
            lab.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])
