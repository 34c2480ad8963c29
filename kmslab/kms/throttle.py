"""AWS's request quotas, kept with one token bucket for each account, Region and quota.

A bucket holds what one second allows and refills at that rate. A call on another account's key
counts for the caller. Cryptographic operations share quotas by the kind of their key; the request's
algorithm determines the kind before the key is looked up. The rates are in `contract/quotas.json`.
Source: AWS KMS developer guide, "Request quotas".
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.source import CONTRACT
from kmslab.kms.table import Row

QUOTAS: dict[str, Any] = json.loads((CONTRACT / "quotas.json").read_bytes())
TOO_FAST = (
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
)

Bucket = tuple[str, str, str]  # account, Region, quota


class Throttle:
    """The buckets of one service. Its caller passes the time, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._left: dict[Bucket, tuple[float, float]] = {}  # tokens, and when they were counted
        self._lock = threading.Lock()

    def admit(self, row: Row, request: Mapping[str, Any], caller: Caller, at: float) -> None:
        """Take the tokens that a call costs, or raise ThrottlingException and take none."""
        quotas = rates(row, request, caller.region)
        charges = [
            ((caller.account, caller.region, quota), rate, 1) for quota, rate in quotas.items()
        ]
        charges += _elsewhere(row, request, caller)
        with self._lock:
            left = [
                (bucket, self._count(bucket, rate, at) - calls) for bucket, rate, calls in charges
            ]
            if any(tokens < 0 for _, tokens in left):
                fail("ThrottlingException", TOO_FAST)
            self._left |= {bucket: (tokens, at) for bucket, tokens in left}

    def _count(self, bucket: Bucket, rate: float, at: float) -> float:
        tokens, since = self._left.get(bucket, (rate, at))
        return min(rate, tokens + rate * (at - since))


def _elsewhere(
    row: Row, request: Mapping[str, Any], caller: Caller
) -> list[tuple[Bucket, float, int]]:
    """What a call counts for in another Region, where KMS does a part of it."""
    if other := QUOTAS["elsewhere"].get(row.name):
        operation, region = other["operation"], request[other["region"]]
        bucket = (caller.account, region, operation)
        return [(bucket, QUOTAS["operations"][operation], other["calls"])]
    return []


def rates(row: Row, request: Mapping[str, Any], region: str) -> dict[str, float]:
    """The quotas that a call counts for, and the calls per second that each allows there."""
    if pair := request.get("KeyPairSpec"):
        return {f"{pair} key pairs": QUOTAS["key_pairs"].get(pair, 1)}
    if quotas := _shared_quotas(row, request):
        return {quota: _shared_rate(quota, region) for quota in quotas}
    return {row.name: QUOTAS["operations"][row.name]}


def _shared_quotas(row: Row, request: Mapping[str, Any]) -> set[str]:
    """ReEncrypt may count for two. An unknown algorithm counts as symmetric, and no key has it."""
    if quota := QUOTAS["shared_without_key"].get(row.name):
        return {quota}
    members = [(role.naming.prefix, role.usage) for role in row.roles if role.usage]
    algorithms = {request.get(prefix + usage.algorithm, usage.default) for prefix, usage in members}
    return {QUOTAS["shared_by_algorithm"].get(each, "symmetric") for each in algorithms}


def _shared_rate(quota: str, region: str) -> float:
    by_region = QUOTAS["symmetric_by_region"] if quota == "symmetric" else {}
    rate: float = by_region.get(region, QUOTAS["shared"][quota])
    return rate
