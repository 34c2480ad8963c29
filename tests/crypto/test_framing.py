import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from kmslab.crypto import encode_context, frame

# All of Unicode, halves of surrogate pairs included: JSON can carry them. And few letters, so that
# Hypothesis meets the same pieces cut in different places.
texts = st.text(st.characters(exclude_categories=())) | st.text("ab\0é", max_size=4)
contexts = st.dictionaries(texts, texts, max_size=4)
fields = st.lists(st.binary(max_size=6) | st.binary(min_size=250, max_size=300), max_size=4)


def unframe(data: bytes) -> list[bytes]:
    parts = []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        parts.append(data[4:end])
        assert len(data) >= end
        data = data[end:]
    return parts


@given(fields)
def test_a_frame_can_be_taken_apart_again(parts: list[bytes]) -> None:
    assert unframe(frame(*parts)) == parts


@given(fields, fields)
def test_no_two_lists_of_fields_share_a_frame(one: list[bytes], other: list[bytes]) -> None:
    assert (frame(*one) == frame(*other)) == (one == other)


def test_a_length_is_four_bytes_with_the_highest_first() -> None:
    assert frame(b"", b"abc") == b"\0\0\0\0" + b"\0\0\0\3abc"
    assert frame() == b""
    assert frame(bytes(66_000))[:4] == b"\0\1\1\xd0"


@given(contexts, contexts)
@example({"ab": "c"}, {"a": "bc"})
@example({"a": "bc"}, {"a": "b", "c": ""})
@example({"a": "b", "c": "d"}, {"a": "d", "c": "b"})
@example({"\ud800": ""}, {"?": ""})
def test_no_two_contexts_share_an_encoding(one: dict[str, str], other: dict[str, str]) -> None:
    assert (encode_context(one) == encode_context(other)) == (one == other)


@given(contexts)
def test_a_context_can_be_read_back_from_its_encoding(context: dict[str, str]) -> None:
    parts = [part.decode("utf-8", "surrogatepass") for part in unframe(encode_context(context))]
    assert dict(zip(parts[::2], parts[1::2], strict=True)) == context


@given(contexts)
def test_the_order_of_the_pairs_does_not_matter(context: dict[str, str]) -> None:
    turned = dict(reversed(context.items()))
    assert encode_context(turned) == encode_context(context)


@given(contexts)
def test_pairs_are_sorted_by_the_bytes_of_their_keys(context: dict[str, str]) -> None:
    keys = unframe(encode_context(context))[::2]
    assert keys == sorted(keys)


def test_a_context_is_framed_pairs_in_utf_8() -> None:
    assert encode_context({"order": "17", "é": ""}) == frame(b"order", b"17", b"\xc3\xa9", b"")


def test_no_context_is_no_bytes() -> None:
    assert encode_context({}) == b""


def test_letters_that_look_alike_are_different_contexts() -> None:
    assert encode_context({"Order": "17"}) != encode_context({"order": "17"})
    composed, decomposed = "é", unicodedata.normalize("NFD", "é")
    assert encode_context({composed: ""}) != encode_context({decomposed: ""})
