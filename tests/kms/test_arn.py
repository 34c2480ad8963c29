"""What an ARN names, and that reading one and writing it again changes nothing.

Source: IAM user guide, "IAM identifiers"; "Identify AWS resources with Amazon Resource Names".
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmslab
from kmslab.kms.arn import (
    Arn,
    arn_prefix,
    as_arn,
    is_arn,
    known_arn,
    resource_of,
    role_arn,
    root_arn,
    session_arn,
    user_arn,
)
from tests.cases import for_every

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/clinic/records"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
USER = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/auditor"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/monday"
FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/visits"
BUCKET = "arn:aws:s3:::clinic/scans/1.png"
PRINCIPALS = [ROOT, USER, ROLE, SESSION, FEDERATED]
RESOURCES = [KEY, ALIAS, TABLE, BUCKET]

field = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]))


def test_a_keys_arn_has_its_fields():
    assert Arn.parse(KEY) == Arn(
        partition="aws",
        service="kms",
        region="us-east-1",
        account=ACCOUNT,
        resource="key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )


@given(field, field, field, field, st.text())
def test_writing_and_reading_gives_the_same_arn(partition, service, region, account, resource):
    arn = Arn(partition, service, region, account, resource)
    assert Arn.parse(str(arn)) == arn


@for_every("text", [*PRINCIPALS, *RESOURCES])
def test_reading_and_writing_gives_the_same_text(text):
    assert str(Arn.parse(text)) == f"{as_arn(text)}" == str(known_arn(text)) == text


@for_every(
    "text",
    ["", "arn", "arn:", "arn:aws:kms:us-east-1:111122223333", "alias/orders", "*", "ARN:a:b:c:d:e",
     "aws:kms:us-east-1:111122223333:key/1", "dynamodb.amazonaws.com", f" {KEY}"],
)  # fmt: skip
def test_other_texts_are_not_arns(text):
    with pytest.raises(ValueError, match="is not an ARN"):
        Arn.parse(text)
    with pytest.raises(ValueError, match="is not an ARN"):
        known_arn(text)
    assert as_arn(text) is None
    assert resource_of(text) == text


def test_a_resource_may_hold_colons():
    arn = Arn.parse("arn:aws:logs:us-east-1:111122223333:log-group:kms:*")
    assert (arn.account, arn.resource) == (ACCOUNT, "log-group:kms:*")


@for_every(
    ("text", "kind", "name", "friendly_name"),
    [
        (KEY, "key", KEY[-36:], KEY[-36:]),
        (ALIAS, "alias", "clinic/records", "records"),
        (ROOT, "root", "", "root"),
        (USER, "user", "staff/alice", "alice"),
        (SESSION, "assumed-role", "auditor/monday", "monday"),
        (TABLE, "table", "visits", "visits"),
    ],
)
def test_a_resource_has_a_kind_and_a_name(text, kind, name, friendly_name):
    arn = Arn.parse(text)
    assert (arn.kind, arn.name, arn.friendly_name) == (kind, name, friendly_name)


def test_only_a_root_user_is_root():
    assert [text for text in [*PRINCIPALS, *RESOURCES] if Arn.parse(text).is_root] == [ROOT]
    assert not Arn.parse(f"arn:aws:iam::{ACCOUNT}:user/root").is_root
    assert not Arn.parse("arn:aws:s3:::root").is_root


def test_only_an_assumed_role_is_a_session():
    assert [text for text in [*PRINCIPALS, *RESOURCES] if Arn.parse(text).is_session] == [SESSION]


@pytest.mark.parametrize("text", PRINCIPALS)
def test_callers_are_principals(text):
    assert Arn.parse(text).is_principal


@for_every(
    "text",
    [
        *RESOURCES,
        "arn:aws:iam::1111:user/alice",
        "arn:aws:iam::١١١١٢٢٢٢٣٣٣٣:user/alice",
        f"arn:aws:iam:us-east-1:{ACCOUNT}:user/alice",
        f"arn:elsewhere:iam::{ACCOUNT}:user/alice",
        f"arn:aws:iam::{ACCOUNT}:user/",
        f"arn:aws:iam::{ACCOUNT}:user/alice bob",
        f"arn:aws:iam::{ACCOUNT}:root/alice",
        f"arn:aws:iam::{ACCOUNT}:group/nurses",
        f"arn:aws:iam::{ACCOUNT}:root\n",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor",
        f"arn:aws:sts::{ACCOUNT}:root",
    ],
)
def test_what_cannot_call_is_not_a_principal(text):
    assert not Arn.parse(text).is_principal


def test_the_policies_of_a_session_are_its_roles():
    assert str(Arn.parse(SESSION).identity) == ROLE


@pytest.mark.parametrize("text", [ROOT, USER, ROLE, FEDERATED])
def test_any_other_principal_has_its_own_policies(text):
    assert str(Arn.parse(text).identity) == text


def test_principals_are_written_as_iam_and_sts_write_them():
    assert root_arn(ACCOUNT) == ROOT
    assert user_arn(ACCOUNT, "staff/alice") == USER
    assert role_arn(ACCOUNT, "auditor") == ROLE
    assert session_arn(ACCOUNT, "auditor", "monday") == SESSION


def test_a_prefix_ends_where_a_region_or_an_account_ends():
    assert arn_prefix("kms", "us-east-1") == "arn:aws:kms:us-east-1:"
    assert arn_prefix("kms", "us-east-1", ACCOUNT) == f"arn:aws:kms:us-east-1:{ACCOUNT}:"
    assert arn_prefix("iam", "", ACCOUNT) == f"arn:aws:iam::{ACCOUNT}:"


def test_a_text_means_to_be_an_arn_by_its_beginning():
    assert is_arn(KEY)
    assert is_arn("arn:nonsense")
    assert not is_arn("alias/orders")
    assert not is_arn("dynamodb.amazonaws.com")


def test_what_is_remembered_is_bounded():
    assert known_arn.cache_info().maxsize is not None


PACKAGE = Path(kmslab.__file__).parent
OTHERS = {
    "kms/arn.py": "it is the one that does",
    "kms/access/documents.py": "the grammar of policies has patterns of ARNs",
    "envelope/kms.py": "the envelope does not know this KMS",
}


def texts(path: Path) -> Iterator[str]:
    """The texts in a module's code, without its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    first = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body]
    docstrings = [each.value for each in first if isinstance(each, ast.Expr)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in docstrings:
            yield str(node.value)


def test_no_other_module_writes_an_arn():
    modules = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    writing = {name for name, path in modules.items() if any("arn:" in t for t in texts(path))}
    assert writing == set(OTHERS)
