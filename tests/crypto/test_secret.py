# ruff: noqa: T201, UP031 - printing and the old way of formatting are what is tested

import copy
import io
import json
import logging
import operator
import os
import pickle
import pprint
import reprlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from kmslab.crypto import CiphertextBlob, SecretBytes
from tests.cases import for_every

RAW = b"TOP-SECRET-0123456789-ABCDEFGHIJ"
SECRET = SecretBytes(RAW)
SHOWN = "<SecretBytes 32 bytes>"

# The forms in which a secret could leak: as text, as a quoted literal, as hex.
LEAKS = (RAW[:4].decode(), RAW[-4:].decode(), RAW[:4].hex(), RAW[:4].hex().upper())


def leaks(text: str) -> bool:
    return any(piece in text for piece in LEAKS)


@dataclass
class Answer:
    plaintext: SecretBytes


WAYS_TO_TEXT: dict[str, Callable[[], str]] = {
    "str": lambda: str(SECRET),
    "repr": lambda: repr(SECRET),
    "ascii": lambda: ascii(SECRET),
    "format": lambda: format(SECRET),
    "format method": lambda: "{} {!r} {!s} {!a} {:>40}".format(*[SECRET] * 5),
    "f-string": lambda: f"{SECRET}",
    "f-string !r !s !a": lambda: f"{SECRET!r} {SECRET!s} {SECRET!a} {SECRET!r:>40}",
    "f-string =": lambda: f"{SECRET=}",
    "percent s": lambda: "%s" % SECRET,
    "percent r": lambda: "%r" % (SECRET,),
    "percent a": lambda: "%a" % SECRET,
    "percent mapping": lambda: "%(key)s" % {"key": SECRET},
    "bytes percent a": lambda: (b"%a" % SECRET).decode(),
    "tuple": lambda: str((SECRET,)),
    "list": lambda: f"{[SECRET]}",
    "set": lambda: str({SECRET}),
    "dict": lambda: str({SECRET: SECRET}),
    "dataclass": lambda: repr(Answer(SECRET)),
    "dataclass as dict": lambda: str(asdict(Answer(SECRET))),
    "exception": lambda: f"{ValueError(SECRET)} {ValueError(SECRET)!r} {KeyError(SECRET)}",
    "exception with several": lambda: str(ValueError("bad key", SECRET)),
    "pprint": lambda: pprint.pformat({"key": [SECRET]}, width=10),
    "reprlib": lambda: reprlib.repr({"key": SECRET}),
    "copy": lambda: f"{copy.copy(SECRET)} {copy.deepcopy([SECRET])}",
    "pickled and back": lambda: str(pickle.loads(pickle.dumps(SECRET))),
    "from hex": lambda: str(SecretBytes.fromhex(RAW.hex())),
}


@for_every("way", WAYS_TO_TEXT.values(), ids=WAYS_TO_TEXT)
def test_a_secret_made_text_shows_only_its_length(way: Callable[[], str]) -> None:
    text = way()
    assert "<SecretBytes 32 bytes>" in text
    assert not leaks(text)


@for_every("spec", ["", "s", "x", "d", "r", ">40", "<40s", "^9.3", ".5", "b", "%Y"])
def test_no_format_spec_shows_a_secret(spec: str) -> None:
    assert format(SECRET, spec) == SHOWN
    assert f"{SECRET:{spec}}" == SHOWN


def test_a_printed_secret_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    print(SECRET, [SECRET], {"key": SECRET})
    print(SECRET, file=sys.stderr)
    captured = capsys.readouterr()
    assert captured.out.count(SHOWN) == 3
    assert captured.err.count(SHOWN) == 1
    assert not leaks(captured.out + captured.err)


def test_a_logged_secret_is_hidden() -> None:
    stream = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("%s %r %a", SECRET, SECRET, SECRET)
    logger.error("%(key)s", {"key": SECRET})
    logger.error(SECRET)
    assert stream.getvalue().count(SHOWN) == 5
    assert not leaks(stream.getvalue())


