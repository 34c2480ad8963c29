"""FLAWED on purpose: the portal that the clinic is about to buy, for the breach drill.

Its brochure says AES-256 and KMS, and both are true. The flaws are in how it uses them; each is
marked where it stands. `flawed_sealing.py` has the other two. Nothing may be protected by it.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from kmslab.course.clinic import records
from kmslab.course.clinic.flawed_sealing import NoteSealer, seal_row
from kmslab.course.clinic.stolen_laptop import lock, unlock
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

NAME = "portal"
MONDAY = (
    b"Patient 1: sprained his ankle on Friday night, jumping from a window. Rest for two weeks.",
    b"Patient 2: cough, no fever. To come again if it does not get better.",
)
TUESDAY = (
    b"R-017: told her today that the tumour is malignant. Surgery on Thursday at nine.",
    b"R-020: benign. Told him so; he may go home.",
)


class Portal:
    """What the portal has on its disk, and the program that reads it. All of it is made anew."""

    def __init__(self, lab: Lab) -> None:
        self.key: CMK = lab.create_cmk(NAME)
        self.log = ""
        self._key_in_memory: bytes | None = None
        # FLAW: one data key for everything that the portal will ever write.
        # FLAW: no encryption context, so the KMS cannot tell one use from another.
        made = self.key.lab.kms.generate_data_key(KeyId=self.key.arn, KeySpec="AES_256")
        self.log += log_line("GenerateDataKey", made)
        self.encrypted_key, data_key = made["CiphertextBlob"], made["Plaintext"]
        rows = [list(row.values()) for row in records.rows()]
        self.rows = {fields[0]: seal_row(data_key, fields) for fields in rows}
        self.folders = {row[0]: lock(records.record(row[0]), data_key) for row in rows}
        self.notes = {"Monday": self._day(data_key, MONDAY)}
        self.notes["Tuesday"] = self._day(data_key, TUESDAY)

    @property
    def own_note(self) -> bytes:
        """What the doctor dictated about the first patient of Monday, who heard it: the thief."""
        return MONDAY[0]

    def read(self, number: str) -> bytes:
        """The folder of a record such as `R-017`."""
        if self._key_in_memory is None:  # FLAW: what was answered once is kept until a restart
            asked = {"KeyId": self.key.arn, "CiphertextBlob": self.encrypted_key}
            answer = self.key.lab.kms.decrypt(**asked)
            self.log += log_line("Decrypt", answer)
            self._key_in_memory = answer["Plaintext"]
        return unlock(self.folders[number], self._key_in_memory)

    def restart(self) -> None:
        """What the program had in its memory is gone."""
        self._key_in_memory = None

    def _day(self, data_key: bytes, notes: tuple[bytes, ...]) -> list[bytes]:
        sealer = NoteSealer(data_key)  # the portal is started every morning
        return [sealer.seal(note) for note in notes]

    def __repr__(self) -> str:
        notes = sum(map(len, self.notes.values()))
        return f"<Portal with {len(self.folders)} folders, {len(self.rows)} rows and {notes} notes>"


def log_line(operation: str, answer: Mapping[str, Any]) -> str:
    """One line of JSON, in which bytes are base64, as in the KMS's own answers."""
    # FLAW: it writes the whole answer, and with it the plaintext data key.
    shown = {name: _text(value) for name, value in answer.items()}
    return json.dumps({"call": operation, "answer": shown}) + "\n"


def _text(value: Any) -> Any:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else value
