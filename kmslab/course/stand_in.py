"""A second KMS that stands for AWS: another account, other key material, and AWS's quotas.

Its quotas are counted by its own clock, which stands still unless it is moved on, so that a lesson
shows the same refusals in every run.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from kmslab.clock import Clock
from kmslab.course.clinic.clinic import MONDAY, SEOUL
from kmslab.kms.contract.callers import Caller
from kmslab.kms.table import TABLE
from kmslab.kms.throttle import Throttle
from kmslab.lab.lab import Lab

ACCOUNT = "444455556666"


def stand_in(wards: int = 0) -> Lab:
    """A lab that a lesson treats as AWS: it has nothing of the clinic's, and refuses haste.

    `wards`: how many keys it has already, `alias/ward-0` and so on.
    """
    lab = Lab(clock=Clock.frozen(MONDAY), ids=_ids(), region=SEOUL, account=ACCOUNT)
    for number in range(wards):
        lab.create_cmk(f"ward-{number}")
    throttle, make_call = Throttle(), lab.service.call

    def call(
        name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        if name in TABLE:
            throttle.admit(TABLE[name], request, caller, lab.clock.now().timestamp())
        return make_call(name, caller, request, request_id)

    vars(lab.service)["call"] = call  # in place of the method
    return lab


def _ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: str(uuid5(NAMESPACE_DNS, f"key {next(numbers)} of the stand-in"))
