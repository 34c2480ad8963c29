"""Seeds: everything that a file declares is made once, or nothing; an error names its place."""

import base64
import copy
import json
import tempfile
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kmslab import Clock, Lab
from kmslab.errors import AccessDeniedException, DisabledException, InvalidCiphertextException
from kmslab.kms.access import allow
from kmslab.kms.backing import root_key
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.contract.records import AccessKey, Alias, DomainKey, Key, Material, Principal
from kmslab.lab.seeding import SeedError
from tests.cases import for_every

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/seed.yaml"
ID, ID_2 = "1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01", "1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e02"
HEX = "8f2b40c7d1e95a36b07c94e2135f68ad41f09be72c5d83a6907e1b4fd286c35a"
OTHER_HEX = HEX[::-1]
KINDS = (Key, Material, Alias, Principal, AccessKey)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(text: str, name: str = "seed.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def count(lab: Lab) -> int:
    return sum(len(lab._store.page(kind, "", limit=1000)) for kind in KINDS)


# ------------------------------------------------------------------------------------- what is made


def test_example_makes_everything_that_it_declares():
    with Lab.from_seed(EXAMPLE) as lab:
        assert (lab.caller.account, lab.caller.region) == ("111122223333", "eu-west-1")
        orders = lab.cmk("alias/orders")
        assert orders.arn == f"arn:aws:kms:eu-west-1:111122223333:key/{ID}"
        assert orders.metadata["Description"] == "Seals the orders"
        assert orders.tags == {"project": "shop", "owner": "alice"}
        status = lab.kms.get_key_rotation_status(KeyId=ID)
        assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
        with pytest.raises(DisabledException):
            lab.cmk("alias/retired").encrypt(b"x")
        assert lab.region("us-east-1").cmk("alias/receipts").spec == "ECC_NIST_P256"
        alice, auditor = lab.user("alice"), lab.role("auditor", session="monday")
        assert alice.decrypt(orders.encrypt(b"x")) == b"x"
        assert auditor.cmk(ID).state == "Enabled"
        with pytest.raises(AccessDeniedException):
            auditor.kms.list_keys()
        assert alice.access_key().id == "AKIAEXAMPLEALICE0001"
        assert alice.access_key().secret.decode() == "alice-may-encrypt-and-decrypt-0000000000"


def test_key_of_another_account_is_shared_by_its_policy():
    with Lab.from_seed(EXAMPLE) as lab:
        shared = lab.account("444455556666").cmk("alias/shared")
        assert lab.decrypt(shared.encrypt(b"x")) == b"x"


def test_known_material_makes_keys_that_open_each_others_blobs(write: Write):
    path = write(f"keys: [{{id: {ID}, material: {{hex: {HEX}}}}}]")
    with Lab.from_seed(path) as one, Lab.from_seed(path) as other:
        assert other.decrypt(one.cmk(ID).encrypt(b"x")) == b"x"


def test_hex_of_digits_alone_is_no_number(write: Write):
    path = write(f"keys: [{{id: {ID}, material: {{hex: {'0' * 10 + '1' * 54}}}}}]")
    with Lab.from_seed(path) as lab:
        assert lab.cmk(ID).spec == "SYMMETRIC_DEFAULT"


def test_account_number_may_stand_without_quotes(write: Write):
    path = write(f"account: 000000000001\nkeys: [{{id: {ID}}}]")
    with Lab.from_seed(path) as lab:
        assert lab.cmk(ID).arn.split(":")[4] == "000000000001"


def test_json_says_the_same(write: Write):
    seed = {
        "users": {"alice": {"policy": allow("kms:ListKeys")}},
        "keys": [{"id": ID, "rotation": 90, "tags": {"a": "ß"}, "policy": None}],
    }
    text = json.dumps(seed, indent="\t")
    with Lab.from_seed(write(text, "seed.json")) as lab:
        assert lab.cmk(ID).tags == {"a": "ß"}
        assert lab.kms.get_key_rotation_status(KeyId=ID)["RotationPeriodInDays"] == 90


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT"),
        ("ECC_NIST_P256", "KEY_AGREEMENT"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
        ("ML_DSA_44", "SIGN_VERIFY"),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
        ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
    ],
)
def test_private_key_in_der_and_pem_becomes_the_key(write: Write, spec: str, usage: str):
    with Lab() as maker:
        private, public = Hsm(root_key.in_memory(), maker._store).key_pair(spec)
    der = base64.b64encode(private).decode()
    lines = "\n".join(der[i : i + 64] for i in range(0, len(der), 64))
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
    named = {"spec": spec} if spec == "ML_KEM_512" else {}  # only one of the libraries has it
    for material in ({"base64": der}, {"pem": pem}):
        key = {"id": ID, "usage": usage, "material": material, **named}
        with Lab.from_seed(write(json.dumps({"keys": [key]}), "seed.json")) as lab:
            assert lab.cmk(ID).spec == spec
            assert lab.cmk(ID).public_key().der == public


