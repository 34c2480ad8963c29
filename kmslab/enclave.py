"""A simulated enclave, to try a KMS key's attestation conditions without AWS Nitro Enclaves.

from kmslab.enclave import Enclave
"""

from kmslab.lab.enclave import Enclave

__all__ = ["Enclave"]
