"""The Python way in: a lab is an empty AWS of your own, with plain words for AWS's calls.

It promises that every word makes ordinary calls to the service, authorised and recorded like any
other. Read `lab.py` (what a lab is made of), `view.py` (the same lab for another caller or Region),
`cmk.py` with `key_uses.py` and `imports.py` (the handle on one key), then `client.py` with
`methods.py` (`lab.kms`) and `boto.py` (a real boto3 client without a network). `elsewhere.py` gives
the same handle for a key of AWS's or of an endpoint. `pages.py` and `tables.py` read and show what
KMS lists.
`seeding/` fills a lab from a file; `integrations/` are simulated AWS services that use its keys,
and `enclave.py` is a simulated enclave.
"""

ACCOUNT, REGION = "111122223333", "us-east-1"  # unless a lab is given others