def test_several_materials_make_a_rotated_key(write: Write):
    material = f"[{{hex: {HEX}}}, {{hex: {OTHER_HEX}}}]"
    first = write(f"keys: [{{id: {ID}, material: {{hex: {HEX}}}}}]", "first.yaml")
    both = write(f"keys: [{{id: {ID}, material: {material}}}]")
    with Lab.from_seed(first) as old, Lab.from_seed(both) as lab:
        assert lab.decrypt(old.cmk(ID).encrypt(b"x")) == b"x"
        assert len(lab.cmk(ID).rotations.rows) == 2
        blob = lab.cmk(ID).encrypt(b"x")
        with pytest.raises(InvalidCiphertextException):
            old.decrypt(blob)
        assert len(lab._store.page(DomainKey, "", limit=9)) == 1


def test_imported_keys_are_declared_with_their_material_or_without(write: Write):
    text = f"""
keys:
  - {{id: {ID}, alias: full, origin: EXTERNAL, material: [{{hex: {HEX}}}, {{hex: {"11" * 32}}}]}}
  - {{id: {ID_2}, alias: empty, origin: EXTERNAL, spec: HMAC_384}}
"""
    with Lab.from_seed(write(text), clock=Clock()) as lab:
        full, empty = lab.cmk("alias/full"), lab.cmk("alias/empty")
        assert (full.metadata["Origin"], full.state) == ("EXTERNAL", "Enabled")
        blob = full.encrypt(b"x")
        full.delete_material()
        assert full.state == "PendingImport"
        full.import_material(bytes.fromhex("11" * 32))
        assert full.decrypt(blob) == b"x"
        assert empty.state == "PendingImport"
        empty.import_material(bytes(100))
        assert lab.seed(write(text))[0][1] == "was there"


@for_every(
    ("text", "said"),
    [
        ("origin: AWS_CLOUDHSM", "a key's origin can be declared as AWS_KMS or EXTERNAL"),
        ("origin: EXTERNAL, rotation: 90", "those with imported material do not"),
        ("origin: EXTERNAL, state: Disabled", "is PendingImport, as it is made"),
        (
            "spec: SYMMETRIC_DEFAULT, origin: EXTERNAL, material: {hex: '11'}",
            "Key material of spec SYMMETRIC_DEFAULT has 32",
        ),
        ("spec: HMAC_224, origin: EXTERNAL, material: {hex: '11'}", "has 28 to 64 bytes"),
    ],
)
def test_wrong_imported_keys_are_refused(lab: Lab, write: Write, text: str, said: str):
    with pytest.raises(SeedError) as caught:
        lab.seed(write(f"keys: [{{id: {ID}, {text}}}]"))
    assert said in str(caught.value)
    assert count(lab) == 0


def test_a_key_of_another_origin_is_not_the_declared_one(lab: Lab, write: Write):
    lab.seed(write(f"keys: [{{id: {ID}}}]"))
    with pytest.raises(SeedError, match="is there already with the origin AWS_KMS"):
        lab.seed(write(f"keys: [{{id: {ID}, origin: EXTERNAL}}]"))


def test_imported_keys_of_local_kms_are_read(write: Write):
    text = f"""
Keys:
  Symmetric:
    Aes:
      - Metadata: {{KeyId: {ID}, Origin: EXTERNAL}}
        BackingKeys: [{HEX}]
      - Metadata: {{KeyId: {ID_2}, Origin: EXTERNAL}}
"""
    with Lab.from_seed(write(text), clock=Clock()) as lab:
        assert [lab.cmk(each).metadata["Origin"] for each in (ID, ID_2)] == ["EXTERNAL"] * 2
        assert [lab.cmk(each).state for each in (ID, ID_2)] == ["Enabled", "PendingImport"]
        lab.cmk(ID).delete_material()
        lab.cmk(ID).import_material(bytes.fromhex(HEX))


