"""What lesson 08 says about the recorded run is true of the run in `data/`."""

from functools import cache
from statistics import fmean
from time import perf_counter

import pytest
from Crypto.Cipher import AES

from kmslab import course
from kmslab.bench import keygen, methods, wrapping
from kmslab.bench.wrapping import UNWRAP, WRAP
from kmslab.course.simulated_machines import CLOCK_READING, SLOWDOWN, heating_machine, machines
from tests.cases import for_every

OURS, OTHER = "cryptography", "PyCryptodome"
RSA = ("RSA-OAEP 2048", "RSA-OAEP 3072", "RSA-OAEP 4096")
ML_KEM = ("ML-KEM-768", "ML-KEM-1024")


@cache
def run() -> wrapping.NineWays:
    return wrapping.read(course.recorded("wrapping"))


def took(method: str, operation: str, library: str = OURS) -> float:
    return run().median(library, method, operation)


def test_the_machine_was_idle_enough():
    assert run().warning == ""


@pytest.mark.parametrize("library", [OURS, OTHER])
def test_clearly_fewer_than_half_of_a_hundred_keys_took_longer_than_their_mean(library):
    made = keygen.read(course.recorded("keygen")).result
    samples = made.of(library, "RSA_4096", keygen.MAKE).samples
    assert len(samples) == 100
    assert sum(sample > fmean(samples) for sample in samples) <= 45


@for_every("way", RSA)
@for_every("library", [OURS, OTHER])
def test_busan_works_many_times_as_long_as_the_clinic(library, way):
    assert took(way, UNWRAP, library) > 5 * took(way, WRAP, library)


def test_aes_takes_about_as_long_both_ways_and_ecdh_longer_to_wrap():
    assert took("AES-KW", WRAP) == pytest.approx(took("AES-KW", UNWRAP), rel=0.25)
    assert took("ECDH P-256", WRAP) > 1.1 * took("ECDH P-256", UNWRAP)


def test_rsas_strength_grows_slowly_and_busans_work_fast():
    short, _, long = (method for method in methods.METHODS if method.name in RSA)
    assert took(long.name, UNWRAP) / took(short.name, UNWRAP) > 3 * long.strength / short.strength


@pytest.mark.parametrize("way", ML_KEM)
def test_ml_kem_wraps_about_as_fast_as_the_shortest_rsa_unwraps_far_faster_and_is_fat(way):
    assert took(way, WRAP) < 1.5 * took(RSA[0], WRAP)
    assert took(way, UNWRAP) < took(RSA[0], UNWRAP) / 4
    assert run().sizes[way] > 2 * max(run().sizes[each] for each in RSA)


def test_from_2048_to_4096_bits_busans_work_grows_almost_sixfold():
    assert 5.5 < took(RSA[2], UNWRAP) / took(RSA[0], UNWRAP) < 6


def test_on_a_card_rsa_is_quicker_if_more_than_about_five_are_wrapped_for_one_unwrapped():
    ecdh = "ECDH P-256"
    dearer = took(RSA[0], UNWRAP) - took(ecdh, UNWRAP)
    assert dearer / (took(ecdh, WRAP) - took(RSA[0], WRAP)) == pytest.approx(4.7, abs=0.4)
    fits = [way for way, size in run().sizes.items() if size <= 300 and "AES" not in way]
    assert fits == [RSA[0], ecdh]


def test_rsa_beats_aes_in_the_other_library_and_the_cost_of_a_call_does_not_explain_it():
    aes = took("AES-KW", WRAP, OTHER)
    assert aes > 1.1 * took(RSA[0], WRAP, OTHER)
    assert aes > 1000 * run().baseline.summary.median
    assert "aes" in run().machine.flags


@pytest.mark.long  # it measures
def test_one_data_key_is_so_short_that_the_processors_aes_unit_hardly_matters():
    """AES-KW of 32 bytes is 24 blocks of AES (RFC 3394 §2.2.1); here they come in one call."""

    def fastest(unit: bool) -> float:
        times = []
        for _ in range(200):
            began = perf_counter()
            AES.new(bytes(32), AES.MODE_ECB, use_aesni=unit).encrypt(bytes(16 * 24))
            times.append(perf_counter() - began)
        return min(times) * 1e6

    assert fastest(unit=False) < 3 * fastest(unit=True)
    assert fastest(unit=False) < took("AES-KW", WRAP, OTHER) / 4


def test_with_the_network_three_powers_of_ten_become_less_than_one():
    alone = [took(way, UNWRAP) for way in ("AES-KW", "ML-KEM-768", RSA[0], RSA[2])]
    assert max(alone) / min(alone) > 1000
    assert (1000 + max(alone)) / (1000 + min(alone)) < 10


# --------------------------------------------------------------------------- simulated machines


def test_a_simulated_machine_gives_the_same_times_in_every_run():
    said = [[machine.clock() for machine in machines() if not machine.call()] for _ in range(2)]
    assert said[0] == said[1]
    assert machines(work=2)[2].cost == 2 * machines()[2].cost
    assert len({machine.name for machine in [*machines(), heating_machine()]}) == 5


def test_the_other_program_slows_enough_calls_to_change_the_mean_and_too_few_for_the_median():
    machine = machines()[3]
    slow = 0
    for number in range(1, 5000):
        before = machine.now
        machine.call()
        slow += machine.now - before > machine.cost * 1.01
        if number > 100:
            assert slow / number * (SLOWDOWN - 1) > 0.04
            assert slow / number < 0.3


def test_waiting_for_the_next_tick_ends():
    machine = machines()[2]
    began = machine.clock()
    looks = 0
    while machine.clock() == began:
        looks += 1
    assert looks * CLOCK_READING <= machine.tick
