"""What a signature costs: its size and its key's, signing and verifying, in two libraries.

The message has 32 bytes, so that hashing it costs next to nothing. Both libraries load the same key
before the clock starts. Each is compared with ECDSA on P-256 in its own library.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from kmslab.bench import openssl, with_pycryptodome
from kmslab.bench.methods import Signer
from kmslab.bench.programs import Benchmark, Call, Effort, Facts, Plan, beside
from kmslab.bench.wrapping import LIBRARIES
from kmslab.crypto import pyca

MESSAGE = bytes(range(32))
SIGN, VERIFY = "sign", "verify"


@dataclass(frozen=True, slots=True)
class Scheme:
    name: str
    key: str  # the spec of its key
    source: str
    strength: int  # bits, against an attacker without a quantum computer
    post_quantum: bool  # does it resist a large quantum computer?
    why: str  # what explains its times and sizes


POWER = (
    "The private key's power is as long as the key, the public one has 17 multiplications: so "
    "signing is slow and verifying is quick. Good for what is signed once and verified often."
)
CURVE = (
    "Signing multiplies one point that never changes, so libraries have tables for it; verifying "
    "multiplies two, one of them the signer's."
)
LATTICE = (
    "Quick arithmetic with small numbers, but thousands of bytes. Signing starts over until the "
    "signature says nothing of the key, four or five times on average, so its time varies."
)
# Strengths: as in `methods.py`; of ML-DSA, FIPS 204, table 1 (its categories 2, 3 and 5).
SCHEMES = (
    Scheme("RSA-PSS 2048", "RSA_2048", "RFC 8017 §8.1, SHA-256.", 112, False, POWER),
    Scheme("RSA-PSS 3072", "RSA_3072", "RFC 8017 §8.1, SHA-256.", 128, False, POWER),
    Scheme("RSA-PSS 4096", "RSA_4096", "RFC 8017 §8.1, SHA-256.", 152, False, POWER),
    Scheme("ECDSA P-256", "ECC_NIST_P256", "FIPS 186-5, SHA-256.", 128, False, CURVE),
    Scheme("ECDSA P-384", "ECC_NIST_P384", "FIPS 186-5, SHA-384.", 192, False, CURVE),
    Scheme("Ed25519", "ECC_NIST_EDWARDS25519", "RFC 8032.", 128, False, CURVE),
    Scheme("ML-DSA-44", "ML_DSA_44", "FIPS 204, hedged.", 128, True, LATTICE),
    Scheme("ML-DSA-65", "ML_DSA_65", "FIPS 204, hedged.", 192, True, LATTICE),
    Scheme("ML-DSA-87", "ML_DSA_87", "FIPS 204, hedged.", 256, True, LATTICE),
)
REFERENCE = "ECDSA P-256"
OUTSIDE = {
    **dict.fromkeys(("rsa2048", "rsa3072", "rsa4096"), openssl.RSA),
    **dict.fromkeys(("ecdsap256", "ecdsap384", "ed25519"), openssl.SIGNATURE),
    **dict.fromkeys(("ML-DSA-44", "ML-DSA-65", "ML-DSA-87"), openssl.ML_DSA),
}


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    keys = {scheme.name: pyca.generate_key(scheme.key) for scheme in SCHEMES}
    signers = [
        (library.NAME, scheme, library.SIGNERS[scheme.name](keys[scheme.name]))
        for scheme in SCHEMES
        for library in LIBRARIES
    ]
    rows = [(by, scheme.name, _calls(signer)) for by, scheme, signer in signers]
    programs = [
        # It starts over as often as chance wants, so its time varies.
        replace(each, steady=False) if each.operation == SIGN and "ML-DSA" in each.subject else each
        for each in beside(REFERENCE, rows)
    ]
    facts = {
        scheme.name: _facts(scheme, pyca.public_key(keys[scheme.name]), signer.sign(MESSAGE))
        for _, scheme, signer in signers
    }
    outside, absent = openssl.speed(OUTSIDE, effort.quick)
    return Plan(programs, facts, absent, [with_pycryptodome.software()], outside)


def _calls(signer: Signer) -> dict[str, Call]:
    return {
        SIGN: partial(signer.sign, MESSAGE),
        VERIFY: partial(signer.verify, signer.sign(MESSAGE), MESSAGE),
    }


def _facts(scheme: Scheme, public: bytes, signature: bytes) -> Facts:
    """Sizes in bytes, in DER: an ECDSA signature varies by a byte or two, without leading zeros."""
    return {
        "strength": f"{scheme.strength} bits",
        "quantum": "holds" if scheme.post_quantum else "falls",
        "public key": len(public),
        "signature": len(signature),
        "source": scheme.source,
        "why": scheme.why,
    }


BENCHMARK = Benchmark(
    "signatures",
    prepare,
    full=Effort(rounds=100, batch_seconds=0.005),
    quick=Effort(rounds=15, batch_seconds=0.001, quick=True),
)