def test_next_rotation_in_the_past_is_carried_out_at_the_first_call(write: Write):
    path = write(f"keys: [{{id: {ID}, rotation: true, next_rotation: 2020-01-01T00:00:00Z}}]")
    with Lab.from_seed(path) as lab:
        assert lab.cmk(ID).state == "Enabled"
        assert len(lab.cmk(ID).rotations.rows) == 2


def test_policy_in_yaml_keeps_its_version_and_its_account_numbers(write: Write):
    path = write(f"""
keys:
  - id: {ID}
    policy:
      Version: 2012-10-17
      Statement:
        Effect: Allow
        Principal: {{AWS: 111122223333}}
        Action: kms:*
        Resource: "*"
""")
    with Lab.from_seed(path) as lab:
        assert lab.cmk(ID).policy["Version"] == "2012-10-17"
        assert lab.cmk(ID).encrypt(b"x")


def test_trail_tells_of_seeded_keys():
    with Lab.from_seed(EXAMPLE) as lab:
        names = [event["eventName"] for event in lab.trail]
        assert names.count("CreateKey") == 3
        assert HEX not in json.dumps(lab.trail)


# -------------------------------------------------------------------------------- again and again


def test_seed_on_a_store_that_has_it_changes_nothing(tmp_path: Path):
    store = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab.from_seed(EXAMPLE, store) as lab:
        before = count(lab)
        lab.cmk("alias/orders").disable()
        lab.kms.update_alias(AliasName="alias/orders-2025", TargetKeyId=ID)
    with Lab.from_seed(EXAMPLE, store) as lab:
        assert count(lab) == before
        assert lab.cmk("alias/orders").state == "Disabled"
        assert lab.cmk("alias/orders-2025").id == ID
        outcomes = dict(lab.seed(EXAMPLE))
        assert outcomes["alias/orders-2025"] == "was there, and names another key"
        assert set(outcomes.values()) == {"was there", "was there, and names another key"}


def test_seed_says_what_it_made_and_what_was_there(lab: Lab, write: Write):
    lab.seed(write(f"keys: [{{id: {ID}, alias: orders}}]"))
    planted = lab.seed(write(f"keys: [{{id: {ID}, alias: orders}}, {{id: {ID_2}, alias: new}}]"))
    arn = "arn:aws:kms:us-east-1:111122223333:key/"
    assert planted == [
        (f"{arn}{ID}", "was there"),
        ("alias/orders", "was there"),
        (f"{arn}{ID_2}", "made"),
        ("alias/new", "made"),
    ]
    assert "made" in repr(planted)
    assert planted._repr_markdown_().startswith("| declared | outcome |")


def test_key_without_an_id_is_known_again_by_its_alias(lab: Lab, write: Write):
    path = write("keys: [{alias: orders}]")
    lab.seed(path)
    first = lab.cmk("alias/orders").arn
    lab.seed(path)
    assert lab.cmk("alias/orders").arn == first


def test_alias_added_to_the_seed_later_is_made(lab: Lab, write: Write):
    lab.seed(write(f"keys: [{{id: {ID}}}]"))
    lab.seed(write(f"keys: [{{id: {ID}, alias: orders}}]"))
    assert lab.cmk("alias/orders").id == ID


CONTRADICTIONS = {
    f"keys: [{{id: {ID}, spec: HMAC_256, alias: h}}]": "is there already as SYMMETRIC_DEFAULT",
    f"keys: [{{id: {ID}, material: {{hex: {OTHER_HEX}}}}}]": "with other key material",
    "users: {alice: {access_keys: [{id: AKIA1, secret: other}]}}": "with another secret or token",
    "users: {bob: {access_keys: [{id: AKIA1, secret: one}]}}": "belongs to arn:aws:iam::",
    f"accounts: {{444455556666: {{keys: [{{id: {ID}, material: {{hex: {HEX}}}}}]}}}}": (
        "another account has a key of this id and material"
    ),
}


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_contradiction_is_refused_and_nothing_is_made(lab: Lab, write: Write, text: str):
    lab.seed(
        write(f"""
users: {{alice: {{access_keys: [{{id: AKIA1, secret: one}}]}}}}
keys: [{{id: {ID}, material: {{hex: {HEX}}}}}]
""")
    )
    before = count(lab)
    path = write("roles: {new: {}}\n" + text)
    with pytest.raises(SeedError, match=r"^seed.yaml, line 2 \(") as caught:
        lab.seed(path)
    assert CONTRADICTIONS[text] in str(caught.value)
    assert count(lab) == before


