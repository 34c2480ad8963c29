import csv
import socket
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kmslab import errors
from kmslab.course import clinic, doctor, faulty_lab, lock, openssl, outcome, self_tests, unlock
from kmslab.course.clinic import records
from kmslab.course.clinic.clinic import LESSONS
from kmslab.course.clinic.workshop_envelope import OpenSslError
from kmslab.course.doctor import CHECKS, EXTRAS, LIBRARY, Diagnosis, Problem, _examine
from kmslab.course.messages import Message
from kmslab.crypto import Forged
from kmslab.crypto.self_test import KNOWN_ANSWERS
from kmslab.display import this_python

# ------------------------------------------------------------------------------------- the lab


def test_keys_have_the_same_ids_in_every_kernel():
    made = [clinic(until="01")[0].create_cmk("records") for _ in range(2)]
    assert made[0].arn == made[1].arn
    assert made[0].metadata["CreationDate"] == made[1].metadata["CreationDate"]


def test_a_lesson_has_the_same_number_without_its_zero():
    (short, _), (full, _) = clinic(until="2"), clinic(until="02")
    assert short.cmk("alias/records").arn == full.cmk("alias/records").arn


def test_keys_with_the_same_ids_have_different_key_material():
    labs = [clinic(until="02")[0] for _ in range(2)]
    blob = labs[0].cmk("alias/records").encrypt(b"R-017")
    assert outcome(labs[0].decrypt, blob) == "ok"
    assert outcome(labs[1].decrypt, blob) == "InvalidCiphertextException"


def test_a_lesson_started_cold_finds_what_earlier_lessons_made():
    assert clinic(until="01")[0].kms.list_keys()["Keys"] == []
    assert clinic(until="02")[0].cmk("alias/records").state == "Enabled"


@pytest.mark.parametrize("until", ["x", "99", "", "001"])
def test_an_unknown_lesson_is_refused_with_a_list_of_all(until):
    with pytest.raises(ValueError, match=", ".join(LESSONS)):
        clinic(until=until)


# ------------------------------------------------------------------------------------- scenes


def test_fridays_laptop_opens_without_a_call_to_the_kms():
    lab, the_clinic = clinic(until="00")
    friday = the_clinic.stolen_on_friday()
    assert friday.open() == the_clinic.record("R-017")
    assert friday.open() == unlock(friday.files["R-017.sealed"], friday.files["key.bin"])
    assert list(lab.trail) == []


def test_fridays_laptop_shows_sizes_and_no_bytes():
    friday = clinic(until="00")[1].stolen_on_friday()
    for shown in (repr(friday), friday._repr_markdown_(), f"{friday.files}"):
        assert repr(bytes(friday.files["key.bin"]))[2:-1] not in shown
    assert "key.bin" in repr(friday)
    assert "32" in repr(friday)


def test_the_second_laptop_calls_the_kms_as_jiho():
    lab, the_clinic = clinic(until="01")
    again = the_clinic.stolen_again()
    assert again.open() == the_clinic.record("R-017")
    assert list(lab.trail)[-1]["userIdentity"]["userName"] == "jiho"
    lab.cmk("alias/records").disable()
    with pytest.raises(errors.DisabledException):
        again.open()


def test_a_scene_starts_over_whatever_happened_before():
    lab, the_clinic = clinic(until="01")
    the_clinic.stolen_again()
    lab.cmk("alias/records").disable()
    assert the_clinic.stolen_again().open() == the_clinic.record("R-017")


def test_the_workshops_envelope_opens_without_the_key_and_without_a_call():
    lab, the_clinic = clinic(until="02")
    folder = the_clinic.home_from_workshop()
    key = lab.cmk("alias/records")
    assert len(lab.decrypt(folder.files["datakey.encrypted"])) == 32  # a good one, and unused
    key.disable()
    before = len(lab.trail)
    assert folder.open() == the_clinic.table
    assert (len(lab.trail), list(folder.files)) == (before, ["records.sealed", "datakey.encrypted"])
    assert the_clinic.home_from_workshop().open() == the_clinic.table  # a scene starts over
    assert key.state == "Enabled"


