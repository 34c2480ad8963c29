"""Quotas: how often each account may call in each Region. No test waits."""

import re
from collections.abc import Callable
from itertools import count

import pytest

from kmslab import Lab
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.specs import KEY_SPECS
from kmslab.kms.table import TABLE
from kmslab.kms.throttle import QUOTAS, TOO_FAST, Throttle, rates

TOO_OFTEN = EXCEPTIONS["ThrottlingException"]
ALICE = Caller("arn:aws:iam::111122223333:user/alice", "111122223333", "us-east-1")
BOB = Caller("arn:aws:iam::111122223333:user/bob", "111122223333", "us-east-1")
ABROAD = Caller("arn:aws:iam::111122223333:user/alice", "111122223333", "eu-west-1")
OTHER = Caller("arn:aws:iam::444455556666:root", "444455556666", "us-east-1")


def call(throttle: Throttle, name: str, at: float, caller: Caller = ALICE, **request) -> None:
    throttle.admit(TABLE[name], request, caller, at)


def passed(throttle: Throttle, name: str, at: float, caller: Caller = ALICE, **request) -> int:
    """How many calls at one moment are admitted."""
    return until_throttled(lambda: call(throttle, name, at, caller, **request))


def until_throttled(make: Callable[[], object]) -> int:
    made = count()

    def again_and_again() -> None:
        while True:
            make()
            next(made)

    with pytest.raises(TOO_OFTEN, match=f"^{re.escape(TOO_FAST)}$"):
        again_and_again()
    return next(made)


# ---------------------------------------------------------------------------------------- buckets


def test_a_second_allows_what_the_quota_says():
    assert passed(Throttle(), "CreateAlias", 0.0) == 5


def test_a_replication_counts_as_two_new_keys_in_the_replicas_region():
    throttle = Throttle()
    assert passed(throttle, "ReplicateKey", 0.0, ReplicaRegion="eu-west-1") == 2
    assert passed(throttle, "CreateKey", 0.0, ABROAD) == 1
    assert passed(throttle, "CreateKey", 0.0) == 5
    assert passed(throttle, "ReplicateKey", 0.0, ReplicaRegion="eu-west-2") == 2
    assert passed(throttle, "ReplicateKey", 0.0, ReplicaRegion="eu-west-3") == 1


def test_a_change_of_the_primary_counts_in_both_regions():
    throttle = Throttle()
    assert passed(throttle, "UpdatePrimaryRegion", 0.0, PrimaryRegion="eu-west-1") == 5
    assert passed(throttle, "UpdatePrimaryRegion", 0.0, ABROAD, PrimaryRegion="us-east-1") == 0


def test_tokens_come_back_one_by_one():
    throttle = Throttle()
    assert passed(throttle, "CreateAlias", 0.0) == 5
    assert passed(throttle, "CreateAlias", 0.2) == 1
    assert passed(throttle, "CreateAlias", 0.9) == 3
    assert passed(throttle, "CreateAlias", 100.0) == 5


def test_throttled_call_takes_no_token():
    throttle = Throttle()
    assert passed(throttle, "RotateKeyOnDemand", 0.0) == 5
    for tenth in range(1, 10):
        with pytest.raises(TOO_OFTEN):
            call(throttle, "RotateKeyOnDemand", tenth / 100)
    assert passed(throttle, "RotateKeyOnDemand", 0.2) == 1


def test_operations_of_all_callers_of_one_account_are_counted_together():
    throttle = Throttle()
    assert passed(throttle, "CreateKey", 0.0) == 5
    assert passed(throttle, "CreateKey", 0.0, BOB) == 0


@pytest.mark.parametrize("caller", [ABROAD, OTHER])
def test_accounts_and_regions_have_their_own(caller):
    throttle = Throttle()
    assert passed(throttle, "CreateKey", 0.0) == 5
    assert passed(throttle, "CreateKey", 0.0, caller) == 5


def test_operations_have_their_own():
    throttle = Throttle()
    assert passed(throttle, "CreateKey", 0.0) == 5
    assert passed(throttle, "CreateAlias", 0.0) == 5


def test_cryptography_shares_by_the_kind_of_key():
    throttle = Throttle()
    assert passed(throttle, "Sign", 0.0, SigningAlgorithm="ECDSA_SHA_256") == 1_000
    assert passed(throttle, "DeriveSharedSecret", 0.0, KeyAgreementAlgorithm="ECDH") == 0
    assert passed(throttle, "Sign", 0.0, SigningAlgorithm="RSASSA_PSS_SHA_256") == 1_000
    assert passed(throttle, "Encrypt", 0.0, EncryptionAlgorithm="RSAES_OAEP_SHA_1") == 0
    assert passed(throttle, "Verify", 0.0, SigningAlgorithm="ML_DSA_SHAKE_256") == 1_000


@pytest.mark.parametrize(
    ("region", "rate"), [("us-east-1", 100_000), ("eu-central-1", 20_000), ("eu-north-1", 10_000)]
)
def test_symmetric_rate_depends_on_the_region(region, rate):
    for name in ("Encrypt", "Decrypt", "GenerateDataKey", "GenerateRandom", "VerifyMac"):
        mac = {"MacAlgorithm": "HMAC_SHA_256"} if name == "VerifyMac" else {}
        assert rates(TABLE[name], mac, region) == {"symmetric": rate}


def test_re_encrypt_counts_once_for_each_kind_of_key():
    row = TABLE["ReEncrypt"]
    assert rates(row, {}, "eu-north-1") == {"symmetric": 10_000}
    algorithm = {"SourceEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    assert rates(row, algorithm, "eu-north-1") == {"symmetric": 10_000, "RSA": 1_000}


def test_data_key_pairs_have_quotas_of_their_own():
    throttle = Throttle()
    assert passed(throttle, "GenerateDataKeyPair", 0.0, KeyPairSpec="RSA_4096") == 1
    without = "GenerateDataKeyPairWithoutPlaintext"
    assert passed(throttle, without, 0.0, KeyPairSpec="RSA_4096") == 0
    assert passed(throttle, without, 0.0, KeyPairSpec="RSA_3072") == 4


# --------------------------------------------------------------------------------------- the table


def test_every_operation_has_one_quota_or_more():
    for name in MODEL.operations.keys() & TABLE.keys():
        assert all(rate >= 1 for rate in rates(TABLE[name], {}, "us-east-1").values())


def test_no_quota_is_of_an_operation_that_aws_lacks():
    assert QUOTAS["operations"].keys() < MODEL.operations.keys()
    assert QUOTAS["shared_without_key"].keys() < MODEL.operations.keys()


def test_every_algorithm_counts_for_some_quota():
    known = {
        algorithm
        for spec in KEY_SPECS.values()
        for algorithms in spec.algorithms.values()
        for algorithm in algorithms
    }
    assert QUOTAS["shared_by_algorithm"].keys() == known
    assert set(QUOTAS["shared_by_algorithm"].values()) == QUOTAS["shared"].keys()


# ----------------------------------------------------------------------------------------- a lab


def test_lab_throttles_only_if_asked_to():
    with Lab() as lab:
        for _ in range(20):
            lab.kms.create_key()


def test_throttled_call_does_nothing_and_is_in_the_trail():
    with Lab(throttle=True) as lab:
        keys = until_throttled(lab.kms.create_key)  # faster than five a second on any machine
        assert len(lab.kms.list_keys()["Keys"]) == keys
        refused = [event for event in lab.trail if event.get("errorCode") == "ThrottlingException"]
        assert [event["eventName"] for event in refused] == ["CreateKey"]
        assert refused[0]["errorMessage"] == TOO_FAST