# ------------------------------------------------------------------------------------ what is wrong

WRONG = {
    "": "seed.yaml: the file is empty",
    "keys: [": "line 1: this is not YAML",
    "- 1": "seed.yaml, line 1: names with values are expected here",
    "kees: []": "line 1 (kees): kees means nothing here. Is keys meant?",
    "keys: {a: b}": "line 1 (keys): a list is expected here",
    "account: 12": "line 1 (account): '12' is not an account number: it has 12 digits",
    "region: here": "line 1 (region): 'here' is not a Region",
    "accounts: {x: {}}": "line 1 (accounts.x): 'x' is not an account number",
    "keys:\n- description: x": "line 2 (keys[0]): a key needs an id or an alias",
    "keys:\n- id: ABC": "line 2 (keys[0].id): this is not a key id",
    f"keys:\n- id: {ID}\n  spec: AES": "line 2 (keys[0]): ValidationException: 1 validation error",
    f"keys:\n- id: {ID}\n  spec: RSA_2048": "You must specify a KeyUsage value",
    f"keys:\n- id: {ID}\n  rotation: 5": "Member must have value greater than or equal to 90",
    f"keys:\n- id: {ID}\n  rotation: x": "line 3 (keys[0].rotation): a whole number",
    f"keys:\n- id: {ID}\n  spec: HMAC_256\n  rotation: true": "only symmetric encryption keys",
    f"keys:\n- id: {ID}\n  next_rotation: soon": "also needs rotation:",
    f"keys:\n- id: {ID}\n  rotation: 90\n  next_rotation: soon": "a time is expected here",
    f"keys:\n- id: {ID}\n  rotation: 90\n  next_rotation: 0001-01-01T00:00:00+01:00": "a time is ",
    f"keys:\n- id: {ID}\n  rotation: {'9' * 5000}": "a whole number is expected here",
    f"keys:\n- id: {ID}\n  state: Pending": "a key can be declared Enabled or Disabled",
    f"keys:\n- id: {ID}\n  alias: aws/s3": "line 3 (keys[0].alias): this is not an alias",
    f"keys:\n- id: {ID}\n  tags: {{aws:x: y}}": "TagException",
    f"keys:\n- id: {ID}\n- id: {ID}": "line 3 (keys[1])",
    f"keys:\n- id: {ID}\n  id: {ID_2}": "line 3 (keys[0]): id stands here twice",
    f"keys:\n- {{id: {ID}, alias: a}}\n- {{id: {ID_2}, alias: a}}": "alias/a is declared twice",
    f"keys:\n- id: {ID}\n  policy: nonsense": "MalformedPolicyDocumentException",
    f"keys:\n- id: {ID}\n  material: {{hex: zz}}": "this is not written in hex",
    f"keys:\n- id: {ID}\n  material: {{hex: 00ff}}": "this is not the private key of a KMS key",
    f"keys:\n- id: {ID}\n  spec: HMAC_256\n  material: {{hex: 00ff}}": "of spec HMAC_256 has 32",
    f"keys:\n- id: {ID}\n  material: {{hex: {HEX}, pem: x}}": "one of hex, base64 and pem",
    f"keys:\n- id: {ID}\n  material: [{{hex: {HEX}}}, {{hex: {HEX}}}]": "stands here twice",
    "users: {'a b': {}}": "'a b' is not a user name",
    "users:\n  alice:\n    policy: {Statement: 1}": "line 3 (users.alice.policy): Malformed",
    "users: {alice: {access_keys: [{id: x}]}}": "an access key needs an id and a secret",
    "users: {alice: {access_keys: [{id: '-', secret: x}]}}": "is not an access key id",
    "access_keys: [{id: A, secret: x, token: y}]": "token means nothing here",
    "roles: {r: {access_keys: [{id: A, secret: x, session: '/'}]}}": "'/' is not a session name",
    "a: &a [*a]": "this is nested too deeply",
    "a: &a {b: *a}": "this is nested too deeply",
    "a: !!python/object:os.system x": "a tag (!) means nothing in a seed",
    "a: !secret x": "a tag (!) means nothing in a seed",
    "a: 1\n---\nb: 2": "this is not YAML",
    "a: " + "x" * 2**20: "a seed has at most 1,048,576 bytes",
    "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{name}: &{name} [{', '.join([f'*{chr(ord(name) - 1)}'] * 9)}]\n" for name in "bcdefghi"
    ): ("its aliases repeat more than 100,000 values"),
    "[" * 5000: "this is nested too deeply",
    "? [a]\n: b": "a name is expected here",
}


