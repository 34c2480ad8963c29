"""Which key specs, algorithms and message types go together: AWS's table, for the tests.

Written down here and not read from the code that is tested.
"""

from dataclasses import dataclass

RSA = ("RSA_2048", "RSA_3072", "RSA_4096")
LONG_RSA = RSA[1:]  # slow to make and to sign with: for the long tests, RSA_2048 for the quick
EC = {"ECC_NIST_P256": 32, "ECC_NIST_P384": 48, "ECC_NIST_P521": 66}  # bytes of a coordinate
ML_DSA = ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")
ML_KEM = ("ML_KEM_512", "ML_KEM_768", "ML_KEM_1024")
SPECS = (*RSA, *EC, "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", *ML_DSA, *ML_KEM)
OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")


@dataclass(frozen=True)
class Scheme:
    """One way to sign: `size` is of the message, None for any; `longest` of the signature."""

    spec: str
    algorithm: str
    message_type: str
    size: int | None
    longest: int
    fixed: bool  # every signature is as long as the longest

    def __str__(self) -> str:
        return f"{self.spec}-{self.algorithm}-{self.message_type}"

    def message(self, text: bytes = b"The fifth of January: 4.2 mmol/l") -> bytes:
        return text if self.size is None else (text * 64)[: self.size]


def _schemes() -> list[Scheme]:
    found = []
    for bits in (256, 384, 512):
        for spec, length in zip(RSA, (256, 384, 512), strict=True):
            for padding in ("RSASSA_PSS", "RSASSA_PKCS1_V1_5"):
                name = f"{padding}_SHA_{bits}"
                found.append(Scheme(spec, name, "RAW", None, length, True))
                found.append(Scheme(spec, name, "DIGEST", bits // 8, length, True))
    for spec, bits, longest in (
        ("ECC_NIST_P256", 256, 72),
        ("ECC_NIST_P384", 384, 104),
        ("ECC_NIST_P521", 512, 139),
        ("ECC_SECG_P256K1", 256, 72),
    ):
        found.append(Scheme(spec, f"ECDSA_SHA_{bits}", "RAW", None, longest, False))
        found.append(Scheme(spec, f"ECDSA_SHA_{bits}", "DIGEST", bits // 8, longest, False))
    edwards = "ECC_NIST_EDWARDS25519"
    found.append(Scheme(edwards, "ED25519_SHA_512", "RAW", None, 64, True))
    found.append(Scheme(edwards, "ED25519_PH_SHA_512", "DIGEST", 64, 64, True))
    for spec, length in zip(ML_DSA, (2420, 3309, 4627), strict=True):
        found.append(Scheme(spec, "ML_DSA_SHAKE_256", "RAW", None, length, True))
        found.append(Scheme(spec, "ML_DSA_SHAKE_256", "EXTERNAL_MU", 64, length, True))
    return found


SCHEMES = _schemes()
