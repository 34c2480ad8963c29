"""What a message shows without a key, and where other bytes break the format."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, envelope
from kmslab.envelope import RawAesKeyring
from kmslab.envelope.inspect import FIELD_KINDS
from kmslab.field_map import BLUE, GREEN, PURPLE
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, SUITES

RING = RawAesKeyring("clinic", "aes", AES_KEY)
LAST = {0x0478: "tag", 0x0578: "signature"}


def message(suite: int = 0x0578, size: int = 40, frame_length: int = 16) -> bytes:
    context = {"album": "summer"}
    return envelope.encrypt(
        bytes(size), RING, context=context, suite=suite, frame_length=frame_length
    )


@for_every("suite", SUITES, ids=hex)
@for_every("size", [0, 5, 16, 40, 300])
def test_the_fields_cover_every_byte_once(suite: int, size: int) -> None:
    whole = message(suite, size)
    view = envelope.inspect(whole)
    assert view.problem is None
    assert view.fields[0].offset == 0
    assert all(a.offset + a.size == b.offset for a, b in pairwise(view.fields))
    last = view.fields[-1]
    assert last.offset + last.size == len(whole)
    assert last.name == LAST[suite]
    for field in view.fields:
        assert field.content in (whole[field.offset : field.offset + field.size], b"")


def test_each_field_says_what_it_means(orders: CMK) -> None:
    whole = envelope.encrypt(b"photo", [orders, RING], context={"album": "summer"})
    said = {(f.name, f.meaning) for f in envelope.inspect(whole).fields}
    assert {
        ("format version", "2"),
        ("context key", "album"),
        ("context value", "summer"),
        ("context key", "aws-crypto-public-key"),
        ("number of encrypted data keys", "2"),
        ("key provider", "aws-kms"),
        ("key name", orders.arn),
        ("key provider", "clinic"),
        ("key name", "aes, and 20 bytes that go with it"),
        ("content type", "framed"),
        ("frame length", "1,048,576 bytes of plaintext each"),
        ("frame number", "the final frame"),
        ("length of final frame", "5"),
        ("length of signature", "103"),
    } <= said
    assert any(meaning.startswith("0x0578: AES-256-GCM") for _, meaning in said)


def test_no_key_and_no_call_is_needed(lab, orders: CMK) -> None:
    whole = envelope.encrypt(b"photo", orders)
    before = len(lab.trail)
    envelope.inspect(whole)
    assert len(lab.trail) == before


def test_a_view_is_a_table_in_a_terminal_and_a_map_in_a_notebook() -> None:
    whole = message()
    view = envelope.inspect(whole)
    lines = repr(view).splitlines()
    assert lines[0].split() == ["byte", "length", "field", "bytes", "meaning"]
    assert any(line.endswith("summer") for line in lines)
    html = view._repr_html_()
    assert "summer" in html
    header = sum(f.size for f in view.fields[: [f.name for f in view.fields].index("frame number")])
    assert html.count("title=") == header
    assert "<script" not in html
    assert "http" not in html


def test_encrypted_data_keys_are_green_and_encrypted_data_is_blue_as_in_the_pictures() -> None:
    colours = {name: FIELD_KINDS[name].colour for name in ("encrypted data key", "ciphertext")}
    assert colours == {"encrypted data key": GREEN, "ciphertext": BLUE}
    assert {kind.colour for name, kind in FIELD_KINDS.items() if name.startswith("key ")} <= {
        GREEN,
        PURPLE,
    }
    assert [name for name, kind in FIELD_KINDS.items() if kind.colour == BLUE] == [
        "ciphertext",
        "more frames",
    ]


def test_a_view_of_the_same_bytes_is_the_same() -> None:
    whole = message()
    one, other = envelope.inspect(whole), envelope.inspect(bytearray(whole))
    assert repr(one) == repr(other)
    assert one._repr_html_() == other._repr_html_()


def test_html_and_control_characters_in_a_message_are_escaped() -> None:
    context = {"<script>alert(1)</script>": "\x1b[31mred\n\u202eeslaf"}
    view = envelope.inspect(envelope.encrypt(b"", RING, context=context, suite=0x0478))
    assert "<script>" not in view._repr_html_()
    assert "\x1b" not in repr(view) + view._repr_html_()
    assert "\u202e" not in repr(view) + view._repr_html_()


def test_the_first_and_the_final_of_many_frames_are_shown() -> None:
    view = envelope.inspect(message(size=1000, frame_length=10))
    names = [f.name for f in view.fields]
    assert names.count("ciphertext") == 1  # the final frame is empty
    assert names.count("more frames") == 1
    assert view.fields[names.index("more frames")].size == 99 * (16 + 10 + 16)


def test_only_some_of_many_keys_are_shown() -> None:
    view = envelope.inspect(envelope.encrypt(b"", [RING] * 2000, suite=0x0478))
    assert view.problem is None
    assert len(view.fields) > 12_000
    assert len(repr(view).splitlines()) == 103
    assert len(view._repr_html_()) < 250_000


def test_a_message_cut_short_says_where_it_ends() -> None:
    whole = message()
    for size in range(len(whole)):
        view = envelope.inspect(whole[:size])
        assert view.problem is not None
        assert view.problem.startswith("at byte")
        assert view.problem in repr(view)
        assert view.problem in view._repr_html_()


def test_bytes_after_the_end_are_reported() -> None:
    assert envelope.inspect(message() + b"\0").problem == (
        f"at byte {len(message()):,}: there are bytes after the end of the message"
    )


@given(st.binary(max_size=400))
def test_any_bytes_can_be_inspected(content: bytes) -> None:
    view = envelope.inspect(content)
    assert view.problem is not None
    repr(view), view._repr_html_()


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_damaged_message_can_be_inspected(draw: random.Random, changes: int) -> None:
    content = bytearray(message())
    for _ in range(changes):
        content[draw.randrange(len(content))] = draw.randrange(256)
    view = envelope.inspect(content)
    repr(view), view._repr_html_()