@for_every("text", WRONG)
def test_wrong_file_is_refused_with_its_place_and_nothing_is_made(
    lab: Lab, write: Write, text: str
):
    before = count(lab)
    with pytest.raises(SeedError) as caught:
        lab.seed(write(text))
    assert str(caught.value).startswith("seed.yaml")
    assert WRONG[text] in str(caught.value)
    assert count(lab) == before


@for_every(
    ("text", "expected"),
    [
        ('{"keys": [', "seed.json, line 1: this is not JSON"),
        ('{"keys": [], "keys": []}', "keys stands here twice"),
        ('{"keys": [{"id": 1}]}', "seed.json (keys[0].id): this is not a key id"),
        ("[" * 100_000, "this is nested too deeply"),
        (
            '{"access_keys": [{"id": "A", "secret": "\\ud800"}]}',
            "(access_keys[0].secret): this holds",
        ),
        ('{"\\ud800": 1}', "seed.json: this holds half a character"),
    ],
)
def test_wrong_json_is_refused_with_its_place(lab: Lab, write: Write, text: str, expected: str):
    with pytest.raises(SeedError) as caught:
        lab.seed(write(text, "seed.json"))
    assert expected in str(caught.value)


def test_file_that_cannot_be_read_is_named(lab: Lab, tmp_path: Path):
    with pytest.raises(SeedError, match=r"nowhere\.yaml cannot be read: No such file"):
        lab.seed(tmp_path / "nowhere.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SeedError, match=r"odd\.yaml is not a text in UTF-8"):
        lab.seed(tmp_path / "odd.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"a: \x00")
    with pytest.raises(SeedError, match="characters that a text cannot have"):
        lab.seed(tmp_path / "odd.yaml")


@for_every(
    "text",
    [
        f"keys: [{{id: {ID}, material: {{hex: {HEX}zz}}}}]",
        f"keys: [{{id: {ID}, material: {{hex: '{HEX}}}}}]",
        f"keys: [{{id: {ID}, material: {{pem: '{HEX}'}}}}]",
        f"users: {{alice: {{access_keys: [{{id: A B, secret: {HEX}}}]}}}}",
        f"users: {{alice: {{access_keys: [{{id: A, secret: [{HEX}]}}]}}}}",
        f"users: {{alice: {{access_keys: [{{id: A, secret: *{HEX}}}]}}}}",
    ],
)
def test_no_error_shows_a_secret(lab: Lab, write: Write, text: str):
    with pytest.raises(SeedError) as caught:
        lab.seed(write(text))
    shown = "".join(traceback.format_exception(caught.value, limit=0))
    assert HEX[:16] not in shown


def test_wrong_seed_leaves_no_store_behind(tmp_path: Path, write: Write):
    with pytest.raises(SeedError):
        Lab.from_seed(write("kees: []"), f"sqlite:///{tmp_path / 'my.db'}")
    assert not (tmp_path / "my.db").exists()


def test_seed_planted_twice_at_once_is_made_once(tmp_path: Path, monkeypatch: Any):
    store = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store) as one, Lab(store) as other:
        commit = one._store.commit

        def late(**what: Any) -> None:
            monkeypatch.undo()
            other.seed(EXAMPLE)
            commit(**what)

        monkeypatch.setattr(one._store, "commit", late)
        outcomes = one.seed(EXAMPLE)
        assert {outcome for _, outcome in outcomes} == {"was there"}


# ------------------------------------------------------------------------------- local-kms's form

EC_PEM = """\
-----BEGIN EC PRIVATE KEY-----
{}
-----END EC PRIVATE KEY-----
"""


def local_kms(pem: str) -> str:
    indented = "\n".join("          " + line for line in pem.splitlines())
    return f"""
Keys:
  Symmetric:
    Aes:
      - Metadata:
          KeyId: {ID}
          Description: a rotated key
        NextKeyRotation: "2019-09-12T15:19:21+00:00"
        BackingKeys:
          - {HEX}
          - {OTHER_HEX.upper()}
  Asymmetric:
    Ecc:
      - Metadata:
          KeyId: {ID_2}
        PrivateKeyPem: |
{indented}

Aliases:
  - AliasName: alias/testing
    TargetKeyId: {ID}
"""


def ec_pem() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ec.generate_private_key(ec.SECP256R1())
    form = PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def test_seed_of_local_kms_is_read(write: Write):
    with Lab.from_seed(write(local_kms(ec_pem())), clock=Clock()) as lab:
        assert lab.cmk("alias/testing").id == ID
        assert len(lab.cmk(ID).rotations.rows) == 3  # two from the file, one was due
        signing = lab.cmk(ID_2)
        assert (signing.spec, signing.usage) == ("ECC_NIST_P256", "SIGN_VERIFY")
        assert signing.verify(b"x", signing.sign(b"x"))
        assert dict(lab.seed(write(local_kms(ec_pem()).split("  Asymmetric")[0])))


@for_every(
    ("old", "new", "expected"),
    [
        (
            "Description: a rotated key",
            "Origin: AWS_CLOUDHSM",
            "can be declared as AWS_KMS or EXTERNAL",
        ),
        (f"TargetKeyId: {ID}", f"TargetKeyId: {ID[:-1]}9", "no key with this TargetKeyId"),
        ("BackingKeys", "BackingKey", "Is BackingKeys meant?"),
        ("Description: a rotated key", "Ern: x", "Ern means nothing here"),
        ("PrivateKeyPem: |", "Pem: |", "Pem means nothing here"),
        (f"KeyId: {ID_2}", "Description: x", "a key needs a KeyId"),
    ],
)
def test_wrong_seed_of_local_kms_names_the_place(
    lab: Lab, write: Write, old: str, new: str, expected: str
):
    text = local_kms(ec_pem()).replace(old, new)
    with pytest.raises(SeedError) as caught:
        lab.seed(write(text))
    assert expected in str(caught.value)
    assert count(lab) == 0


P256 = "1e9bd7ee5d4cb31a4c23a8d2f9a3e1a0c4b6d8e0f1234567890abcdef1234567"
FORMS_IN_USE = {
    "a flat list": f"Keys: [{{KeyId: {ID}, Alias: testing, BackingKeys: [{HEX}]}}]",
    "a flat list with a whole alias": (
        f"Keys: [{{KeyId: {ID}, AliasName: alias/testing, BackingKeys: [{HEX}]}}]"
    ),
    "a list with metadata": f"""
Keys:
  - Metadata: {{KeyId: {ID}, KeyManager: CUSTOMER, AWSAccountId: "111122223333", Enabled: true}}
    BackingKeys: [{HEX}]
Aliases: [{{AliasName: testing, TargetKeyId: {ID}}}]""",
    "an alias of an ARN": f"""
Keys: {{Symmetric: {{Aes: [{{Metadata: {{KeyId: {ID}}}, BackingKeys: [{HEX}]}}]}}}}
Aliases:
  - AliasName: alias/testing
    TargetKeyId: arn:aws:kms:eu-west-2:111122223333:key/{ID}
    AliasArn: arn:aws:kms:eu-west-2:111122223333:alias/testing""",
    "a rotation long ago": f"""
Keys:
  Symmetric:
    Aes:
      - Metadata: {{KeyId: {ID}}}
        BackingKeys: [{HEX}]
        NextKeyRotation: 2019-09-12 15:19:21 +0000
Aliases: [{{AliasName: testing, TargetKeyId: {ID}}}]""",
    "a rotation in seconds": f"""
Keys:
  - {{KeyId: {ID}, Alias: testing, BackingKeys: [{HEX}], NextKeyRotation: 1568301561}}""",
    "JSON": json.dumps(
        {
            "Keys": {"Symmetric": {"Aes": [{"Metadata": {"KeyId": ID}, "BackingKeys": [HEX]}]}},
            "Aliases": [{"AliasName": "alias/testing", "TargetKeyId": ID}],
        }
    ),
}


@for_every("form", FORMS_IN_USE.values(), ids=FORMS_IN_USE)
def test_forms_of_local_kms_that_are_in_use_are_read(write: Write, form: str):
    with Lab.from_seed(write(form)) as lab:
        assert lab.cmk("alias/testing").id == ID
        assert lab.decrypt(lab.cmk(ID).encrypt(b"x")) == b"x"


@for_every("name", ["test-key", "1", "orders-for-tests-that-are-longer-than-a-uuid", ID.upper()])
def test_key_of_local_kms_keeps_an_id_that_is_not_a_uuid(write: Write, name: str):
    with Lab.from_seed(write(f"Keys: [{{KeyId: {name}, BackingKeys: [{HEX}]}}]")) as lab:
        arn = lab.kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"]
        assert arn.endswith(f":key/{name}")
        blob = lab.kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
        assert lab.kms.decrypt(CiphertextBlob=blob, KeyId=name)["KeyId"] == arn
        assert lab.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        lab.kms.create_alias(AliasName="alias/a", TargetKeyId=name)
        assert lab.boto3().generate_data_key(KeyId="alias/a", KeySpec="AES_256")["KeyId"] == arn


@for_every(
    ("spec", "written"),
    [
        ("ECC_NIST_P256", P256),
        ("ECC_SECG_P256K1", P256),
        ("ECC_SECG_P256K1", "0x" + P256),
        ("ECC_NIST_P384", P256 + P256[:32]),
        ("", P256),
    ],
)
def test_private_number_in_hex_is_a_curves_key(write: Write, spec: str, written: str):
    metadata = f"KeyId: {ID}" + (f", KeySpec: {spec}" if spec else "")
    entry = f'{{Metadata: {{{metadata}}}, PrivateKeyHex: "{written}"}}'
    with Lab.from_seed(write(f"Keys: {{Asymmetric: {{Ecc: [{entry}]}}}}")) as lab:
        key = lab.cmk(ID)
        assert (key.spec, key.usage) == (spec or "ECC_NIST_P256", "SIGN_VERIFY")
        assert key.verify(b"x", key.sign(b"x"))


def test_parameters_before_a_curves_key_are_passed_over(write: Write):
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    with Lab.from_seed(write(local_kms(parameters + ec_pem()))) as lab:
        assert lab.cmk(ID_2).spec == "ECC_NIST_P256"


# ---------------------------------------------------------------------- whatever somebody writes

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["[]", "{}", "arn:aws:iam::111122223333:root", "2026-02-31", "\ud800"]),
)
WHATEVER = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@given(text=st.text(max_size=60) | st.text("[]{}:,-&*|>'\"#?! \n\tab0", max_size=40))
def test_any_text_is_planted_or_refused_in_words(shared_lab: Lab, text: str):
    _plant_or_refuse(shared_lab, text.encode("utf-8", "replace"), ".yaml")


