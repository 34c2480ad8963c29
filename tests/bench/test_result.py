"""A result: its JSON, its tables, and its warning about noise."""

import json
import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from kmslab.bench import BENCHMARKS
from kmslab.bench.machine import Machine, Software
from kmslab.bench.programs import Outside
from kmslab.bench.result import Result, Series, read
from kmslab.bench.summary import Summary, ratio, summarise
from kmslab.bench.tables import tables, three_digits
from kmslab.display import Table
from tests.cases import for_every

SCHEMA = json.loads(files("kmslab.bench").joinpath("result.schema.json").read_text("utf-8"))
RECORDED = sorted((Path(__file__).parents[2] / "data" / "benchmarks").glob("*.json"))


def series(by: str, subject: str, operation: str, *samples: float, **more) -> Series:
    against = more.pop("against", None)
    compared = ratio(samples, against.samples) if against else None
    stated = {"size": 0, "steady": True, "batch": 1} | more
    return Series(
        by,
        subject,
        operation,
        samples=samples,
        summary=summarise(samples),
        against=against.name if against else "",
        ratio=compared,
        **stated,
    )


@cache
def by_hand() -> Result:
    """One library wraps by ten methods, each of which takes three times as long as the one before;
    a stream and a loop work on a megabyte.
    """
    wraps = [series("lib", "KW", "wrap", 2.0, 2.0, 2.02)]
    unwraps = [series("lib", "KW", "unwrap", 1.0, 1.0, 1.01)]
    for number in range(1, 10):
        times = (2.0 * 3**number, 2.0 * 3**number, 2.02 * 3**number)
        wraps.append(series("lib", f"way {number}", "wrap", *times, against=wraps[0]))
        unwraps.append(series("lib", f"way {number}", "unwrap", *times, against=unwraps[0]))
    loop = series("loop", "stream", "seal", 1000.0, 1000.0, 1010.0, size=10**6)
    stream = series("we", "stream", "seal", 1250.0, 1250.0, 1260.0, size=10**6)
    stream = replace(
        stream, against=loop.name, share=True, ratio=ratio(loop.samples, stream.samples)
    )
    keys = series("lib", "RSA", "make", 1000.0, 2000.0, 9000.0, steady=False)
    return Result(
        benchmark="hand",
        title="Made by hand.",
        measured_at="2026-01-05T00:00:00+00:00",
        quick=False,
        machine=Machine("a processor", ["aes"], 2, "Linux x86_64", "CPython 3.11.0", [0.1, 0.2]),
        software=[Software("lib", "1.0", "itself")],
        facts={"KW": {"bytes": 1128, "why": "It is short."}, "way 1": {"bytes": 40}},
        absent={"lib X": "It has no X."},
        outside=[Outside("openssl 3", "RSA", "sign", 700.0)],
        series=[*wraps, *unwraps, loop, stream, keys],
    )


def stored(path: Path) -> str:
    return path.read_text("utf-8")


def test_the_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@for_every("path", RECORDED, ids=lambda path: path.name)
def test_a_recorded_run_keeps_the_schema_and_reads_back_as_it_was_written(path):
    jsonschema.validate(json.loads(stored(path)), SCHEMA)
    result = read(stored(path), path.stem)
    assert result.to_json() == stored(path)
    assert result.benchmark in BENCHMARKS
    assert not result.quick


def test_a_result_keeps_the_schema_and_reads_back_as_it_was_written():
    text = by_hand().to_json()
    jsonschema.validate(json.loads(text), SCHEMA)
    assert read(text).to_json() == read(text.encode()).to_json() == text


@for_every("name", SCHEMA["required"], ids=str)
def test_the_schema_refuses_json_without_a_member(name):
    kept = json.loads(by_hand().to_json())
    del kept[name]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(kept, SCHEMA)


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON", '{"format": "something else"}', ""])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  # json's own error is one, and says enough
        read(text)


def test_a_result_of_another_benchmark_is_refused():
    with pytest.raises(ValueError, match="this is a result of the benchmark hand, not wrapping"):
        read(by_hand().to_json(), "wrapping")


@for_every("path", RECORDED, ids=lambda path: path.name)
def test_each_summary_and_ratio_follows_from_the_samples(path):
    result = read(stored(path))
    for each in result.series:
        kept, found = each.summary, summarise(each.samples)
        for name in ("median", "q1", "q3", "low", "high", "outliers"):
            assert getattr(kept, name) == pytest.approx(getattr(found, name), abs=1e-4)
        if each.ratio:
            pair = (each.samples, result.named(each.against).samples)
            found = ratio(*(pair[::-1] if each.share else pair))
            assert each.ratio.median == pytest.approx(found.median, abs=1e-4)


@for_every("path", RECORDED, ids=lambda path: path.name)
def test_no_host_or_user_is_named(path):
    assert not {"host", "user", "node"} & set(json.loads(stored(path))["machine"])


# ------------------------------------------------------------------------------------------ noise


