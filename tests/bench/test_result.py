"""The result of a run: its JSON, its tables, its warning about noise and its pictures."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from kmslab.bench import wrapping
from kmslab.bench.machine import Machine, Software
from kmslab.bench.methods import KEY_SPECS, METHODS
from kmslab.bench.result import BASELINE, GENERATE, UNWRAP, WRAP, Result, Series, three_digits
from kmslab.bench.summary import Summary, summarise
from kmslab.display import Table

SCHEMA = json.loads(files("kmslab.bench").joinpath("wrapping.schema.json").read_text("utf-8"))
RECORDED = Path(__file__).parents[2] / "data" / "benchmarks" / "wrapping.json"
LIBRARIES = ("cryptography", "PyCryptodome")


def series(library: str, subject: str, operation: str, *samples: float) -> Series:
    return Series(library, subject, operation, 1, samples, summarise(samples))


@cache
def by_hand() -> Result:
    """AES-KW takes 2 µs, and every other method three times as long as the one before it."""
    measured = [series("", BASELINE, "call", 0.05, 0.05, 0.051)]
    for library in LIBRARIES:
        for number, method in enumerate(METHODS):
            time = 2.0 * 3 ** (number - 1)
            measured += [
                series(library, method.name, operation, time, time, time * 1.01)
                for operation in (WRAP, UNWRAP)
            ]
        measured += [series(library, key, GENERATE, 1000.0, 2000.0, 9000.0) for key in KEY_SPECS]
    return Result(
        measured_at="2026-01-05T00:00:00+00:00",
        quick=False,
        machine=Machine("a processor", ("aes",), 2, "Linux x86_64", "CPython 3.11.0", (0.1, 0.2)),
        libraries=tuple(Software(name, "1.0", "itself") for name in LIBRARIES),
        sizes={method.name: 40 + number for number, method in enumerate(METHODS)},
        series=tuple(measured),
    )


WITHOUT_PICTURES = """
import sys
for name in ("matplotlib", "numpy", "PIL", "IPython"):
    sys.modules[name] = None  # importing it fails, as if it were not installed
from kmslab.bench import wrapping
wrapping.QUICK = wrapping.Effort(rounds=5, keys=0, batch_seconds=1e-5)
result = wrapping.run(quick=True)
assert repr(result)
print(result.to_json())
"""


@cache
def quick() -> Result:
    """From a process without matplotlib, which measuring and tables do not need."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_PICTURES],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return wrapping.read(ran.stdout)


@cache
def recorded() -> Result:
    return wrapping.read(RECORDED.read_bytes())


RESULT = pytest.mark.parametrize("result", [by_hand, quick, recorded])


@RESULT
def test_json_keeps_the_schema(result):
    jsonschema.validate(json.loads(result().to_json()), SCHEMA)


def test_the_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_refuses_json_without_a_member():
    for name in SCHEMA["required"]:
        kept = json.loads(by_hand().to_json())
        del kept[name]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(kept, SCHEMA)


@RESULT
def test_what_is_read_back_is_what_was_written(result):
    text = result().to_json()
    assert wrapping.read(text).to_json() == text
    assert wrapping.read(text.encode()).to_json() == text


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON", '{"format": "something else"}', ""])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  # json's own error is one, and says enough
        wrapping.read(text)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
@RESULT
def test_each_summary_follows_from_its_samples(result, step):
    for one in result().series[::step]:
        summary = summarise(one.samples)
        kept = one.summary
        assert [kept.median, kept.q1, kept.q3] == pytest.approx(
            [summary.median, summary.q1, summary.q3], abs=1e-4
        )
        assert [kept.low, kept.high] == pytest.approx([summary.low, summary.high], abs=1e-4)


# ------------------------------------------------------------------------------------- a full run


def test_the_recorded_run_is_full_and_complete():
    run = recorded()
    assert not run.quick
    for library in LIBRARIES:
        for method in METHODS:
            assert all(
                len(run.of(library, method.name, op).samples) >= 100 for op in (WRAP, UNWRAP)
            )
        assert all(len(run.of(library, key, GENERATE).samples) >= 100 for key in KEY_SPECS)
    assert run.machine.flags
    assert len(run.baseline.samples) >= 100


