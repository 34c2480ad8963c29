"""Rot in a store: what is sealed there opens as it was, or is an error that says so; never wrong.

Every byte of every sealed column is changed, and what is sealed is exchanged between rows of keys,
accounts and Regions. After each change, everything that the store holds is used.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, update

from kmslab import CMK, Lab
from kmslab.display import PlainError
from kmslab.errors import KMSError, KMSInternalException
from kmslab.kms.backing.key_stores import secret_of
from kmslab.kms.backing.recipients import ROOT
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import AccessKey
from kmslab.kms.contract.specs import Origin
from kmslab.kms.store import Damaged
from kmslab.kms.store.schema import ROWS
from tests.postgresql import PostgreSql

OTHER = "444455556666"
EVERY = 31  # the quick test changes one byte of so many
SEALED = {
    (rows.table.name, member.name)
    for rows in ROWS.values()
    for member in rows.members
    if isinstance(member.codec.column, LargeBinary)
}
Proof = Callable[[], object]
Row = Any


@dataclass
class Kept:
    """A store with something of everything that is sealed, and what each of it has to be."""

    lab: Lab
    proofs: dict[str, Proof] = field(default_factory=dict)
    right: dict[str, object] = field(default_factory=dict)

    def keep(self, name: str, proof: Proof) -> None:
        self.proofs[name] = proof
        self.right[name] = proof()

    def rows(self, table: str) -> list[Row]:
        with self.lab._store._database._connection() as connection:
            found = _table(table)
            return list(connection.execute(select(found).order_by(_name(found))).all())

    @contextmanager
    def changed(self, table: str, *changes: tuple[Row, dict[str, object]]) -> Iterator[None]:
        """Within, each row has these values in the place of its own."""
        for row, values in changes:
            self.write(table, row[0], **values)
        try:
            yield
        finally:
            for row, values in reversed(changes):
                name = str(values.get(_name(_table(table)).name, row[0]))
                self.write(table, name, **{column: getattr(row, column) for column in values})

    def write(self, table: str, name: str, **values: object) -> None:
        """Change a row as rot does: without its version, and unnoticed."""
        database, found = self.lab._store._database, _table(table)
        with database.writing, database.transaction() as connection:
            connection.execute(update(found).where(_name(found) == name).values(values))
        self.lab._store._cache.clear()
        self.lab.service.backings[Origin.AWS_KMS].domain_keys._domain_keys.clear()

    def failing(self, refused: bool = False) -> set[str]:
        """The proofs that end in an error. Fails unless each of the others is right.

        An error has to say that the store is damaged. `refused`: it may also be a refusal, because
        the rows say something else, such as whose key it is, in a consistent way.
        """
        failed = set()
        for name, proof in self.proofs.items():
            try:
                found = proof()
            except PlainError as error:
                if not _says_damaged(error) and not (refused and isinstance(error, KMSError)):
                    raise AssertionError(f"{name}: {error!r} by {error.__cause__!r}") from error
                failed.add(name)
            else:
                assert found == self.right[name], f"{name} is wrong"
        return failed


def _says_damaged(error: BaseException) -> bool:
    return isinstance(error, Damaged) or (
        isinstance(error, KMSInternalException) and isinstance(error.__cause__, Damaged)
    )


def _table(name: str) -> Any:
    return next(rows.table for rows in ROWS.values() if rows.table.name == name)


def _name(table: Any) -> Any:
    return next(iter(table.primary_key))


AT_SERVER: Any = pytest.param("postgresql", marks=pytest.mark.long)


@pytest.fixture(scope="module", params=["file", AT_SERVER])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    folder: Path = tmp_path_factory.mktemp("rot")
    url = f"sqlite:///{folder / 'my.db'}"
    if request.param == "postgresql":
        server: PostgreSql = request.getfixturevalue("postgresql")
        url = server.new()
    with Lab(url, root_key=folder / "root.key") as lab:
        yield _filled(lab)


def _filled(lab: Lab) -> Kept:
    kept = Kept(lab)
    for owner, view in {
        "": lab,
        "another account's ": lab.account(OTHER),
        "another Region's ": lab.region("eu-west-1"),
    }.items():
        _opens(kept, f"{owner}key", view.create_cmk("orders"))
    rotated = lab.create_cmk("rotated")
    _opens(kept, "rotated key's first material", rotated)
    rotated.rotate()
    _opens(kept, "rotated key's second material", rotated)
    imported = lab.create_cmk("imported", origin="EXTERNAL")
    imported.import_material(bytes(range(32)))
    _opens(kept, "imported key", imported)
    signer = lab.create_cmk("signer", spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    signature = signer.sign(b"x")
    kept.keep("public key", lambda: lab.kms.get_public_key(KeyId=signer.arn)["PublicKey"])
    kept.keep("signature", lambda: signer.verify(b"x", signature))
    kept.keep("signing", lambda: signer.verify(b"y", signer.sign(b"y")))
    mac = lab.create_cmk("mac", spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    named = {"KeyId": mac.arn, "MacAlgorithm": "HMAC_SHA_256", "Message": b"x"}
    kept.keep("mac", lambda: lab.kms.generate_mac(**named)["Mac"])
    cluster = lab.create_key_store("cluster")
    _opens(kept, "cluster's key", lab.create_cmk("vault", key_store=cluster))
    _keep_secrets(kept, lab)
    return kept


def _opens(kept: Kept, name: str, cmk: CMK) -> None:
    lab, context, key = kept.lab, {"of": name}, {"KeyId": cmk.arn}
    blob = cmk.encrypt(name.encode(), context=context)
    data_key = cmk._kms.generate_data_key(**key, KeySpec="AES_256")["CiphertextBlob"]
    kept.keep(f"{name}, ciphertext", lambda: cmk.decrypt(blob, context=context))
    kept.keep(f"{name}, data key", lambda: cmk.decrypt(data_key))
    assert kept.right[f"{name}, ciphertext"] == name.encode()
    assert lab


def _keep_secrets(kept: Kept, lab: Lab) -> None:
    """What is sealed and is not a KMS key: access keys, a cluster's password, a root of trust."""
    hsm, keys = lab.service.backings[Origin.AWS_KMS], lab.iam.access_keys
    for name in ("alice", "bob"):
        made = lab.user(name).access_key()

        def secret(key_id: str = made.id) -> bytes:
            record = lab._store.get(AccessKey, key_id)
            assert record
            return bytes(keys.secret(record))

        kept.keep(f"{name}'s access key", secret)

    def password() -> bytes:
        [store] = lab._store.all(KeyStore)
        return bytes(secret_of(hsm, store))

    kept.keep("cluster's password", password)
    kept.keep("root of attestation", lambda: bytes(lab.service.recipients.root()))


