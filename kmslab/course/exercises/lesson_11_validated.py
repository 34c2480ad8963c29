"""Lesson 11's check of `validated`: which module may be called validated, and when."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from kmslab.course.certificates import Certificate
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    require_bodies,
    result_of,
    true_or_false,
)

SAYS = "`validated` gave back `{}` {}. The certificate is that of {} {}: {}, Level {}."
DAY = timedelta(days=1)
Change = Callable[[Certificate], Mapping[str, object]]  # of the arguments after the certificate
IN_FORCE: Mapping[str, Change] = {
    "on a day between the two days of the certificate, for its own module and version": (
        lambda certificate: {}
    ),
    "on the certificate's first day": lambda certificate: {"day": certificate.since},
    "on the certificate's last day, which counts": lambda certificate: {"day": certificate.until},
}
NOT_IN_FORCE: Mapping[str, Change] = {
    "for another module, whose version has the same number": (
        lambda certificate: {"module": certificate.module + " Lite"}
    ),
    "for a module whose name is the first word of the certified one's": (
        lambda certificate: {"module": certificate.module.split()[0]}
    ),
    "for the next version of the module, which no laboratory has seen": (
        lambda certificate: {"version": certificate.version + ".1"}
    ),
    "for an older version of the module": lambda certificate: {"version": "1.0"},
    "for an older version, whose number is the start of the certified one": (
        lambda certificate: {"version": certificate.version.split(".")[0]}
    ),
    "for the right version, run in a mode that the certificate does not cover": (
        lambda certificate: {"approved": False}
    ),
    "on the day before the certificate was given": (
        lambda certificate: {"day": certificate.since - DAY}
    ),
    "on the day after the certificate became historical": (
        lambda certificate: {"day": certificate.until + DAY}
    ),
}
CERTIFICATES = (
    Certificate("Seoul Vault", "4.2", "FIPS 140-3", 3, date(2025, 3, 3), date(2030, 3, 2)),
    Certificate("Han River", "12.0.7", "FIPS 140-2", 2, date(2021, 9, 1), date(2026, 9, 21)),
)


def check_validated(clinic: Clinic, validated: Function) -> str:
    require_bodies([validated], CERTIFICATES[0], "Seoul Vault", "4.2", True, date(2026, 1, 5))
    for certificate in CERTIFICATES:
        for circumstances, change in IN_FORCE.items():
            if not _says(validated, certificate, change):
                raise _wrong(False, circumstances, certificate)
        for circumstances, change in NOT_IN_FORCE.items():
            if _says(validated, certificate, change):
                raise _wrong(True, circumstances, certificate)
    renewed = replace(CERTIFICATES[0], module="Cuckoo", version="0.9")
    if not _says(validated, renewed, lambda certificate: {}):
        raise _wrong(False, "for a certificate that it had not met before", renewed)
    return (
        "One module, one version, in the mode that was tested, while the certificate is active. "
        "That something uses the same algorithm is not among the conditions."
    )


def _wrong(said: bool, circumstances: str, about: Certificate) -> Wrong:
    certified = (about.module, about.version, about.standard, about.level)
    return Wrong(SAYS.format(said, circumstances, *certified))


def _says(validated: Function, certificate: Certificate, change: Change) -> bool:
    given: dict[str, object] = {
        "module": "".join([*certificate.module]),  # equal, and another object
        "version": "".join([*certificate.version]),
        "approved": True,
        "day": certificate.since + (certificate.until - certificate.since) / 2,
    }
    given |= change(certificate)
    return true_or_false(result_of(validated, certificate, *given.values()), validated)
