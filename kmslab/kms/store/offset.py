"""The clock's offset as a record of the store: every process on one store shares one time."""

from dataclasses import replace
from datetime import timedelta

from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Conflict, Store

NAME = "clock offset"  # its value is in microseconds


class StoredOffset:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: Setting | None = None
        self._offset = timedelta()

    def read(self) -> timedelta:
        """Read on every call, so a record that has not changed is not parsed again."""
        self._store.refresh()
        setting = self._store.get(Setting, NAME)
        if setting is not self._seen and setting is not None:
            # The offset first: a thread that finds the setting seen takes the offset as it is.
            self._offset = timedelta(microseconds=int(setting.value))
            self._seen = setting
        return self._offset

    def add(self, step: timedelta) -> None:
        """Steps add up, also those that several processes take at once."""
        while True:
            setting = self._store.get(Setting, NAME) or Setting(name=NAME, value="0")
            if setting.version and not step:
                return  # opening a lab is no change that other processes must read anew for
            value = int(setting.value) + step // timedelta.resolution
            try:
                self._store.commit(put=[replace(setting, value=str(value))])
            except Conflict:
                continue
            return
