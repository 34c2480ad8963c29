"""Imports by other people's tools, under policies, and across restarts and crashes."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmslab
from kmslab import CMK, Lab
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import Material
from kmslab.kms.contract.states import KeyState
from kmslab.kms.operations.policies import default_policy
from tests.cases import for_every
from tests.kms.operations.brought import material, new_lab

A, B = bytes([1]) * 32, bytes([2]) * 32
NEVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
SIGNING = {"spec": "ECC_NIST_P256", "usage": "SIGN_VERIFY", "origin": "EXTERNAL"}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with new_lab() as lab:
        yield lab


# -------------------------------------------------------------------------------------- openssl

openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")


def run_openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def oaep(folder: Path, source: Path, bits: str) -> bytes:
    """As the developer guide says: the public key and the material are files."""
    options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:sha{bits}", f"rsa_mgf1_md:sha{bits}"]
    named = [word for option in options for word in ("-pkeyopt", option)]
    key = folder / "WrappingPublicKey.bin"
    to = folder / "encrypted.bin"
    run_openssl(
        *("pkeyutl", "-encrypt", "-in", source, "-out", to, "-inkey", key, "-keyform", "DER"),
        *("-pubin", *named),
    )
    return to.read_bytes()


@openssl
@for_every("bits", ["1", "256"])
def test_material_that_openssl_encrypted_is_imported(lab: Lab, tmp_path: Path, bits: str) -> None:
    cmk = lab.create_cmk(origin="EXTERNAL")
    given = cmk.import_parameters(f"RSAES_OAEP_SHA_{bits}", "RSA_3072")
    (tmp_path / "WrappingPublicKey.bin").write_bytes(given.public_key.der)
    (tmp_path / "plain.bin").write_bytes(A)
    cmk.import_wrapped(oaep(tmp_path, tmp_path / "plain.bin", bits), given.token)
    assert cmk.decrypt(cmk.encrypt(b"x")) == b"x"


@openssl
@for_every("bits", ["1", "256"])
def test_a_private_key_that_openssl_made_and_wrapped_is_imported(
    lab: Lab, tmp_path: Path, bits: str
) -> None:
    private, once = tmp_path / "private.der", tmp_path / "aes.bin"
    wrapped, public = tmp_path / "wrapped.bin", tmp_path / "public.der"
    made = tmp_path / "private.pem"
    run_openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", made)
    run_openssl("pkcs8", "-topk8", "-nocrypt", "-in", made, "-outform", "DER", "-out", private)
    run_openssl("pkey", "-in", private, "-pubout", "-outform", "DER", "-out", public)
    once.write_bytes(bytes(range(32)))
    run_openssl(
        *("enc", "-id-aes256-wrap-pad", "-K", once.read_bytes().hex(), "-iv", "A65959A6"),
        *("-in", private, "-out", wrapped),
    )
    cmk = lab.create_cmk(**SIGNING)
    given = cmk.import_parameters(f"RSA_AES_KEY_WRAP_SHA_{bits}", "RSA_4096")
    (tmp_path / "WrappingPublicKey.bin").write_bytes(given.public_key.der)
    encrypted = oaep(tmp_path, once, bits)
    cmk.import_wrapped(encrypted + wrapped.read_bytes(), given.token)
    assert cmk.public_key().der == public.read_bytes()


# ----------------------------------------------------------------------------- boto3 by itself


def test_the_handle_on_a_key_of_a_boto3_client_imports_too(lab: Lab) -> None:
    cmk = kmslab.key(lab.boto3(), lab.create_cmk(origin="EXTERNAL").arn)
    material_id = cmk.import_material(A, expires=lab.clock.now() + timedelta(days=9))
    assert cmk.metadata["CurrentKeyMaterialId"] == material_id
    cmk.delete_material()
    assert cmk.state is KeyState.PENDING_IMPORT


def test_a_name_belongs_to_a_key_of_one_origin(lab: Lab, refused: Any) -> None:
    own = lab.create_cmk("own", origin="EXTERNAL")
    assert lab.create_cmk("own", origin="EXTERNAL") == own
    text = f"An alias with the name {lab.caller.here}alias/own already exists"
    with refused("AlreadyExistsException", text):
        lab.create_cmk("own")


# ------------------------------------------------------------------------------------- policies


def allowed_if(lab: Lab, cmk: CMK, action: str, operator: str, key: str, value: str) -> CMK:
    """A user who may do this if the condition holds."""
    statement = {
        "Effect": "Allow",
        "Action": [f"kms:{action}", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {operator: {f"kms:{key}": value}},
    }
    describe = {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement, describe]}
    return lab.user("alice", policy).cmk(cmk.arn)


@for_every(
    ("key", "value", "right", "wrong"),
    [
        ("WrappingAlgorithm", "RSAES_OAEP_SHA_256", (), ("RSAES_OAEP_SHA_1",)),
        (
            "WrappingKeySpec",
            "RSA_4096",
            ("RSAES_OAEP_SHA_256", "RSA_4096"),
            ("RSAES_OAEP_SHA_256", "RSA_2048"),
        ),
    ],
)
def test_a_policy_chooses_how_material_is_wrapped(
    lab: Lab, key: str, value: str, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    cmk = lab.create_cmk(origin="EXTERNAL")
    alice = allowed_if(lab, cmk, "GetParametersForImport", "StringEquals", key, value)
    alice.import_parameters(*right)
    with pytest.raises(KMSError) as caught:
        alice.import_parameters(*wrong)
    assert caught.value.code == "AccessDeniedException"


def test_a_policy_demands_that_material_expires_and_how_soon(lab: Lab) -> None:
    cmk = lab.create_cmk(origin="EXTERNAL")
    now = lab.clock.now()
    soon, late = now + timedelta(days=10), now + timedelta(days=40)
    limit = f"{now + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    conditions = {
        ("StringEquals", "ExpirationModel", "KEY_MATERIAL_EXPIRES"): (late, None),
        ("DateLessThan", "ValidTo", limit): (soon, late),
    }
    for (operator, key, value), (right, wrong) in conditions.items():
        given = cmk.import_parameters()
        alice = allowed_if(lab, cmk, "ImportKeyMaterial", operator, key, value)
        with pytest.raises(KMSError) as caught:
            alice.import_wrapped(given.wrap(A), given.token, expires=wrong)
        assert caught.value.code == "AccessDeniedException"
        alice.import_wrapped(given.wrap(A), given.token, expires=right)


def test_another_account_imports_nothing(lab: Lab) -> None:
    """Even if the key's policy allows it."""
    cmk = lab.create_cmk(origin="EXTERNAL")
    everybody = default_policy("111122223333").replace("arn:aws:iam::111122223333:root", "*")
    cmk.put_policy(everybody)
    with pytest.raises(KMSError) as caught:
        lab.account("444455556666").kms.get_parameters_for_import(
            KeyId=cmk.arn, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )
    assert caught.value.code == "AccessDeniedException"


