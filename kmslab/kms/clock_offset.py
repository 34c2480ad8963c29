"""The clock's offset as a record of the store: every process on one store shares one time."""

from dataclasses import replace
from datetime import timedelta

from kmslab.kms import store as stores
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import Setting

NAME = "clock offset"  # its value is in microseconds


class StoredOffset:
    def __init__(self, store: "stores.Store") -> None:
        self._store = store
        self._seen: Setting | None = None
        self._offset = timedelta()

    def read(self) -> timedelta:
        """Every call reads it, so a record that has not changed is not parsed again."""
        self._store.refresh()
        setting = self._store.get(Setting, NAME)
        if setting is not self._seen and setting is not None:
            # The offset first: a thread that finds the setting seen takes the offset as it is.
            self._offset = timedelta(microseconds=int(setting.value))
            self._seen = setting
        return self._offset

    def add(self, step: timedelta) -> None:
        """Steps add up, also those that several processes take at once."""

        def stage(change: Change) -> None:
            setting = change.get(Setting, NAME) or Setting(name=NAME, value="0")
            value = int(setting.value) + step // timedelta.resolution
            # Opening a lab adds nothing. Other processes would have to read their records anew.
            if step or not setting.version:
                change.put(replace(setting, value=str(value)))

        apply(self._store, stage)
