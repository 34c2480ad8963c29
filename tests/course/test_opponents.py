"""What the exercises' checks share as opponents: each of them notices what it is for."""

import datetime
import gzip
import json
import os
import random
import secrets
import sys
import time
import uuid
from base64 import b32encode, b64encode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import NamedTuple

import pytest

from kmslab import allow
from kmslab.course import clinic, let
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import error_of
from kmslab.course.exercises.boxes import damaged, exchanged, flipped, parts_of, swapped, with_part
from kmslab.course.exercises.left_behind import watched
from kmslab.course.exercises.permissions import (
    NOT_YET,
    OPERATIONS,
    key_in_the_worst_case,
    may,
    named_in_conditions,
)
from kmslab.course.exercises.recording import recorded
from kmslab.course.exercises.searching import found_in, made_from_data_alone
from kmslab.course.exercises.standing_still import started_again
from kmslab.errors import AccessDeniedException, DisabledException
from tests.cases import for_every

SECRET = token_bytes(32)


@pytest.fixture
def lab():
    return clinic(until="02")[0]


# ------------------------------------------------------------------------------- left behind


def _descriptor(path, content):
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(file, content)
    os.close(file)


def _appended(path, content):
    with open(path, "ab") as file:
        file.write(content)


@for_every("write", [Path.write_bytes, _appended, _descriptor])
def test_a_file_that_was_written_is_found_whatever_opened_it(tmp_path_factory, write):
    path = tmp_path_factory.mktemp("left") / "key.bin"
    with watched() as left:
        write(path, SECRET)
    write(path.with_name("later"), SECRET)
    assert [place[:2] for place in left.places] == [("wrote into the file `key.bin`", SECRET)]


def test_what_was_only_read_or_is_gone_again_was_not_left(tmp_path):
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.write_bytes(SECRET)
    with watched() as left:
        gone.write_bytes(there.read_bytes())
        gone.unlink()
    assert [*left.places] == []


def test_what_is_printed_is_kept_and_seen_all_the_same(capsys):
    with watched() as left:
        sys.stdout.write(f"a key: {SECRET.hex()}\n")
        sys.stderr.write("and an error\n")
    sys.stdout.write("later\n")
    shown = capsys.readouterr()
    printed = ("printed", f"a key: {SECRET.hex()}\nand an error\n")
    assert [place[:2] for place in left.places] == [printed]
    assert (shown.out, shown.err) == (f"a key: {SECRET.hex()}\nlater\n", "and an error\n")


# ---------------------------------------------------------------------------- standing still

NUMBERS = [0]


def _counted():
    NUMBERS[0] += 1
    return NUMBERS[0]


AGAIN = {  # what a program may make a key from, and whether it comes again
    "the clock": (lambda: time.time_ns(), True),
    "the date": (lambda: datetime.datetime.now(), True),
    "a counter": (_counted, True),
    "Python's random": (lambda: random.random(), True),
    "two random bytes": (lambda: secrets.token_bytes(2), True),
    "six random digits": (lambda: secrets.randbelow(10**6), True),
    "16 random bytes": (lambda: secrets.token_bytes(16), False),
    "32 bytes, one by one": (lambda: bytes(map(secrets.randbelow, [256] * 32)), False),
    "the system's own random bytes": (lambda: os.urandom(32), False),
    "a random UUID": (lambda: uuid.uuid4(), False),
}


@for_every("how", AGAIN)
def test_what_is_no_chance_comes_again_when_a_program_starts_again(how):
    make, comes_again = AGAIN[how]

    def drawn():
        return make()

    made = set()
    for _ in range(2):
        with started_again([_counted if make is _counted else drawn]) as (again,):
            made.add(again())
    assert (len(made) == 1) == comes_again


def test_the_world_goes_on_afterwards():
    state, urandom = random.getstate(), os.urandom
    with started_again([_counted]):
        assert time.time() == time.time()
        assert random.random()
    assert (random.getstate(), os.urandom) == (state, urandom)
    assert time.time_ns() > 1_767_600_000 * 10**9
    assert datetime.datetime is type(datetime.datetime.now())


# --------------------------------------------------------------------------------- searching

WRITTEN = {
    "as it is": lambda key: b"box" + key + b"more",
    "as it is (half)": lambda key: (b"a" * 40, {"note": key[16:]}),
    "as it is (the name of a part)": lambda key: {key: b"box"},
    "as it is (gzip)": lambda key: gzip.compress(b"box" + key),
    "as it is (a number)": lambda key: [int.from_bytes(key, "big")],
    "reversed": lambda key: [b"x", key[::-1]],
    "every bit flipped": lambda key: bytes(byte ^ 0xFF for byte in key),
    "in hexadecimal": lambda key: key.hex(),
    "in hexadecimal (capitals)": lambda key: json.dumps({"k": key.hex().upper()}),
    "in hexadecimal, reversed": lambda key: key[::-1].hex().encode(),
    "in base64": b64encode,
    "in base64 (later in a text)": lambda key: b64encode(b"box" * 5 + b"!" + key + b"more"),
    "in base64 (for addresses)": lambda key: urlsafe_b64encode(b"12" + key),
    "in base32": lambda key: b32encode(b"box!" + key),
    "as Python shows it": lambda key: repr(key),
    "byte by byte in decimal": lambda key: str(list(key)),
    "as a number": lambda key: str(int.from_bytes(key, "big")),
}


