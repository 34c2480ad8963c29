"""Random walks over an imported symmetric key against a tiny model of its materials."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kmslab.kms.contract.errors import KMSError
from tests.kms.operations.brought import new_lab

MATERIALS = [bytes([number]) * 32 for number in range(4)]
NUMBERS = st.integers(0, len(MATERIALS) - 1)
HOURS = st.none() | st.integers(1, 30)
PENDING_IMPORT, DISABLED = "PendingImport", "Disabled"


@dataclass
class Brought:
    number: int
    here: bool = True
    expires: datetime | None = None
    pending: bool = False


class ImportedKey(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.lab = new_lab()
        self.own = self.lab.create_cmk(origin="EXTERNAL")
        self.parameters = self.own.import_parameters()
        self.until = self.parameters.valid_to
        self.materials: list[Brought] = []  # in the order of their first import
        self.blobs: list[tuple[bytes, bytes]] = []
        self.state = PENDING_IMPORT

    def teardown(self) -> None:
        if hasattr(self, "lab"):
            self.lab.close()

    # What the model says

    @property
    def used(self) -> list[Brought]:
        return [each for each in self.materials if not each.pending]

    @property
    def is_complete(self) -> bool:
        return bool(self.used) and all(each.here for each in self.used)

    def found(self, number: int) -> Brought | None:
        return next((each for each in self.materials if each.number == number), None)

    def outcome(self, number: int, new: bool | None) -> str | None:
        known = self.found(number)
        wants_new = (not self.materials) if new is None else new
        if wants_new is (known is not None):
            return "IncorrectKeyMaterialException"
        if wants_new and any(each.pending for each in self.materials):
            return "KMSInvalidStateException"
        return None

    def lose(self, gone: Brought) -> None:
        if gone.pending:
            self.materials.remove(gone)
            return
        gone.here, gone.expires = False, None
        self.state = PENDING_IMPORT

    def answers(self, call: object, *arguments: object, **more: object) -> str | None:
        try:
            call(*arguments, **more)  # type: ignore[operator]
        except KMSError as error:
            return error.code
        return None

    # What happens

    @rule(number=NUMBERS, new=st.sampled_from([None, True, False]), hours=HOURS)
    def bring(self, number: int, new: bool | None, hours: int | None) -> None:
        if self.lab.clock.now() > self.until:
            self.parameters = self.own.import_parameters()
            self.until = self.parameters.valid_to
        expires = self.lab.clock.now() + timedelta(hours=hours) if hours else None
        expected = self.outcome(number, new)
        wrapped = self.parameters.wrap(MATERIALS[number])
        got = self.answers(
            self.own.import_wrapped, wrapped, self.parameters.token, expires=expires, new=new
        )
        assert got == expected
        if expected:
            return
        known = self.found(number)
        if known is None:
            known = Brought(number, pending=bool(self.materials))
            self.materials.append(known)
        known.here, known.expires = True, expires
        if self.state == PENDING_IMPORT and self.is_complete:
            self.state = "Enabled"

    @rule(number=st.none() | NUMBERS)
    def delete(self, number: int | None) -> None:
        known = self.used[-1] if number is None and self.used else self.found(number or 0)
        if known is None or (number is None and not self.used):
            return
        listed = self.listed()
        self.own.delete_material(listed[self.materials.index(known)]["KeyMaterialId"])
        self.lose(known)

    @rule()
    def rotate(self) -> None:
        pending = next((each for each in self.materials if each.pending), None)
        refusals = {PENDING_IMPORT: "KMSInvalidStateException", DISABLED: "DisabledException"}
        expected = refusals.get(self.state) or (None if pending else "KMSInvalidStateException")
        assert self.answers(self.own.rotate) == expected
        if pending and not expected:
            pending.pending = False

    @rule(enabled=st.booleans())
    def switch(self, enabled: bool) -> None:
        expected = "KMSInvalidStateException" if self.state == PENDING_IMPORT else None
        assert self.answers(self.own.enable if enabled else self.own.disable) == expected
        if not expected:
            self.state = "Enabled" if enabled else DISABLED

    @rule(hours=st.integers(1, 20))
    def wait(self, hours: int) -> None:
        self.lab.clock.advance(hours=hours)
        now = self.lab.clock.now()
        for each in [each for each in self.materials if each.expires and each.expires <= now]:
            self.lose(each)

    @rule()
    def encrypt(self) -> None:
        if self.state == "Enabled":
            plaintext = f"{len(self.blobs)}".encode()
            self.blobs.append((plaintext, self.own.encrypt(plaintext)))

    # What must always hold

    def listed(self) -> list[dict[str, str]]:
        return self.lab.kms.list_key_rotations(
            KeyId=self.own.id, IncludeKeyMaterial="ALL_KEY_MATERIAL"
        )["Rotations"]

    @invariant()
    def state_and_materials_are_the_models(self) -> None:
        shown = self.own.metadata
        assert shown["KeyState"] == self.state
        ends = [each.expires for each in self.used if each.expires]
        assert shown.get("ValidTo") == (min(ends) if ends and self.is_complete else None)
        assert [(each["KeyMaterialState"], each["ImportState"]) for each in self.listed()] == [
            (
                "PENDING_ROTATION"
                if each.pending
                else ("CURRENT" if each is self.used[-1] else "NON_CURRENT"),
                "IMPORTED" if each.here else "PENDING_IMPORT",
            )
            for each in self.materials
        ]

    @invariant()
    def an_enabled_key_opens_all_its_blobs(self) -> None:
        for plaintext, blob in self.blobs[-3:] if self.state == "Enabled" else ():
            assert self.own.decrypt(blob) == plaintext


TestImportedKey = ImportedKey.TestCase
TestImportedKey.settings = settings(stateful_step_count=20)
