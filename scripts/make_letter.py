"""Makes the message whose header lesson 02 reads byte by byte, the same for everybody.

Run it by hand, and put its checksum into `data/SHA256SUMS`. The lab whose key it names ends with
this program, so the record in it is lost for good: what can be read is the envelope. No learner's
key has that id, else a letter that does not open would look like the learner's fault.
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
