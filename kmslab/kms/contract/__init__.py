"""What KMS promises, as data: operations, shapes, errors, key specs, states, records, callers and
events.

It contains no cryptography and imports no AWS library: `scripts/contract.py` derives kms.json from
botocore's model. Read `specs`, `states` and `records` first (the vocabulary), then `callers`
and `events`, `shapes`, `model`, `codec` and `validation` (what happens to a request), and `errors`.
"""
