"""The clinic as each lesson finds it: a lab with the keys that earlier lessons made, and scenes.

Key ids and times are the same in every run, so that outputs can be compared; keys and nonces never.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from kmslab.clock import Clock
from kmslab.course.clinic import (
    archive,
    flawed_portal,
    mail,
    records,
    safe,
    staff,
    stolen_laptop,
    workshop_envelope,
)
from kmslab.course.clinic.archive import Archive
from kmslab.course.clinic.flawed_portal import Portal
from kmslab.course.clinic.mail import Mail
from kmslab.course.clinic.repeated_content import RepeatedContent
from kmslab.course.clinic.staff import Staff
from kmslab.course.clinic.stolen_laptop import Laptop
from kmslab.crypto import CiphertextBlob, SecretBytes
from kmslab.kms.access import allow
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.operations.policies import default_policy
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

SEOUL = "ap-northeast-2"
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # nine in the morning in Seoul
RECORDS = "records"  # the name of the key that encrypts them
REPORTS = "reports"  # the name of the key that signs them
STOLEN = "R-017"  # the record on the stolen laptops


class Clinic:
    """The clinic's data, and the scenes that a lesson starts from. Each call sets a scene anew."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._archive: Archive | None = None  # kept, so that a lesson finds the same key again
        self._january: Mapping[str, CiphertextBlob] = {}
        self._safe = safe.Safe()

    @property
    def table(self) -> bytes:
        """The whole table, a CSV file."""
        return records.read(records.TABLE)

    def arrow_table(self) -> Any:
        """Four columns of the table, as PyArrow's: record, diagnosis, radius and area."""
        return records.arrow_table(["record", "diagnosis", "radius", "area"])

    @property
    def scan(self) -> bytes:
        """A picture, a PNG file: drawn from the measurements of record R-017."""
        return records.read(records.SCAN)

    def repeated_scan(self, size: int) -> RepeatedContent:
        """A readable file of `size` bytes, as if from the X-ray room: the scan over and over."""
        return RepeatedContent(self.scan, size)

    def record(self, number: str) -> bytes:
        """The line of the table for a record's number, such as `R-017`."""
        return records.record(number)

    def column(self, name: str) -> list[str]:
        """One column of the table, such as `diagnosis`, as text, in the records' order."""
        return [row[name] for row in records.rows()]

    def stolen_on_friday(self) -> Laptop:
        """The laptop of the clinic's first Friday: a sealed record, and the key beside it."""
        return stolen_laptop.with_key_file(self.record(STOLEN), STOLEN, self.lab)

    def stolen_again(self) -> Laptop:
        """The laptop of the second Friday: a blob, and Jiho still signed in. The key is enabled."""
        key = _records_key(self.lab)
        key.enable()
        jiho = self.lab.user("jiho", allow("kms:Decrypt"))
        return stolen_laptop.with_kms_blob(key.encrypt(self.record(STOLEN)), STOLEN, jiho)

    def home_from_workshop(self) -> Laptop:
        """The folder with the table, sealed as Jiho was taught. The key is enabled."""
        key = _records_key(self.lab)
        key.enable()
        return workshop_envelope.workshop_folder(self.table, key, self.lab)

    def mail_on_friday(self) -> Mail:
        """An e-mail to Busan with a report of R-017, its signature and a public key: all forged."""
        return mail.forged_mail(self.record(STOLEN))

    def forgotten_key(self) -> Archive:
        """A key that has lost its name, enabled, and the folders that were sealed under it."""
        found = self._living_archive()
        archive.enable(found.key)
        return found

    def tidied_on_friday(self) -> Archive:
        """A Friday on which the deletion of that key has just been scheduled, in seven days."""
        found = self._living_archive()
        archive.schedule_deletion_on_friday(self.lab, found.key)
        return found

    def hospital_in_busan(self) -> View:
        """Another account, which has an archive of its own and may encrypt for the clinic's."""
        self._living_archive()
        return archive.hospital(self.lab)

    def sheet(self, number: int) -> SecretBytes:
        """The 32 bytes of key material that stand on a sheet of paper in the clinic's safe."""
        return self._safe.sheet(number)

    def two_sheets(self, key: CMK) -> None:
        """A Monday: sheet 2 is the key's current material, and on Friday sheet 1 expires.

        `key`: one that sheet 1 was imported into first.
        """
        safe.two_sheets(key, self._safe)

    def account_for_trials(self) -> View:
        """Another account of the clinic's, with its own bill."""
        return self.lab.account(safe.TRIAL)

    def staff(self) -> Staff:
        """Sora, Jiho and Mina, each with every right that IAM can give."""
        return staff.staff(self.lab)

    def january(self) -> Mapping[str, CiphertextBlob]:
        """Play January, once a lab, and return the three encrypted records by their number.

        Each call gives the key AWS's default policy again.
        """
        key = _records_key(self.lab)
        key.put_policy(default_policy(self.lab.caller.account))
        if not self._january:
            self._january = staff.play_january(self.lab, key)
        return self._january

    def portal(self) -> Portal:
        """The portal that the clinic may buy, with its disk and its log. Its key is enabled."""
        archive.enable(self.lab.create_cmk(flawed_portal.NAME))
        return Portal(self.lab)

    def _living_archive(self) -> Archive:
        """The same archive until its key is deleted, then a new one."""
        if self._archive is None or archive.key_is_gone(self._archive):
            self._archive = archive.forgotten_archive(self.lab)
        return self._archive

    def __repr__(self) -> str:
        return f"<Clinic in {SEOUL}: {len(records.rows())} records and a picture>"


def clinic(until: str) -> tuple[Lab, Clinic]:
    """A fresh lab in Seoul's Region, and the clinic as it stands when lesson `until` begins.

    `until` is a lesson's number, such as "01". Example: `lab, clinic = course.clinic(until="01")`.
    """
    if len(until) == 1:
        until = f"0{until}"  # "1" means "01"
    if until not in LESSONS:
        raise ValueError(f"until is the number of a lesson, one of {', '.join(LESSONS)}")
    lab = Lab(clock=Clock.frozen(MONDAY), ids=_ids(), region=SEOUL)
    for lesson, make in LEFT_BY_LESSON.items():
        if lesson < until:
            make(lab)
    return lab, Clinic(lab)


def _ids() -> Callable[[], str]:
    """Key ids that look like any others and are the same in every kernel. They are not secret."""
    numbers = count(1)
    return lambda: str(uuid5(NAMESPACE_DNS, f"key {next(numbers)} of the clinic"))


def _records_key(lab: Lab) -> CMK:
    return lab.create_cmk(RECORDS, description="Guards the patients' records")


def reports_key(lab: Lab) -> CMK:
    """The key that signs the reports which the clinic sends out."""
    return lab.create_cmk(REPORTS, spec="ECC_NIST_P256", usage=KeyUsage.SIGN_VERIFY)


LESSONS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13")
# What a lesson leaves behind for the lessons after it.
LEFT_BY_LESSON: Mapping[str, Callable[[Lab], object]] = {
    "01": _records_key,
    "04": reports_key,
    "05": archive.left_behind,
}
