"""What KMS promises, as data: operations, shapes, errors, key specs, states and records.

No cryptography and no AWS library: `scripts/contract.py` derives kms.json from botocore's model.
"""