def test_every_kind_of_sealed_row_is_kept(kept: Kept) -> None:
    assert {
        ("access_key", "sealed"),
        ("domain_key", "wrapped"),
        ("key_store", "sealed"),
        ("material", "public"),
        ("material", "sealed"),
    } == SEALED
    assert all(any(getattr(row, c) for row in kept.rows(t)) for t, c in SEALED)
    assert kept.failing() == set()


# ----------------------------------------------------------------------------------------- bytes


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("place", sorted(SEALED), ids=".".join)
def test_a_changed_byte_of_a_sealed_value_is_an_error_and_never_a_wrong_answer(
    kept: Kept, place: tuple[str, str], every: int
) -> None:
    table, column = place
    for row in kept.rows(table):
        value: bytes = getattr(row, column)
        for index in range(random.randrange(every), len(value), every):
            wrong = bytearray(value)
            wrong[index] ^= 1 << random.randrange(8)
            with kept.changed(table, (row, {column: bytes(wrong)})):
                assert kept.failing(), f"byte {index} of {row[0]} is not noticed"
    assert kept.failing() == set()


@pytest.mark.parametrize("place", sorted(SEALED), ids=".".join)
def test_a_value_of_another_length_is_an_error_and_never_a_wrong_answer(
    kept: Kept, place: tuple[str, str]
) -> None:
    table, column = place
    for row in kept.rows(table):
        value: bytes = getattr(row, column)
        for wrong in {b"", value[:-1], value + b"\0"} - {value}:
            if value:
                gone = wrong == b"" and table == "material" and row.imported
                with kept.changed(table, (row, {column: wrong})):
                    assert kept.failing(refused=gone), (
                        f"{len(wrong)} bytes of {row[0]} are not noticed"
                    )


