from kmslab.course import clinic
from kmslab.course.exercises.other_answers import other_answers, repeated_answers
from kmslab.course.exercises.recording import recorded


def test_secrets_are_other_ones_of_the_same_length_and_blobs_stay():
    lab, the_clinic = clinic(until="02")
    key, record = lab.cmk("alias/records"), the_clinic.record("R-017")
    blob, data_key = key.encrypt(record), key.generate_data_key()
    with other_answers(lab):
        found, other_key = key.decrypt(blob), key.decrypt(data_key.encrypted)
        answer = lab.kms.encrypt(KeyId=key.arn, Plaintext=record)
    assert (len(found), found == record) == (len(record), False)
    assert other_key != data_key.plaintext
    assert key.decrypt(answer["CiphertextBlob"]) == record
    assert key.decrypt(blob) == record  # afterwards it is as before


def test_only_one_operations_answers_are_exchanged():
    lab, _ = clinic(until="02")
    key = lab.cmk("alias/records")
    with other_answers(lab, only="Decrypt"):
        data_key = key.generate_data_key()
        assert key.decrypt(data_key.encrypted) != data_key.plaintext
    assert key.decrypt(data_key.encrypted) == data_key.plaintext


def test_an_answer_is_repeated_to_another_question():
    lab, the_clinic = clinic(until="02")
    key, record = lab.cmk("alias/records"), the_clinic.record("R-017")
    blob, other = key.encrypt(record), key.encrypt(b"another record")
    with recorded(lab) as calls:
        key.decrypt(other)
    with repeated_answers(lab, calls):
        assert key.decrypt(blob) == b"another record"
    assert key.decrypt(blob) == record
