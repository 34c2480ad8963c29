"""What two results say together: a difference only where the intervals do not overlap."""

from dataclasses import replace

import pytest

from kmslab.bench.comparing import SAME, compare
from kmslab.bench.machine import Software
from kmslab.bench.result import Result
from tests.bench.test_result import by_hand, noisy, series


def changed(*times: float) -> Result:
    """The result with other times for one of the ten methods."""
    result = by_hand()
    new = series("lib", "way 1", "wrap", *times, against=result.of("lib", "KW", "wrap"))
    kept = [new if each.name == new.name else each for each in result.series]
    return replace(result, series=kept)


def verdict(old: Result, new: Result) -> tuple[str, str]:
    [change] = [each for each in compare(old, new).changes if each.new.name == "lib way 1 wrap"]
    return change.verdict, change.ratio_verdict


def test_the_same_result_shows_no_difference():
    comparison = compare(by_hand(), by_hand())
    assert {change.verdict for change in comparison.changes} == {SAME}
    assert comparison.warnings == []


def test_intervals_that_overlap_show_no_difference_though_the_medians_differ():
    assert verdict(by_hand(), changed(6.0, 6.05, 6.1)) == (SAME, f"3.00 → 3.02: {SAME}")


@pytest.mark.parametrize(
    ("time", "shown", "ratio"),
    [(12.0, "2.00 times as long", "6.00"), (1.5, "4.00 times as fast", "0.750")],
)
def test_a_change_says_by_how_much_and_which_way(time, shown, ratio):
    assert verdict(by_hand(), changed(time, time, time)) == (shown, f"3.00 → {ratio}")


def test_a_shown_comparison_has_both_medians_with_their_intervals():
    shown = repr(compare(by_hand(), changed(12.0, 12.0, 12.0)))
    [line] = [line for line in shown.splitlines() if line.startswith("lib way 1 wrap")]
    cells = [*filter(None, line.split("  "))]
    assert cells[1:3] == ["6 µs (6 µs – 6.06 µs)", "12 µs (12 µs – 12 µs)"]


def test_a_comparison_fits_a_terminal_and_lacks_nothing_there():
    comparison = compare(by_hand(), replace(changed(12.0, 12.0, 12.0), quick=True))
    narrow, wide = comparison.fitted(60), comparison.fitted(200)
    assert wide == repr(comparison)
    assert max(map(len, wide.splitlines())) > 60 >= max(map(len, narrow.splitlines()))
    assert narrow.replace("─", "").split() == wide.replace("─", "").split()


def test_programs_get_the_same():
    told = compare(by_hand(), changed(12.0, 12.0, 12.0)).to_dict()
    [change] = [each for each in told["changes"] if each["name"] == "lib way 1 wrap"]
    assert change | {"ratio": ""} == {
        "name": "lib way 1 wrap",
        "old": 6.0,
        "new": 12.0,
        "factor": 2.0,
        "overlap": False,
        "verdict": "2.00 times as long",
        "ratio": "",
    }


def test_other_machines_are_a_warning():
    machine = replace(by_hand().machine, processor="another", cores=8, load=[3.0, 4.0])
    [warning] = compare(by_hand(), replace(by_hand(), machine=machine)).warnings
    assert warning == (
        "The machines differ (processor: a processor → another; cores: 2 → 8). "
        "Compare the ratios, not the times."
    )


def test_other_versions_a_quick_run_noise_and_missing_programs_are_warnings():
    new = replace(noisy(5), quick=True, software=[Software("lib", "2.0")])
    new = replace(new, series=new.series[:-1])
    versions, quick, noise, missing = compare(by_hand(), new).warnings
    assert versions == "The software differs: lib 1.0 (itself) → lib 2.0."
    assert quick.startswith("The new result is of a quick run")
    assert noise.startswith("The new result: Noisy: in 5 of 22 series")
    assert missing == "Only in the old result: lib RSA make."


def test_results_of_different_benchmarks_are_not_compared():
    with pytest.raises(ValueError, match="one is a result of hand, the other of wrapping"):
        compare(by_hand(), replace(by_hand(), benchmark="wrapping"))