MISTAKES: dict[str, Callable[[], object]] = {
    "int": lambda: int(SECRET),
    "float": lambda: float(SECRET),
    "complex": lambda: complex(SECRET),
    "json": lambda: json.dumps({"key": SECRET}),
    "join": lambda: "".join([SECRET]),
    "percent d": lambda: "%d" % SECRET,
    "ord": lambda: ord(SECRET),
    "listing": lambda: os.listdir(SECRET),
    "missing key": lambda: dict.__getitem__({b"": 1}, SECRET),
    "raise": lambda: (_ for _ in ()).throw(ValueError(SECRET)),
    "exit": lambda: sys.exit(SECRET),
}


@for_every("mistake", MISTAKES.values(), ids=MISTAKES)
def test_an_error_about_a_secret_does_not_quote_it(mistake: Callable[[], object]) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - SystemExit is one of them
        mistake()
    text = "".join(traceback.TracebackException.from_exception(caught.value).format())
    assert not leaks(text)
    assert not leaks(repr(caught.value))


def test_a_traceback_with_local_variables_hides_secrets() -> None:
    def fail(key: bytes) -> None:
        raise RuntimeError("something else went wrong")

    with pytest.raises(RuntimeError) as caught:
        fail(SECRET)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(report.format())
    assert f"key = {SHOWN}" in text
    assert not leaks(text)


def test_rich_shows_the_length_only() -> None:
    """Otherwise rich shortens long bytes before it asks for a repr, and prints the slice."""
    long = SecretBytes(RAW * 4)
    assert list(long.__rich_repr__()) == ["128 bytes"]
    pretty = pytest.importorskip("rich.pretty", reason="rich is not installed")
    assert not leaks(pretty.pretty_repr({"key": long}, max_string=80))


@for_every(
    "revealed",
    [
        bytes(SECRET),
        SECRET[:],
        SECRET[:32],
        SECRET + b"",
        b"" + SECRET,
        b"".join([SECRET]),
        b"%b" % SECRET,
        bytes.fromhex(SECRET.hex()),
        SECRET.decode().encode(),
    ],
)
def test_revealing_takes_an_explicit_word_and_gives_plain_bytes(revealed: bytes) -> None:
    assert type(revealed) is bytes
    assert revealed == RAW


@for_every("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_secret_comes_back_as_a_secret(protocol: int) -> None:
    again = pickle.loads(pickle.dumps(SECRET, protocol))
    assert type(again) is SecretBytes
    assert again == SECRET


def test_copies_of_a_secret_are_secrets() -> None:
    assert type(copy.copy(SECRET)) is SecretBytes
    assert type(copy.deepcopy({"key": [SECRET]})["key"][0]) is SecretBytes


BOTH_SIDES = pytest.mark.parametrize("swap", [False, True], ids=["secret first", "secret second"])


@BOTH_SIDES
@for_every("same", [RAW, bytearray(RAW), memoryview(RAW), SecretBytes(RAW)], ids=repr)
def test_a_secret_equals_the_same_bytes(same: object, swap: bool) -> None:
    pair = (same, SECRET) if swap else (SECRET, same)
    assert operator.eq(*pair)
    assert not operator.ne(*pair)


@BOTH_SIDES
@for_every("other", [RAW[:-1], RAW + b"\0", b"", RAW[::-1], RAW.decode(), None, 7])
def test_a_secret_differs_from_anything_else(other: object, swap: bool) -> None:
    pair = (other, SECRET) if swap else (SECRET, other)
    assert operator.ne(*pair)
    assert not operator.eq(*pair)


def test_a_secret_is_found_where_the_same_bytes_are() -> None:
    assert hash(SECRET) == hash(RAW)
    assert {RAW: "found"}[SECRET] == "found"


def test_a_secret_is_bytes_to_everything_that_takes_bytes() -> None:
    assert isinstance(SECRET, bytes)
    assert len(SECRET) == 32
    assert SECRET[0] == RAW[0]
    assert memoryview(SECRET) == RAW
    assert io.BytesIO(SECRET).read() == RAW


def test_a_ciphertext_blob_has_a_short_repr_and_is_its_bytes() -> None:
    blob = CiphertextBlob(bytes(152))
    assert repr(blob) == str(blob) == f"{blob}" == f"{blob:>40}" == "<CiphertextBlob 152 bytes>"
    assert blob == bytes(152)
    assert hash(blob) == hash(bytes(152))
    assert type(bytes(blob)) is bytes
    assert type(pickle.loads(pickle.dumps(blob))) is CiphertextBlob