# ------------------------------------------------------------------------- restarts and crashes


@pytest.fixture
def reopened(tmp_path: Path) -> Callable[[], Lab]:
    return lambda: new_lab(f"sqlite:///{tmp_path / 'my.db'}")


def test_each_step_may_have_a_process_of_its_own(reopened: Callable[[], Lab]) -> None:
    with reopened() as lab:
        own = lab.create_cmk("own", origin="EXTERNAL").arn
    with reopened() as lab:
        given = lab.cmk(own).import_parameters()
    wrapped = given.wrap(A)
    with reopened() as lab:
        first = lab.cmk(own).import_wrapped(wrapped, given.token)
    with reopened() as lab:
        blob = lab.cmk(own).encrypt(b"x")
        second = lab.cmk(own).import_material(B, new=True)
    with reopened() as lab:
        lab.kms.rotate_key_on_demand(KeyId=own)
    with reopened() as lab:
        assert lab.cmk(own).metadata["CurrentKeyMaterialId"] == second
        lab.cmk(own).delete_material(first)
    with reopened() as lab:
        assert lab.cmk(own).state is KeyState.PENDING_IMPORT
        lab.cmk(own).import_material(A)
        assert lab.cmk(own).decrypt(blob) == b"x"


def test_material_that_expired_while_no_process_ran_is_gone_at_the_next_start(
    reopened: Callable[[], Lab],
) -> None:
    with reopened() as lab:
        own = lab.create_cmk(origin="EXTERNAL")
        own.import_material(A, expires=lab.clock.now() + timedelta(hours=1))
        lab.clock.advance(minutes=59)
    with reopened() as lab:
        assert lab.cmk(own.arn).state is KeyState.ENABLED
        lab.clock.advance(minutes=1)
    with reopened() as lab:
        assert lab.cmk(own.arn).state is KeyState.PENDING_IMPORT
        (event,) = [e for e in lab.trail if e["eventName"] == "DeleteExpiredKeyMaterial"]
        assert event["eventTime"] == "2026-01-05T10:00:00Z"


