"""Makes four small messages, two of them with the AWS Encryption SDK, all with one published key.

They are for reading a message byte by byte, and for testing a program that does. Run it by hand in
the tests' environment, and put the checksums into `data/SHA256SUMS`; `data/README.md` states the
key, its names and the messages' content.
"""

from pathlib import Path

from kmslab import envelope
from kmslab.course.clinic import records
from tests.envelope import sdk

MESSAGES = Path(__file__).parents[1] / "data" / "messages"
NAMESPACE, NAME = "kmslab test keys", "published"
KEY = bytes(range(32))  # the example key of FIPS 197, appendix C.3
CONTEXT = {"record": "R-017", "clinic": "Seoul"}
FRAME = 128  # bytes, the least that the SDK accepts

if __name__ == "__main__":
    content = b"\n".join(map(records.record, ("R-017", "R-018", "R-019")))
    ring, provider = envelope.RawAesKeyring(NAMESPACE, NAME, KEY), sdk.aes(NAMESPACE, NAME, KEY)
    MESSAGES.mkdir(exist_ok=True)
    for suite in sdk.ALGORITHMS:
        ours = envelope.encrypt(content, ring, context=CONTEXT, suite=suite, frame_length=FRAME)
        theirs = sdk.encrypt(content, provider, CONTEXT, suite, FRAME)
        (MESSAGES / f"kmslab-{suite:04x}.message").write_bytes(ours)
        (MESSAGES / f"sdk-{suite:04x}.message").write_bytes(theirs)