@given(data=st.data())
def test_example_with_anything_in_any_place_is_planted_or_refused_in_words(
    shared_lab: Lab, data: st.DataObject
):
    seed = copy.deepcopy(PARSED)
    holder, name = data.draw(st.sampled_from(list(_places(seed))))
    holder[name] = data.draw(WHATEVER)
    _plant_or_refuse(shared_lab, json.dumps(seed).encode(), ".json")


PARSED = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    names = value if isinstance(value, dict) else range(len(value))
    for name in names:
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


def _plant_or_refuse(lab: Lab, content: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"seed{suffix}")
        path.write_bytes(content)
        before = count(lab)
        refused = None
        try:
            lab.seed(path)
        except SeedError as error:
            refused = str(error)
    if refused is not None:
        assert refused.startswith("seed.")
        assert count(lab) == before


# ------------------------------------------------------------------------------ multi-Region keys

MRK = "mrk-1b6a5ec633b24e0c9d436d1b3a1c7e01"
MIRRORED = f"""
keys:
  - id: {MRK}
    alias: orders
    region: us-east-1
    replicas: [eu-west-1, ap-northeast-2]
    tags: {{ward: "3"}}
    rotation: 90
    material: [{{hex: {HEX}}}, {{hex: {OTHER_HEX}}}]
"""