def test_simulated_openssl_takes_its_password_from_the_command():
    seal = "openssl enc -e -aes256 -in a -out b -k fileb://a.bin"
    sealed = openssl(seal, b"R-017")
    assert openssl("openssl enc -d -k fileb://a.bin", sealed) == b"R-017"
    assert openssl(seal, b"R-017") != sealed
    for command in ("openssl enc -d -k a.bin", "openssl enc -d -kfile a.bin", "gpg -d", ""):
        with pytest.raises(OpenSslError):
            openssl(command, sealed)


def test_lock_and_unlock_take_only_a_key_for_aes_256():
    key = bytes(32)
    assert unlock(lock(b"", key), key) == b""
    assert lock(b"R-017", key) != lock(b"R-017", key)
    for wrong in (b"", bytes(16), bytes(151)):
        for turn in (lock, unlock):
            with pytest.raises(ValueError, match=f"and this one has {len(wrong)}"):
                turn(bytes(40), wrong)


def test_error_for_a_whole_data_key_names_its_plaintext():
    key = clinic(until="02")[0].cmk("alias/records").generate_data_key()
    with pytest.raises(ValueError, match=r"this is a DataKey, whose `\.plaintext` is one"):
        lock(b"R-017", key)
    with pytest.raises(ValueError, match=r"this is a str$"):
        unlock(bytes(40), "key")


def test_unlock_refuses_in_one_line():
    box, key = lock(b"R-017", bytes(32)), b"another".ljust(32)
    for spoiled, with_key in ((box, key), (box[:-1], bytes(32)), (b"", bytes(32))):
        with pytest.raises(Forged) as caught:
            unlock(spoiled, with_key)
        assert caught.value._render_traceback_() == [
            "\x1b[1mNotOpened\x1b[0m: the tag does not fit: another key, or the box was changed"
        ]


# --------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("size", [0, 1, 65_150, 65_151, 200_000])
def test_repeated_scan_has_the_given_length_and_the_same_bytes_in_any_pieces(size):
    the_clinic = clinic(until="00")[1]
    whole = the_clinic.repeated_scan(size).read()
    assert whole == (the_clinic.scan * 4)[:size]
    repeated = the_clinic.repeated_scan(size)
    assert b"".join(iter(lambda: repeated.read(4_097), b"")) == whole


def test_data_are_as_they_were_shipped():
    assert records.changed_files() == []


def test_a_record_is_the_line_of_the_table_that_has_its_number():
    the_clinic = clinic(until="00")[1]
    rows = list(csv.reader(the_clinic.table.decode("ascii").splitlines()))
    for row in (rows[1], rows[17], rows[-1]):
        assert the_clinic.record(row[0]) == ",".join(row).encode("ascii")
    assert len(rows) - 1 == len(the_clinic.column("diagnosis"))
    assert set(the_clinic.column("diagnosis")) == {"benign", "malignant"}


def test_table_and_picture_are_too_large_for_encrypt_and_records_are_not():
    lab, the_clinic = clinic(until="02")
    key = lab.cmk("alias/records")
    assert outcome(key.encrypt, the_clinic.table) == "ValidationException"
    assert outcome(key.encrypt, the_clinic.scan) == "ValidationException"
    assert outcome(key.encrypt, the_clinic.record("R-569")) == "ok"


# ------------------------------------------------------------------------------------- doctor


def test_doctor_is_green_with_the_network_off(monkeypatch):
    def refuse(*_, **__):
        raise OSError("the network is off")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert [str(finding) for finding in doctor() if not finding.passed] == []


