"""Exercise 00-thief: open the stolen record with nothing but the laptop's files."""

from kmslab.course.clinic import stolen_laptop
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import NoKey, NotOpened
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of

OTHER = "R-101"
WRONG_ORDER = "`unlock` says that this key does not fit this box. It takes the sealed file first."


def check_thief(clinic: Clinic, thief: Function) -> str:
    friday = clinic.stolen_on_friday()
    require_bodies([thief], friday.files)
    meanings: dict[type[Exception], str] = {NoKey: WRONG_ORDER, NotOpened: WRONG_ORDER}
    if result_of(thief, friday.files, meanings=meanings) != clinic.record(STOLEN):
        raise Wrong("What you gave back is not the record. Both files are needed: which is which?")
    other = stolen_laptop.with_key_file(clinic.record(OTHER), STOLEN, clinic.lab)
    if result_of(thief, other.files) != clinic.record(OTHER):
        raise Wrong("It gives back the old record, whatever lies on the laptop. Use `files`.")
    again = clinic.stolen_again()
    if result_of(thief, again.files, may_fail=True) == clinic.record(STOLEN):
        raise Wrong("It opens even a laptop without a key, so it did not use the one it found.")
    return (
        "The record is open, and nobody was asked. Take the key away from the laptop and the same "
        "program gets nowhere: that is what the rest of this lesson is about."
    )