def test_replicas_are_made_with_their_primary(write: Write):
    with Lab.from_seed(write(MIRRORED)) as lab:
        orders = lab.region("us-east-1").cmk("alias/orders")
        assert [each.region for each in orders.replicas] == ["ap-northeast-2", "eu-west-1"]
        for replica in orders.replicas:
            assert replica.state == "Enabled"
            assert replica.decrypt(orders.encrypt(b"x")) == b"x"
            assert (replica.tags, replica.id) == ({"ward": "3"}, MRK)
            assert str(replica.rotations) == str(orders.rotations)
        orders.rotate()
        assert lab.region("eu-west-1").decrypt(orders.encrypt(b"x")) == b"x"


def test_replicas_are_made_once_and_later_ones_are_added(write: Write):
    with Lab(region="us-east-1") as lab:
        lab.seed(write(MIRRORED.replace(", ap-northeast-2", "")))
        before = count(lab)
        assert (
            dict(lab.seed(write(MIRRORED)))[f"arn:aws:kms:ap-northeast-2:111122223333:key/{MRK}"]
            == "made"
        )
        assert count(lab) == before + 3  # a key and its two materials
        assert {outcome for _, outcome in lab.seed(write(MIRRORED))} == {"was there"}
        assert count(lab) == before + 3


