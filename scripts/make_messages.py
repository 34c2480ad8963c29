"""Makes four small messages, two of them by the AWS Encryption SDK, all with one published key.

Whoever reads a message byte by byte, or writes a reader, finds the same bytes here every day. Run
it by hand in the tests' environment, and put the checksums into `data/SHA256SUMS`; the key, the
names and what is in the messages stand in `data/README.md`.
"""

from pathlib import Path

from kmslab import envelope
from kmslab.course.clinic import records
from tests.envelope import sdk

MESSAGES = Path(__file__).parents[1] / "data" / "messages"
NAMESPACE, NAME = "kmslab test keys", "published"
KEY = bytes(range(32))  # the example key of FIPS 197, appendix C.3
CONTEXT = {"record": "R-017", "clinic": "Seoul"}
FRAME = 128  # bytes; in fewer the SDK does not write

if __name__ == "__main__":
    records = b"\n".join(map(records.record, ("R-017", "R-018", "R-019")))
    ring, provider = envelope.RawAesKeyring(NAMESPACE, NAME, KEY), sdk.aes(NAMESPACE, NAME, KEY)
    MESSAGES.mkdir(exist_ok=True)
    for suite in sdk.ALGORITHMS:
        ours = envelope.encrypt(records, ring, context=CONTEXT, suite=suite, frame_length=FRAME)
        theirs = sdk.encrypt(records, provider, CONTEXT, suite, FRAME)
        (MESSAGES / f"kmslab-{suite:04x}.message").write_bytes(ours)
        (MESSAGES / f"sdk-{suite:04x}.message").write_bytes(theirs)