@for_every("how", WRITTEN)
def test_a_secret_is_found_however_it_is_written(how):
    assert found_in(WRITTEN[how](SECRET), SECRET) == how.partition(" (")[0]


def test_what_is_made_from_the_data_alone_is_found_and_a_header_is_not():
    data, other = fresh.record(), token_bytes(84)

    def boxes(make):
        return [(b"header" + make(each), token_bytes(40)) for each in (data, data, other)]

    assert made_from_data_alone(*boxes(lambda each: sha256(each).digest()))
    assert made_from_data_alone(*boxes(lambda each: bytes(byte ^ 0x5A for byte in each)))
    assert not made_from_data_alone(*boxes(lambda each: b"the same header for all of them"))
    assert not made_from_data_alone(*boxes(lambda each: b"the same header, and a bit" + each[:1]))


def test_a_secret_that_is_not_there_is_not_found(lab):
    key = lab.cmk("alias/records").generate_data_key()
    written = [(key.encrypted, token_bytes(100_000)), {"key": b"", "of": None}, 17, "in hex"]
    assert [found_in(each, key.plaintext) for each in written] == [""] * 4


def test_a_long_plaintext_is_found_by_a_page_of_it():
    scan = clinic(until="02")[1].scan
    assert found_in(token_bytes(50) + scan[20_000:24_096], scan) == "as it is"
    assert found_in(token_bytes(len(scan)) + bytes(64), scan) == ""


@for_every("secret", [b"", b"\0" * 64])
def test_what_is_no_secret_is_not_found(secret):
    assert found_in(b"\0" * 1_000, secret) == ""


# ------------------------------------------------------------------------------------- boxes


class Envelope(NamedTuple):
    key: bytes
    box: bytes


@dataclass(frozen=True)
class Letter:
    key: bytes
    box: bytes


SHAPES = [tuple, list, lambda parts: dict(zip("kb", parts, strict=True)), Envelope._make]
SHAPES.append(lambda parts: Letter(*parts))


@for_every("shape", SHAPES, ids=["tuple", "list", "dict", "named tuple", "dataclass"])
def test_a_box_of_any_shape_is_taken_apart_and_put_together(shape):
    one, two = shape([b"key1", b"box1"]), shape([b"key2", b"box2"])
    assert parts_of(one) == [b"key1", b"box1"]
    assert with_part(one, 1, b"box2") == shape([b"key1", b"box2"])
    assert list(swapped(one, two)) == [shape([b"key2", b"box1"]), shape([b"key1", b"box2"])]
    assert exchanged(one, b"key1", b"key2") == shape([b"key2", b"box1"])


def test_a_box_in_one_piece_has_no_parts_to_swap():
    assert list(swapped(b"one", b"two")) == []
    assert with_part(b"one", 0, b"two") == b"two"


@for_every("write", [bytes, bytes.hex, lambda data: b64encode(data).decode()])
def test_an_encrypted_key_is_exchanged_in_the_middle_of_a_part_and_in_text(write):
    old, new = token_bytes(32), token_bytes(32)
    between = (b"<", b">") if write is bytes else ("<", ">")
    box = between[0] + write(old) + between[1]
    assert exchanged(box, old, new) == between[0] + write(new) + between[1]
    assert exchanged(box, token_bytes(32), new) == box


def test_a_flipped_bit_changes_one_byte():
    changed = list(flipped(b"abcde"))
    assert changed == [b"`bcde", b"abbde", b"abcdd"]
    assert list(flipped(b"abc", -1)) == [b"abb"]
    assert list(flipped(b"")) == []


def test_damage_is_done_to_each_part():
    did = [words for words, _ in damaged((b"key", b"", b"box"))]
    assert (
        did
        == [*["One bit was flipped"] * 3, "A byte was appended", "The last byte was cut off"] * 2
    )
    assert all(box != (b"key", b"", b"box") for _, box in damaged((b"key", b"", b"box")))


# ----------------------------------------------------------------------------------- recording


