"""The clock's offset as a record of the store: every process on one store shares one time."""

import logging
from dataclasses import replace
from datetime import timedelta

from kmslab.kms import store as stores
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import Setting

log = logging.getLogger("kmslab")

NAME = "clock offset"  # its value is in microseconds
LONGEST = timedelta(days=366 * 8_000) // timedelta.resolution  # about as far as a date can go


class StoredOffset:
    """If the record is damaged, the offset is 0: what is due later is not lost."""

    def __init__(self, store: "stores.Store") -> None:
        self._store = store
        self._seen: Setting | None = None
        self._offset = timedelta()

    def read(self) -> timedelta:
        """Every call reads it, so a record that has not changed is not parsed again."""
        self._store.refresh()
        try:
            setting = self._store.get(Setting, NAME)
        except stores.Damaged:
            return self._offset
        if setting is not self._seen and setting is not None:
            # The offset first: a thread that finds the setting seen takes the offset as it is.
            self._offset = timedelta(microseconds=_value(setting))
            self._seen = setting
        return self._offset

    def add(self, step: timedelta) -> None:
        """Steps add up, also those that several processes take at once."""

        def stage(change: Change) -> None:
            setting = change.get(Setting, NAME) or Setting(name=NAME, value="0")
            value = _value(setting) + step // timedelta.resolution
            # Opening a lab adds nothing. Other processes would have to read their records anew.
            if step or not setting.version:
                change.put(replace(setting, value=str(value)))

        try:
            apply(self._store, stage)
        except stores.Damaged as error:
            if step:
                raise
            log.warning("%s Until then the clock has no offset.", error)


def _value(setting: Setting) -> int:
    """In microseconds; 0, and a warning, if it cannot be a clock's offset."""
    try:
        value = int(setting.value)
        if not 0 <= value <= LONGEST:
            raise ValueError
    except ValueError:
        log.warning("The store is damaged: its %s cannot be read, and is 0 from now on.", NAME)
        return 0
    return value
