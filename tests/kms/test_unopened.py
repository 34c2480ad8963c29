"""`error.explain()` says why a ciphertext did not open, to the lab's own process alone."""

import base64
import json
import pickle

import pytest

from kmslab import Lab
from kmslab.course.outcome import refusal
from kmslab.errors import InvalidCiphertextException
from kmslab.kms.backing import blob as layout
from tests.cases import for_every
from tests.kms.operations.brought import material, new_lab

CONTEXT = {"record": "R-017", "환자": "하나"}


@pytest.fixture
def lab():
    return Lab()


def changed(blob: bytes, place: int) -> bytes:
    return blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]


@for_every("given", [None, {}, {"record": "r-017", "환자": "하나"}, CONTEXT | {"more": "1"}])
def test_another_context_is_found_and_compared(lab, given):
    key = lab.create_cmk()
    said = refusal(lab.decrypt, key.encrypt(b"1", CONTEXT), given).explain()
    assert said.wrong == "context"
    assert "R-017" in repr(said)
    assert "하나" in said._repr_markdown_()


def test_a_blob_without_context_and_those_of_other_calls_are_found_too(lab):
    key = lab.create_cmk()
    data_key = lab.kms.generate_data_key(
        KeyId=key.id, KeySpec="AES_256", EncryptionContext={"file": "1"}
    )["CiphertextBlob"]
    moved = lab.kms.re_encrypt(
        CiphertextBlob=key.encrypt(b"1"),
        DestinationKeyId=key.id,
        DestinationEncryptionContext={"file": "2"},
    )["CiphertextBlob"]
    for made in (data_key, moved, key.encrypt(b"1")):
        assert refusal(lab.decrypt, made, CONTEXT).explain().wrong == "context"


def test_a_blob_of_another_region_is_told_from_a_changed_one(lab):
    key, other = lab.create_cmk(multi_region=True), lab.region("eu-west-1").create_cmk()
    refused = refusal(other.decrypt, key.encrypt(b"1", CONTEXT), CONTEXT)
    said = refused.explain()
    assert said.wrong == "key"
    assert f"key/{key.id}, which is not in eu-west-1" in said.sentence


def test_one_changed_bit_anywhere_is_found(lab):
    key = lab.create_cmk()
    blob = key.encrypt(b"1", CONTEXT)
    material, key_id = 10, 60
    for place in (0, material, layout.LAYOUT.size - 1, layout.LAYOUT.size, len(blob) - 1):
        said = refusal(lab.decrypt, changed(blob, place), CONTEXT).explain()
        assert said.wrong == "bytes", place
    said = refusal(lab.decrypt, changed(blob, key_id), CONTEXT).explain()
    assert said.wrong == "bytes"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (base64.b64encode, "base64.b64decode"),
        (lambda blob: blob.hex().encode(), "bytes.fromhex"),
        (lambda blob: blob[:40], "It was cut"),
        (lambda blob: b"\x01\x80 a message", "Encryption SDK"),
    ],
)
def test_bytes_that_are_not_a_blob_are_recognised(lab, written, says):
    error = refusal(lab.decrypt, written(lab.create_cmk().encrypt(b"1")))
    assert error.explain().wrong == "bytes"
    assert says in error.explain().sentence


def test_another_key_is_named(lab):
    one, other = lab.create_cmk(), lab.create_cmk()
    error = refusal(lambda: lab.kms.decrypt(CiphertextBlob=one.encrypt(b"1"), KeyId=other.id))
    assert error.explain().wrong == "key"
    assert one.id in str(error.explain())


def test_rsa_key_and_algorithm_are_found(lab):
    one, other = (lab.create_cmk(spec="RSA_2048", usage="ENCRYPT_DECRYPT") for _ in range(2))
    sealed = lab.kms.encrypt(KeyId=one.id, Plaintext=b"1", EncryptionAlgorithm="RSAES_OAEP_SHA_256")

    def why(key, algorithm, blob=sealed["CiphertextBlob"]):
        return refusal(
            lambda: lab.kms.decrypt(
                CiphertextBlob=blob, KeyId=key.id, EncryptionAlgorithm=algorithm
            )
        ).explain()

    assert why(one, "RSAES_OAEP_SHA_1").wrong == "algorithm"
    assert why(other, "RSAES_OAEP_SHA_256").wrong == "key"
    assert one.id in str(why(other, "RSAES_OAEP_SHA_1"))
    assert why(one, "RSAES_OAEP_SHA_256", bytes(256)).wrong == "bytes"