def test_calls_are_recorded_with_their_keys_and_what_was_handed_out(lab):
    records, other = lab.cmk("alias/records"), lab.create_cmk("other")
    with recorded(lab) as calls:
        key = records.generate_data_key()
        lab.decrypt(key.encrypted)
        other.disable()
        error = error_of(other.encrypt, b"record")
    assert calls.operations == ["GenerateDataKey", "Decrypt", "DisableKey", "Encrypt"]
    assert calls.on(records).operations == ["GenerateDataKey", "Decrypt"]
    assert calls.on(other).operations == ["DisableKey", "Encrypt"]
    assert calls.secrets == [key.plaintext, key.plaintext]
    assert calls.blobs == [key.encrypted]
    assert calls.refused.operations == ["Encrypt"]
    assert isinstance(error, DisabledException)
    assert calls.of("Decrypt", "Encrypt").operations == ["Decrypt", "Encrypt"]
    assert bytes(key.plaintext).hex() not in repr(calls)


def test_calls_of_boto3_and_of_other_people_are_recorded_too(lab):
    pytest.importorskip("boto3")
    with recorded(lab) as calls:
        answer = lab.boto3().generate_data_key(KeyId="alias/records", KeySpec="AES_256")
        error_of(lab.user("nobody").decrypt, answer["CiphertextBlob"])
    assert [call.caller.principal.rpartition("/")[2] for call in calls][1] == "nobody"
    assert calls.secrets == [answer["Plaintext"]]
    assert calls.on(lab.cmk("alias/records")) == calls[:1]  # a refused caller learns no key


def test_calls_made_later_are_not_recorded(lab):
    with recorded(lab) as calls:
        pass
    lab.cmk("alias/records")
    assert calls == []


# ----------------------------------------------------------------------------------- fresh, keys


def test_fresh_records_keys_and_people_are_new_each_time(lab):
    table = clinic(until="02")[1].table
    record, another = fresh.record(), fresh.record()
    assert record != another
    assert record.split(b",")[0] not in table
    assert record.count(b",") == table.splitlines()[0].count(b",")
    assert fresh.key(lab) != fresh.key(lab)
    assert fresh.key(lab, spec="HMAC_256", usage="GENERATE_VERIFY_MAC").mac(b"record")


def test_a_fresh_person_may_do_nothing_but_what_is_allowed(lab):
    key = fresh.key(lab)
    blob = key.encrypt(b"record")
    stranger = fresh.held_by(fresh.person(lab), key)
    reader = fresh.held_by(fresh.person(lab, allow("kms:Decrypt")), key)
    assert isinstance(error_of(stranger.decrypt, blob), AccessDeniedException)
    assert reader.decrypt(blob) == b"record"


def test_a_right_with_a_condition_counts_in_the_worst_case_and_a_denial_with_one_does_not(lab):
    mina, later = (
        fresh.person(lab),
        {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}},
    )
    statements = [
        let(lab, "kms:PutKeyPolicy"),
        let(mina, "kms:Decrypt") | {"Condition": later},
        let(mina, "kms:Encrypt"),
        let(mina, "kms:Encrypt") | {"Effect": "Deny", "Condition": later},
        let(mina, "kms:Sign", "kms:Verify"),
        let(mina, "kms:Verify") | {"Effect": "Deny"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    key, worst = lab.create_cmk(), key_in_the_worst_case(lab, document)
    key.put_policy(document)
    rights = {name: (may(mina, name, key), may(mina, name, worst)) for name in OPERATIONS}
    assert {name for name, (now, _) in rights.items() if now} == {"Encrypt", "Sign"}
    assert {name for name, (_, ever) in rights.items() if ever} == {"Decrypt", "Encrypt", "Sign"}


def test_a_condition_on_who_the_caller_is_holds_in_the_worst_case_too(lab):
    root = {"StringEquals": {"aws:PrincipalArn": lab.caller.principal}}
    statement = let(lab, "kms:*") | {"Condition": root}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    newcomer, worst = fresh.person(lab, allow("*")), key_in_the_worst_case(lab, document)
    anybody = key_in_the_worst_case(lab, document, callers=set())
    assert may(lab, "Decrypt", worst)
    assert not may(newcomer, "Decrypt", worst)
    assert may(newcomer, "Decrypt", anybody)
    assert may(newcomer, NOT_YET, anybody)


def test_people_whom_conditions_name_are_found(lab):
    names = {"aws:PrincipalArn": ["arn:aws:iam::111122223333:role/night", "arn:*:user/a*"]}
    statement = let(lab, "kms:*") | {
        "Condition": {"ArnLike": names, "StringEquals": {"aws:username": "rival"}}
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    found = named_in_conditions(document, lab, allow("*"))
    assert set(found) == {"A role called night", "A user called ax", "A user called rival"}


def test_every_key_but_one_is_disabled(lab):
    one, other = lab.cmk("alias/records"), fresh.key(lab)
    every_key.disable(lab, but=one)
    assert one.encrypt(b"record")
    assert isinstance(error_of(other.encrypt, b"record"), DisabledException)
    every_key.enable(lab)
    assert other.encrypt(b"record")