def test_doctor_says_what_is_wrong_and_goes_on():
    def failing() -> str:
        raise Problem("no ink; refill the printer")

    diagnosis = Diagnosis([_examine("printer", failing), _examine("Python", CHECKS[0][1])])
    assert not diagnosis.green
    assert "[FAIL] printer: no ink; refill the printer" in repr(diagnosis)
    assert "`[ OK ]` Python" in diagnosis._repr_markdown_()


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> Diagnosis:
    def found(name: str) -> str:
        if name in packages:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(sys.modules[Diagnosis.__module__], "version", found)
    return doctor()


def test_a_library_without_extras_is_green_and_reads_what_each_would_add(monkeypatch):
    optional = {name for _, packages in EXTRAS.values() for name in packages}
    diagnosis = without(monkeypatch, *optional)
    assert diagnosis.green
    absent = [line for line in repr(diagnosis).splitlines() if line.startswith("[    ] extra ")]
    assert len(absent) == len(EXTRAS)
    for line, (adds, packages) in zip(absent, EXTRAS.values(), strict=True):
        command = f"{this_python()} -m pip install {' '.join(packages)}"
        assert line.endswith(f": not installed; it adds {Message(adds).plain}: {command}")


def test_an_extra_of_which_a_part_is_there_names_the_rest(monkeypatch):
    (lab,) = [each for each in without(monkeypatch, "pillow") if each.subject == "extra lab"]
    assert (lab.passed, lab.installed) == (True, False)
    assert lab.detail.startswith("lacks pillow; it adds the course in JupyterLab")


def test_a_library_that_kmslab_cannot_do_without_is_a_failure(monkeypatch):
    diagnosis = without(monkeypatch, "SQLAlchemy")
    assert not diagnosis.green
    assert "[FAIL] packages: not installed: SQLAlchemy; " in repr(diagnosis)


COMPUTERS = [
    {"sys_platform": system, "platform_machine": machine}
    for system, machine in (
        ("linux", "x86_64"),
        ("win32", "AMD64"),
        ("darwin", "arm64"),
        ("darwin", "x86_64"),
    )
]


def test_what_doctor_looks_for_is_what_is_declared():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]

    def names(requirements: list[str]) -> set[str]:
        """What every computer needs; some lack uvloop. psycopg[binary] is psycopg-binary too."""
        wanted = [*map(Requirement, requirements)]
        needed = [
            {
                name
                for each in wanted
                if each.marker is None or each.marker.evaluate(computer)
                for name in (each.name, *(f"{each.name}-{extra}" for extra in each.extras))
            }
            for computer in COMPUTERS
        ]
        return set.intersection(*needed)

    assert names(project["dependencies"]) == set(LIBRARY)
    for extra, (_, packages) in EXTRAS.items():
        assert names(project["optional-dependencies"][extra]) == set(packages)


def test_the_doctor_survives_a_check_that_raises():
    finding = _examine("arithmetic", lambda: str(1 // 0))
    assert not finding.passed
    assert "zero" in finding.detail


# ------------------------------------------------------------------------------- self-tests


def test_self_tests_pass_for_every_algorithm_that_a_library_offers():
    table = self_tests()
    assert {result for row in table.rows for result in row[2:]} == {
        "passed",
        "14 passed, 2 not offered",  # Ed25519ph
    }


def test_self_tests_count_every_known_answer_once():
    assert sum(int(row[1]) for row in self_tests().rows) == len(KNOWN_ANSWERS)


def test_a_module_with_one_wrong_bit_makes_no_key_and_encrypts_nothing():
    lab = faulty_lab()
    for _ in range(2):
        with pytest.raises(errors.KMSInternalException) as refusal:
            lab.create_cmk("trial")
        assert "AES_GCM" in str(refusal.value.__cause__)
    assert lab.kms.list_keys()["Keys"] == []


def test_outcome_names_refusals_and_raises_mistakes():
    assert outcome(len, "abc") == "ok"
    assert outcome(bytes.fromhex, "no") == "ValueError"  # how a library refuses
    with pytest.raises(ZeroDivisionError):
        outcome(lambda: 1 / 0)
