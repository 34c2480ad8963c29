"""Makes the message whose header lesson 02 reads byte by byte, the same for everybody.

Run it by hand, and put its checksum into `data/SHA256SUMS`. The lab whose key the message names
ends with this program, so nobody can decrypt the record; only the header can be read. No learner's
key has that key's id, or a letter that does not open would look like the learner's mistake.
"""

from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from kmslab import Lab, envelope
from kmslab.course.clinic import clinic, records

LETTER = Path(__file__).parents[1] / "data" / records.LETTER
KEY = str(uuid5(NAMESPACE_DNS, "the key of an old letter"))

if __name__ == "__main__":
    lab = Lab(ids=lambda: KEY, region=clinic.SEOUL)
    letter = envelope.encrypt(records.record(clinic.STOLEN), lab.create_cmk(), suite=0x0478)
    LETTER.parent.mkdir(exist_ok=True)
    LETTER.write_bytes(letter)
