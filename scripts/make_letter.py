"""Makes the message whose header lesson 02 reads byte by byte, the same for everybody.

Run it by hand, and put its checksum into `data/SHA256SUMS`. The lab whose key it names ends with
this program, so the record in it is lost for good: what can be read is the envelope.
"""

from pathlib import Path

from kmslab import envelope
from kmslab.course import clinic, story

LETTER = Path(__file__).parents[1] / "data" / story.LETTER

if __name__ == "__main__":
    lab, office = clinic(until="02")
    letter = envelope.encrypt(office.record("R-017"), lab.cmk("alias/records"), suite=0x0478)
    LETTER.parent.mkdir(exist_ok=True)
    LETTER.write_bytes(letter)