@pytest.mark.parametrize("every", [EVERY * 2, pytest.param(3, marks=pytest.mark.long)])
def test_a_changed_byte_of_a_sealed_setting_is_an_error(kept: Kept, every: int) -> None:
    [row] = [row for row in kept.rows("setting") if row[0] == ROOT]
    value = base64.b64decode(row.value)
    for index in range(0, len(value), every):
        wrong = bytearray(value)
        wrong[index] ^= 1 << random.randrange(8)
        with kept.changed("setting", (row, {"value": base64.b64encode(wrong).decode()})):
            assert kept.failing() == {"root of attestation"}


# ------------------------------------------------------------------------------------------ swaps


def exchanged(one: Row, two: Row, columns: Sequence[str]) -> list[tuple[Row, dict[str, object]]]:
    """Changes after which two rows have each other's values."""
    return [
        (row, {column: getattr(other, column) for column in columns})
        for row, other in ((one, two), (two, one))
    ]


def differ(one: Row, two: Row, columns: Sequence[str]) -> bool:
    return any(getattr(one, column) != getattr(two, column) for column in columns)


ALL_PAIRS = partial(combinations, r=2)
SWAPS = [
    ("access_key", ["sealed"]),
    ("access_key", ["principal"]),
    ("domain_key", ["wrapped"]),
    ("domain_key", ["region"]),
    ("material", ["sealed"]),
    ("material", ["sealed", "public"]),
    ("material", ["sealed", "public", "domain"]),
    ("material", ["sealed", "public", "domain", "spec"]),
    ("material", ["sealed", "public", "domain", "spec", "key"]),
    ("material", ["domain"]),
    ("material", ["key", "spec"]),
]


@pytest.mark.parametrize("pairs", [pairwise, pytest.param(ALL_PAIRS, marks=pytest.mark.long)])
@pytest.mark.parametrize(("table", "columns"), SWAPS)
def test_rows_with_each_others_values_do_not_open(
    kept: Kept, table: str, columns: list[str], pairs: Callable[..., Iterator[tuple[Row, Row]]]
) -> None:
    """Of two keys, two accounts, two Regions, two users."""
    for one, two in pairs(kept.rows(table)):
        if differ(one, two, columns):
            with kept.changed(table, *exchanged(one, two, columns)):
                noticed = kept.failing(refused="key" in columns)
                assert noticed, f"the swap of {one[0]} and {two[0]} is not noticed"
    assert kept.failing() == set()


def test_a_key_that_names_anothers_material_gives_no_wrong_answer(kept: Kept) -> None:
    keys = [row for row in kept.rows("key") if row.material]
    for one, two in pairwise(keys):
        with kept.changed("key", *exchanged(one, two, ["material"])):
            kept.failing()
    assert kept.failing() == set()


def test_a_key_that_was_given_to_another_account_does_not_open(kept: Kept) -> None:
    """Its row and its material's rows are changed consistently: only what is sealed shows it."""
    [theirs] = [row for row in kept.rows("key") if f":{OTHER}:" in row.arn]
    mine = theirs.arn.replace(OTHER, "111122223333")
    policy = theirs.policy.replace(OTHER, "111122223333")
    parts = [row for row in kept.rows("material") if row.key == theirs.arn]
    with (
        kept.changed("key", (theirs, {"arn": mine, "policy": policy})),
        kept.changed("material", *[(row, {"key": mine}) for row in parts]),
        pytest.raises(KMSInternalException) as refused,
    ):
        kept.lab.cmk(mine).encrypt(b"x")
    assert isinstance(refused.value.__cause__, Damaged)
    assert kept.failing() == set()


def test_a_rotten_record_of_the_root_key_does_not_lock_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(url) as lab:
        blob = lab.create_cmk("orders").encrypt(b"x")
        kept = Kept(lab)
        [row] = [row for row in kept.rows("setting") if row[0] == "root key"]
        check = json.loads(row.value)["check"]
        kept.write("setting", "root key", value=row.value.replace(check[:8], check[7::-1]))
    with Lab(url) as lab:
        assert lab.decrypt(blob) == b"x"
