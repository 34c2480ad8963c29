"""A simulated enclave: what AWS Nitro Enclaves shows to AWS KMS, without Nitro.

An enclave is a part of an EC2 instance that the instance's own root user cannot look into. Here it
is a Python object, and its memory is this process's memory: only its documents are real. A root of
the lab's own signs them, which the lab's KMS trusts and AWS does not.
Sources: AWS Nitro Enclaves user guide, "Cryptographic attestation" and "Where to get an enclave's
measurements".
"""

import secrets
from hashlib import sha384

from kmslab.crypto import Forged, Malformed, SecretBytes, attestation, cms
from kmslab.crypto.self_tested import proven
from kmslab.kms.arn import known_arn
from kmslab.lab.view import View

KEY_SPEC = "RSA_2048"
REGISTERS = range(16)
ZEROS = bytes(48)  # a register that measures nothing


class Enclave:
    """An enclave that runs `image`, on an instance that has the role of `lab`'s caller.

    `lab`: a lab, or a view of one such as `lab.role("enclave-host")`. `image`: the program's bytes.
    `debug`: whether its console can be read; then its measurements are zeros, so that no policy
    which names an image lets it in. Its RSA key is made with it. A simulation: see the module.
    """

    def __init__(self, lab: View, image: bytes, *, debug: bool = False) -> None:
        self.debug = debug
        self._lab = lab
        self._private = proven(cms.OAEP, KEY_SPEC).generate_key(KEY_SPEC)
        self._instance = f"i-{secrets.token_hex(9)[:17]}"
        self.module_id = f"{self._instance}-enc{secrets.token_hex(8)}"
        self._registers = dict.fromkeys(REGISTERS, ZEROS)
        if not debug:
            self._registers |= {0: sha384(image).digest(), 4: _extended(self._instance)}
            caller = known_arn(lab.caller.identity)
            if caller.kind == "role":
                self._registers[3] = _extended(lab.caller.identity)

    @property
    def pcrs(self) -> dict[int, str]:
        """The platform configuration registers, as policies write them.

        0 measures the image; 3 the instance's role, if it has one; 4 the instance. The simulation
        measures nothing else: the others are zeros.
        """
        return {index: content.hex() for index, content in self._registers.items()}

    @property
    def image_sha384(self) -> str:
        """PCR 0, as a policy's condition on `kms:RecipientAttestation:ImageSha384` writes it."""
        return self.pcrs[0]

    def attest(self, user_data: bytes | None = None, nonce: bytes | None = None) -> bytes:
        """A new attestation document with the enclave's public key, valid for three hours.

        `user_data`, `nonce`: what the document is to carry. Raises ValueError beyond 512 bytes.
        """
        if max(len(user_data or b""), len(nonce or b"")) > attestation.USER_DATA:
            raise ValueError(f"user_data and nonce have at most {attestation.USER_DATA} bytes each")
        public = proven(cms.OAEP, KEY_SPEC).public_key(self._private)
        registers = self._registers
        said = attestation.Attested(self.module_id, registers, public, user_data, nonce)
        root = self._lab.service.recipients.root()
        return attestation.issue(said, root, self._lab.clock.now())

    @property
    def recipient(self) -> dict[str, object]:
        """The Recipient of a request: `kms.decrypt(CiphertextBlob=…, Recipient=…)`."""
        return {"KeyEncryptionAlgorithm": cms.OAEP, "AttestationDocument": self.attest()}

    def open(self, ciphertext_for_recipient: bytes) -> SecretBytes:
        """What the KMS sealed for this enclave. Raises ValueError for anything else."""
        try:
            return cms.unseal(self._private, ciphertext_for_recipient)
        except (Forged, Malformed):
            text = "these bytes are not a CiphertextForRecipient for this enclave's key"
            raise ValueError(text) from None

    def __repr__(self) -> str:
        return f"<Enclave {self.module_id}, simulated{', debug' if self.debug else ''}>"


def _extended(measured: str) -> bytes:
    """A register that began with zeros and was extended once."""
    return sha384(ZEROS + measured.encode()).digest()
