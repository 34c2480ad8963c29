"""CBOR against the examples of RFC 8949, appendix A, and against what a hostile sender writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab.crypto import Malformed, cbor
from tests.cases import for_every

PUBLISHED: list[tuple[str, Any]] = [
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("1903e8", 1000),
    ("1a000f4240", 1_000_000),
    ("1b000000e8d4a51000", 1_000_000_000_000),
    ("1bffffffffffffffff", 18446744073709551615),
    ("20", -1),
    ("3863", -100),
    ("3903e7", -1000),
    ("f6", None),
    ("40", b""),
    ("4401020304", b"\1\2\3\4"),
    ("60", ""),
    ("6161", "a"),
    ("62c3bc", "ü"),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("a0", {}),
    ("a201020304", {1: 2, 3: 4}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("c11a514b67b0", cbor.Tagged(1, 1363896240)),
]
# Published, too, but of kinds that no attestation document has.
REFUSED = [
    "f90000",  # a float
    "f4",  # false
    "f7",  # undefined
    "5f42010243030405ff",  # bytes, text, an array and a map of indefinite length
    "7f657374726561646d696e67ff",
    "9fff",
    "bf6161019fff",
]
BROKEN = {
    "nothing": "",
    "two items": "0000",
    "an array that is cut": "8301",
    "bytes that are cut": "44010203",
    "a length that is cut": "19",
    "text that is not UTF-8": "61ff",
    "a reserved length": "1c",
    "two values of one name": "a201020103",
    "a name that is a list": "a1800",
    "a name that is bytes": "a1400",
    "an array of 2**63 items": "9b8000000000000000",
    "a map of 2**32 pairs": "ba00000000ffffffff",
    "bytes of 2**63": "5b8000000000000000",
}


@for_every(("written", "value"), PUBLISHED)
def test_examples_of_the_rfc_are_read_and_written(written: str, value: Any) -> None:
    assert cbor.read(bytes.fromhex(written)) == value
    assert cbor.write(value).hex() == written


@for_every("written", REFUSED)
def test_kinds_that_no_document_has_are_refused(written: str) -> None:
    with pytest.raises(Malformed):
        cbor.read(bytes.fromhex(written))


@for_every("case", BROKEN)
def test_broken_bytes_are_refused(case: str) -> None:
    written = BROKEN[case]
    with pytest.raises(Malformed):
        cbor.read(bytes.fromhex(written + "0" * (len(written) % 2)))


@for_every("head", [0x81, 0xA1, 0xC1], ids=hex)
def test_deep_nesting_is_refused_however_deep(head: int) -> None:
    inner = bytes([head, 0x00]) if head == 0xA1 else bytes([head])
    with pytest.raises(Malformed):
        cbor.read(inner * 100_000 + b"\0")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        item = cbor.read(data)
    except Malformed:
        return
    assert cbor.read(cbor.write(item)) == item


def test_a_value_that_cbor_here_lacks_is_not_written() -> None:
    with pytest.raises(TypeError, match="float"):
        cbor.write(1.5)
