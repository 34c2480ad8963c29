"""An error has AWS's name and exactly AWS's text, and is readable in a notebook."""

import pickle
import re

import pytest

import kmslab.errors
from kmslab.kms.contract.errors import COMMON, EXCEPTIONS, KMSError, fail
from tests.cases import for_every
from tests.kms.contract.oracle import OPERATIONS, SHAPES

MODELLED = {name for name, shape in SHAPES.items() if shape.get("exception")}
ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_every_exception_of_the_model_and_the_common_ones_have_a_class() -> None:
    assert set(EXCEPTIONS) == MODELLED | set(COMMON)
    raised = {error["shape"] for operation in OPERATIONS.values() for error in operation["errors"]}
    assert raised <= set(EXCEPTIONS)


@for_every("name", sorted(EXCEPTIONS))
def test_an_exception_is_imported_and_raised_by_its_name(name: str) -> None:
    kind = getattr(kmslab.errors, name)
    assert issubclass(kind, KMSError)
    assert kind.__name__ == kind.code == name
    with pytest.raises(kind, match=r"^Words$"):
        fail(name, "Words")


@for_every("name", sorted(EXCEPTIONS))
def test_only_faults_of_the_service_are_answered_with_500(name: str) -> None:
    fault = SHAPES.get(name, {}).get("fault", False)
    assert EXCEPTIONS[name].status == (500 if fault else 400)


def test_an_error_has_the_shape_of_boto3s() -> None:
    error = EXCEPTIONS["NotFoundException"](f"Key '{ARN}' does not exist")
    assert str(error) == error.message == f"Key '{ARN}' does not exist"
    assert error.response == {
        "Error": {"Code": "NotFoundException", "Message": f"Key '{ARN}' does not exist"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    error.request_id = "b5f7"
    assert error.response["ResponseMetadata"] == {"HTTPStatusCode": 400, "RequestId": "b5f7"}


def test_an_error_survives_another_process() -> None:
    error = EXCEPTIONS["DisabledException"](f"{ARN} is disabled.")
    error.request_id = "b5f7"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kmslab.errors.DisabledException
    assert (copy.message, copy.request_id) == (error.message, "b5f7")


def test_an_unknown_name_is_not_an_error_of_kms() -> None:
    with pytest.raises(KeyError):
        fail("NoSuchException")


# ----------------------------------------------------------------------------- in a notebook


def shown(error: KMSError) -> list[str]:
    return error._render_traceback_()


def test_a_notebook_shows_the_name_in_bold_and_the_text_without_colour() -> None:
    assert shown(EXCEPTIONS["DisabledException"](f"{ARN} is disabled.")) == [
        "\x1b[1mDisabledException\x1b[0m:",
        f"{ARN} is",
        "disabled.",
    ]


def test_a_notebook_shows_no_line_over_85_columns_that_could_be_broken() -> None:
    text = f"User: arn:aws:iam::111122223333:user/alice is not authorized to use {ARN} because " * 3
    for line in shown(EXCEPTIONS["AccessDeniedException"](text)):
        plain = re.sub(r"\x1b\[\d+m", "", line)
        assert len(plain) <= 85 or " " not in plain


def test_a_notebook_says_so_where_aws_sends_no_text() -> None:
    error = EXCEPTIONS["InvalidCiphertextException"]()
    assert str(error) == ""
    assert shown(error) == [
        "\x1b[1mInvalidCiphertextException\x1b[0m: (AWS sends no text with this error)"
    ]


def test_a_developer_sees_the_cause_without_a_path_and_a_line_number() -> None:
    error = EXCEPTIONS["KMSInternalException"]("Encrypt failed inside the service.")
    try:
        try:
            {}["missing"]
        except KeyError as cause:
            raise error from cause
    except KMSError:
        lines = shown(error)
    cause = "Caused by KeyError: 'missing' (test_errors.py, in test_a_developer_sees_the_cause_"
    assert " ".join(lines[-2:]).startswith(cause)