def noisy(times: int) -> Result:
    """The result in which `times` of 22 steady series spread widely."""
    wide = Summary(median=10, q1=9, q3=12, low=9.5, high=11, outliers=0)
    changed = [replace(one, summary=wide) for one in by_hand().series[:times]]
    return replace(by_hand(), series=[*changed, *by_hand().series[times:]])


def test_a_quiet_machine_gets_no_warning():
    assert by_hand().warning == ""
    assert noisy(2).warning == ""


def test_a_noisy_machine_gets_a_warning_with_its_worst_series():
    warning = noisy(3).warning
    assert warning.startswith("Noisy: in 3 of 22 series the middle half of the samples")
    assert "at worst over 30% (lib KW wrap)" in warning
    assert warning in repr(noisy(3))
    assert json.loads(noisy(3).to_json())["warning"] == warning


def test_varying_times_of_making_keys_are_not_noise():
    [made] = [one for one in by_hand().series if one.operation == "make"]
    assert made.summary.spread > 1
    assert by_hand().warning == ""


# ----------------------------------------------------------------------------------------- tables


def column(table: Table, heading: str) -> list[str]:
    place = table.headings.index(heading)
    return [row[place] for row in table.rows]


def test_each_set_of_operations_has_a_table():
    wraps, seals, keys = tables(by_hand())
    assert [len(each.rows) for each in (wraps, seals, keys)] == [10, 2, 1]
    assert wraps.headings == [
        *("what", "bytes", "by", "wrap", "95 % interval", "× KW"),
        *("unwrap", "95 % interval", "× KW", "outliers"),
    ]


def test_times_are_compared_as_multiples_with_an_interval():
    wraps, _, _ = tables(by_hand())
    assert column(wraps, "× KW")[:3] == ["", "3.00 (3.00 – 3.00)", "9.00 (9.00 – 9.00)"]
    assert column(wraps, "wrap")[:3] == ["2 µs", "6 µs", "18 µs"]
    assert column(wraps, "bytes")[:3] == ["1,128", "40", ""]


def test_work_on_bytes_is_shown_as_speed_and_compared_as_a_share():
    _, seals, _ = tables(by_hand())
    assert column(seals, "seal") == ["1,000 MB/s", "800 MB/s"]
    assert column(seals, "95 % interval") == ["990 – 1,000", "794 – 800"]
    assert column(seals, "of loop") == ["", "0.800 (0.800 – 0.802)"]


def test_a_row_says_what_it_is_compared_with_if_the_others_of_its_column_differ():
    result = by_hand()
    loop, stream = result.of("loop", "stream", "seal"), result.of("we", "stream", "seal")
    other = replace(stream, by="they", against=stream.name, share=False)
    [table] = tables(replace(result, series=[loop, stream, other]))
    theirs = "0.800 (0.800 – 0.802) × time of we"
    assert column(table, "of loop") == ["", "0.800 (0.800 – 0.802)", theirs]


def test_outliers_are_counted_among_all_samples_of_a_row():
    assert column(tables(by_hand())[0], "outliers") == ["0 of 6"] * 10


@for_every("path", RECORDED, ids=lambda path: path.name)
def test_text_fits_a_terminal_but_for_what_has_a_relation_of_its_own(path):
    lines = repr(read(stored(path))).splitlines()
    assert all(len(line) <= 100 or re.search(r"\) (of|×) ", line) for line in lines)


def test_text_has_a_table_for_each_operation_and_one_of_the_facts():
    blocks = [block.split() for block in repr(by_hand()).split("\n\n")]
    assert blocks[0][:2] == ["what", "bytes"]
    assert [block[2] for block in blocks[1:5]] == ["wrap", "unwrap", "seal", "make"]
    assert "Outliers: 0 of 69 samples." in repr(by_hand())


def test_text_says_once_what_is_the_same_of_all_subjects():
    facts = {f"way {number}": {"data": "4 MiB"} for number in range(1, 10)}
    same = replace(by_hand(), facts=facts | {"KW": {"data": "4 MiB"}})
    assert repr(same).startswith("data: 4 MiB\n\nwhat")


def test_a_brief_table_leaves_out_outliers_and_the_intervals_of_ratios():
    table = tables(by_hand(), brief=True)[0]
    assert "outliers" not in table.headings
    assert column(table, "× KW")[1] == "3.00"


def test_what_was_not_measured_and_what_others_say_is_said():
    for shown in (repr(by_hand()), by_hand()._repr_markdown_()):
        assert "Not measured: lib X. It has no X." in shown
        assert "openssl 3 says of itself: RSA sign 700 µs." in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0527, "0.0527"), (1.0, "1.00"), (12.34, "12.3"), (99.96, "100"), (1495.2, "1,495")],
)
def test_numbers_have_three_significant_digits(value, shown):
    assert three_digits(value) == shown


def test_what_was_not_measured_has_no_numbers():
    with pytest.raises(KeyError, match="was not measured"):
        by_hand().of("lib", "KW", "make")
