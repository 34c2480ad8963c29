"""Measurements: what things cost on this computer, each beside what it is compared with.

A benchmark is a module below, listed in `BENCHMARKS`, which says what is measured: `kmslab bench
NAME` runs it, and so does `running.run`. What is the same for all, in order of reading:
`programs.py` what a benchmark states, `measuring.py` how it is timed fairly, `summary.py` the
statistics, `running.py` from one to the other, `machine.py` the computer, `result.py` what was
measured, as JSON (`result.schema.json`), `tables.py` how it is shown, `comparing.py` two results
side by side, `report.py` a report in Markdown with a picture, `progress.py` how far it is;
`openssl.py` an outside reference.
"""

from collections.abc import Mapping

BENCHMARKS: Mapping[str, str] = {
    "wrapping": "Wrapping a data key by every method, in two libraries.",
    "signatures": "Signing and verifying by every scheme, in two libraries.",
    "keygen": "Making keys: every key spec, in two libraries.",
    "sealing": "Sealing data: Encrypt for each 4 KiB of it, or one data key for all.",
    "envelope": "Sealing and opening with the message format, beside the least work there is.",
    "service": "A call in this process and over HTTP, beside the least work there is.",
    "scale": "Calls in a store of many keys, grants and events, beside one of a thousand keys.",
}