def test_imported_keys_without_their_material_are_passed_over():
    """They open nothing now, so that nothing can be tried with them."""
    with new_lab() as lab:
        kind = {"spec": "RSA_2048", "usage": "ENCRYPT_DECRYPT", "origin": "EXTERNAL"}
        lab.create_cmk(**kind)
        lost, own = lab.create_cmk(**kind), lab.create_cmk(**kind)
        for key in (lost, own):
            key.import_material(material("RSA_2048"))
        lost.delete_material()
        blob = changed(own.encrypt(b"1"), 20)
        refused = refusal(own.decrypt, blob)
        assert refused.explain().wrong == "bytes"
        refused = refusal(own.decrypt, blob)
        own.delete_material()
        assert refused.explain().wrong == "bytes"


def test_key_that_still_waits_for_its_material_is_the_wrong_one():
    with new_lab() as lab:
        waits, other = lab.create_cmk(origin="EXTERNAL"), lab.create_cmk()
        said = refusal(waits.decrypt, other.encrypt(b"1")).explain()
        assert said.wrong == "key"
        assert other.id in said.sentence


def test_forged_blob_that_names_waiting_material_was_changed():
    with new_lab() as lab:
        own = lab.create_cmk(origin="EXTERNAL", multi_region=True)
        first = own.import_material(material("SYMMETRIC_DEFAULT"))
        abroad = own.replicate("eu-west-1")
        lab.clock.advance(seconds=2)
        abroad.import_material(material("SYMMETRIC_DEFAULT"))
        waiting = own.import_material(material("SYMMETRIC_DEFAULT", 1), new=True)
        abroad.make_primary()  # where the waiting material is known by its id alone
        forged = bytes(own.encrypt(b"1")).replace(bytes.fromhex(first), bytes.fromhex(waiting))
        assert refusal(abroad.decrypt, forged).explain().wrong == "bytes"


def test_source_of_a_re_encrypt_is_explained(lab):
    key = lab.create_cmk()
    blob = key.encrypt(b"1", CONTEXT)
    error = refusal(lambda: lab.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key.id))
    assert error.explain().wrong == "context"


def test_encapsulated_secret_is_explained(lab):
    key = lab.create_cmk(spec="ML_KEM_768", usage="ENCAPSULATE_DECAPSULATE")
    assert refusal(key.decapsulate, b"1").explain().wrong == "bytes"


def test_nothing_of_it_is_in_the_error_the_trail_or_a_pickle(lab):
    key = lab.create_cmk()
    error = refusal(lab.decrypt, key.encrypt(b"1", CONTEXT), {"other": "1"})
    before = len(lab.trail)
    error.explain()
    assert len(lab.trail) == before
    assert str(error) == ""
    assert "R-017" not in json.dumps([error.response, lab.trail[-1]])
    assert error.args == ("",)
    with pytest.raises(ValueError, match="no policy decided this InvalidCiphertextException"):
        pickle.loads(pickle.dumps(error)).explain()


def test_refusal_by_a_policy_still_explains_itself_and_survives_a_pickle(lab):
    error = refusal(lab.user("alice").decrypt, lab.create_cmk().encrypt(b"1"))
    assert "user/alice may not call" in str(error.explain())
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_client_on_the_wire_gets_no_explanation(lab):
    """Through boto3, also in this process, an error is botocore's."""
    pytest.importorskip("boto3")
    client = lab.boto3()
    blob = lab.create_cmk().encrypt(b"1", CONTEXT)
    with pytest.raises(client.exceptions.InvalidCiphertextException) as caught:
        client.decrypt(CiphertextBlob=blob)
    assert not isinstance(caught.value, InvalidCiphertextException)
    assert "R-017" not in repr(vars(caught.value))


def test_other_errors_say_that_the_lab_knows_no_more(lab):
    error = refusal(lab.cmk, "alias/nobody")
    with pytest.raises(ValueError, match=r"than its text says: Alias .* is not found"):
        error.explain()
