"""Be the thief: nothing but the laptop's files, and the record is open."""

from kmslab.course.clinic import stolen_laptop
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import NoKey, NotOpened
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written

OTHER = "R-101"
SWAPPED = "`unlock` says that this key does not fit this box. It takes the sealed file first."


def thief(clinic: Clinic, break_in: Answer) -> str:
    friday = clinic.stolen_on_friday()
    need_written([break_in], friday.files)
    swapped: dict[type[Exception], str] = {NoKey: SWAPPED, NotOpened: SWAPPED}
    if ask(break_in, friday.files, meaning=swapped) != clinic.record(STOLEN):
        raise Wrong("What you gave back is not the record. Both files are needed: which is which?")
    other = stolen_laptop.with_key_file(clinic.record(OTHER), STOLEN, clinic.lab)
    if ask(break_in, other.files) != clinic.record(OTHER):
        raise Wrong("It gives back the old record, whatever lies on the laptop. Use `files`.")
    again = clinic.stolen_again()
    if ask(break_in, again.files, refusal_is_fine=True) == clinic.record(STOLEN):
        raise Wrong("It opens even a laptop without a key, so it did not use the one it found.")
    return (
        "The record is open, and nobody was asked. Take the key away from the laptop and the same "
        "program gets nowhere: that is what the rest of this lesson is about."
    )