OWN = f"""
keys:
  - {{id: {MRK}, alias: own, origin: EXTERNAL, replicas: [eu-west-1],
      material: {{hex: {"11" * 32}}}}}
"""


@for_every(
    ("deed", "state", "later"),
    [
        (lambda own: own.delete_material(), "PendingImport", "PendingImport"),
        (
            lambda own: own.import_material(
                b"\x11" * 32, expires=own.lab.clock.now() + timedelta(days=1)
            ),
            "Enabled",
            "PendingImport",
        ),
        (lambda own: own.import_material(b"\x22" * 32, new=True), "Enabled", "Enabled"),
    ],
    ids=["lost", "expires", "waits"],
)
def test_replica_added_later_has_the_imported_material_that_its_primary_has(
    write: Write, deed: Any, state: str, later: str
):
    with Lab(region="us-east-1", clock=Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC))) as lab:
        lab.seed(write(OWN))
        deed(lab.cmk("alias/own"))
        lab.seed(write(OWN.replace("eu-west-1", "eu-west-1, eu-west-3")))
        replica = lab.region("eu-west-3").cmk(MRK)
        assert replica.state == state
        lab.clock.advance(days=1)
        assert replica.state == lab.cmk("alias/own").state == later
        assert len(lab.kms.list_keys()["Keys"]) == 1  # and what is due has been done
        assert not lab._store.due(lab.clock.now())


def test_key_that_is_due_for_deletion_is_made_again(write: Write):
    with Lab(region="us-east-1", clock=Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC))) as lab:
        seed = write(f"keys: [{{id: {ID}, material: {{hex: {'11' * 32}}}}}]")
        lab.seed(seed)
        blob = lab.cmk(ID).encrypt(b"x")
        lab.cmk(ID).schedule_deletion(7)
        lab.clock.advance(days=7)
        assert [outcome for _, outcome in lab.seed(seed)] == ["made"]
        assert lab.cmk(ID).decrypt(blob) == b"x"


def test_multi_region_key_may_be_known_by_its_alias_alone(write: Write):
    with Lab(region="us-east-1") as lab:
        for _ in range(2):
            lab.seed(write("keys: [{alias: orders, replicas: [eu-west-1]}]"))
        assert lab.cmk("alias/orders").id.startswith("mrk-")
        assert len(lab.cmk("alias/orders").replicas) == 1


def test_known_id_of_a_multi_region_key_makes_a_primary(write: Write):
    with Lab(region="us-east-1") as lab:
        lab.seed(write(f"keys: [{{id: {MRK}}}]"))
        assert lab.cmk(MRK).primary == lab.cmk(MRK)
        assert lab.cmk(MRK).metadata["MultiRegion"] is True


@for_every(
    ("text", "said"),
    [
        (MIRRORED.replace(MRK, ID), "the id of a key with replicas begins with mrk-"),
        (MIRRORED.replace("[eu-west-1", "[us-east-1"), "each replica is in another Region"),
        (MIRRORED.replace("[eu-west-1", "[ap-northeast-2"), "each replica is in another Region"),
        (MIRRORED.replace("[eu-west-1", "[cn-north-1"), "each replica is in another Region"),
        (MIRRORED.replace("[eu-west-1", "[mars"), "is not a Region"),
    ],
)
def test_wrong_replicas_are_refused(text: str, said: str):
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        path = Path(folder) / "seed.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SeedError, match=said):
            lab.seed(path)
        assert count(lab) == 0


def test_replicas_of_a_key_that_cannot_have_them_are_refused(write: Write):
    with Lab(region="us-east-1") as lab:
        lab.create_cmk("orders")
        with pytest.raises(SeedError, match="is there already as a single-Region key"):
            lab.seed(write("keys: [{alias: orders, replicas: [eu-west-1]}]"))
        lab.seed(write(f"keys: [{{id: {MRK}, region: eu-west-1}}]"))
        with pytest.raises(SeedError, match="is not a replica of this key"):
            lab.seed(write(f"keys: [{{id: {MRK}, replicas: [eu-west-1]}}]"))