def test_a_quick_run_measures_every_method_and_makes_no_keys():
    assert {one.operation for one in quick().series} == {"call", WRAP, UNWRAP}
    assert len(quick().series) == 1 + 2 * 2 * len(METHODS)
    assert quick().keys().rows == []


def test_batches_are_long_enough_for_the_clock():
    """The aim is 5,000 µs; a disturbance while calibrating makes a batch shorter."""
    assert all(one.batch * one.summary.median > 500 for one in recorded().series)


# ----------------------------------------------------------------------------------------- noise


def noisy(times: int) -> Result:
    """A result in which `times` of 37 steady series, those after the baseline, spread widely."""
    wide = Summary(median=10, q1=9, q3=12, low=9.5, high=11)
    steady = [one for one in by_hand().series if one.steady]
    rest = [one for one in by_hand().series if not one.steady]
    changed = [replace(one, summary=wide) for one in steady[1 : times + 1]]
    return replace(by_hand(), series=(steady[0], *changed, *steady[times + 1 :], *rest))


def test_a_quiet_machine_gets_no_warning():
    assert by_hand().warning == ""
    assert noisy(3).warning == ""


def test_a_noisy_machine_gets_a_warning_with_its_worst_series():
    warning = noisy(4).warning
    assert warning.startswith("Noisy: in 4 of 37 series the middle half of the samples")
    assert "at worst over 30% (cryptography AES-256-GCM wrap)" in warning
    assert warning in repr(noisy(4))
    assert json.loads(noisy(4).to_json())["warning"] == warning


def test_varying_times_of_making_keys_are_not_noise():
    made = [one for one in by_hand().series if one.operation == GENERATE]
    assert all(one.summary.spread > 1 for one in made)
    assert by_hand().warning == ""


# ---------------------------------------------------------------------------------------- tables


def column(table: Table, heading: str) -> list[str]:
    place = table.headings.index(heading)
    return [row[place] for row in table.rows]


def test_ratios_are_multiples_of_key_wrap_in_the_same_library():
    table = by_hand().table("cryptography")
    assert column(table, "× AES-KW")[:4] == ["0.333", "1.00", "3.00", "9.00"]
    assert column(table, "wrap µs")[:3] == ["0.667", "2.00", "6.00"]
    assert column(table, "strength")[0] == "256 bits"
    assert column(table, "bytes")[-1] == "48"


def test_without_a_library_the_table_holds_both():
    assert column(by_hand().table(), "library") == [name for name in LIBRARIES for _ in METHODS]


def test_making_keys_has_a_table_of_its_own_with_mean_and_median():
    table = by_hand().keys()
    assert column(table, "key") == [*KEY_SPECS, *KEY_SPECS]
    assert table.rows[0][2:] == ["2.00", "1.00 – 9.00", "1.50 – 5.50", "4.00"]


def test_both_tables_are_shown_in_a_terminal_and_in_a_notebook():
    for shown in (repr(by_hand()), by_hand()._repr_markdown_()):
        assert "ML-KEM-1024" in shown
        assert "ML_KEM_1024" in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0527, "0.0527"), (1.0, "1.00"), (12.34, "12.3"), (99.96, "100"), (1495.2, "1,495")],
)
def test_numbers_have_three_significant_digits(value, shown):
    assert three_digits(value) == shown


def test_what_was_not_measured_has_no_numbers():
    with pytest.raises(KeyError, match="was not measured"):
        by_hand().of("cryptography", "AES-KW", "generate")


def test_a_quick_run_has_no_keys_to_draw():
    with pytest.raises(KeyError, match="a quick run makes no keys"):
        quick().plot_keys()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_result_draws_itself(library):
    assert repr(by_hand().plot(library, references={"a coffee": 5e6})).endswith("a coffee 5 s.")
    assert "ML-KEM-1024" in repr(by_hand().plot_sizes(library))
    assert f"{library} median 2 ms, mean 4 ms" in repr(by_hand().plot_keys())


def test_measuring_and_tables_need_no_matplotlib():
    assert quick().quick


def test_no_host_or_user_is_named():
    assert not {"host", "user", "node"} & set(json.loads(quick().to_json())["machine"])