KILLED = """
import os, sys
from tests.kms.operations.brought import new_lab
lab = new_lab(sys.argv[1])
key = lab.cmk("alias/own")
step = sys.argv[2]
if step == "import":
    key.import_material(bytes([1]) * 32)
elif step == "new":
    key.import_material(bytes([2]) * 32, new=True)
elif step == "rotate":
    lab.kms.rotate_key_on_demand(KeyId=key.id)
elif step == "delete":
    key.delete_material()
os._exit(9)  # nothing is closed or flushed
"""


@pytest.mark.long
def test_a_process_that_is_killed_after_its_answer_has_lost_nothing(
    reopened: Callable[[], Lab], tmp_path: Path
) -> None:
    def run(step: str) -> None:
        store = f"sqlite:///{tmp_path / 'my.db'}"
        root = Path(__file__).parents[3]
        done = subprocess.run([sys.executable, "-c", KILLED, store, step], cwd=root, check=False)
        assert done.returncode == 9

    def looks(state: KeyState, *materials: str) -> None:
        with reopened() as lab:
            key = lab.cmk("alias/own")
            assert key.state is state
            listed = lab.kms.list_key_rotations(KeyId=key.id, IncludeKeyMaterial="ALL_KEY_MATERIAL")
            assert [each["KeyMaterialState"] for each in listed["Rotations"]] == [*materials]

    with reopened() as lab:
        lab.create_cmk("own", origin="EXTERNAL")
    run("import")
    looks(KeyState.ENABLED, "CURRENT")
    run("new")
    looks(KeyState.ENABLED, "CURRENT", "PENDING_ROTATION")
    run("rotate")
    looks(KeyState.ENABLED, "NON_CURRENT", "CURRENT")
    run("delete")
    looks(KeyState.PENDING_IMPORT, "NON_CURRENT", "CURRENT")


# ------------------------------------------------------------------------------------- anything


@given(st.binary(max_size=700))
def test_any_bytes_are_refused_in_words(shared_waiting: CMK, garbage: bytes) -> None:
    """As a token, as wrapped material, and wrapped rightly as a private key."""
    given = shared_waiting.import_parameters()
    whole = given.wrap(material("ECC_NIST_P256"))
    tries = {
        "InvalidImportTokenException": (whole, garbage or b"x"),
        "InvalidCiphertextException": (garbage or b"x", given.token),
        "IncorrectKeyMaterialException": (given.wrap(garbage or b"x"), given.token),
    }
    for code, (wrapped, token) in tries.items():
        with pytest.raises(KMSError) as caught:
            shared_waiting.import_wrapped(wrapped, token)
        assert caught.value.code == code


@given(st.data())
def test_a_private_key_with_any_byte_changed_is_refused_or_another_key(
    shared_waiting: CMK, data: st.DataObject
) -> None:
    spec = data.draw(st.sampled_from(["ECC_NIST_P256", "RSA_2048", "ML_KEM_512", "ML_DSA_44"]))
    whole = material(spec)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]
    cut = data.draw(st.booleans())
    lab = shared_waiting.lab
    usage = "ENCAPSULATE_DECAPSULATE" if spec.startswith("ML_KEM") else "SIGN_VERIFY"
    cmk = lab.create_cmk(spec=spec, usage=usage, origin="EXTERNAL")
    given = cmk.import_parameters()
    with suppress(lab.kms.exceptions.IncorrectKeyMaterialException):
        cmk.import_wrapped(given.wrap(changed[:at] if cut and at else changed), given.token)
    if cmk.state is KeyState.ENABLED:
        assert cmk.public_key().der
    else:
        assert lab._store.find(Material, key=cmk.arn) == []


@pytest.fixture(scope="module")
def shared_waiting() -> Iterator[CMK]:
    """A key for a curve's private key, which no test gives it."""
    with new_lab() as lab:
        yield lab.create_cmk(**SIGNING)
