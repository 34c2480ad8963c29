"""11-validated: may it be called validated? One version of one module, in its mode, in its time."""

from datetime import date

from kmslab.course import Certificate


def validated(
    certificate: Certificate, module: str, version: str, approved: bool, day: date
) -> bool:
    same = (certificate.module, certificate.version) == (module, version)
    return same and approved and certificate.since <= day <= certificate.until
