"""Accounts never see each other's things without a policy that says so.

A stranger, of another account, tries each operation on things that exist and on things that do not.
Nothing tells the two apart: not the error, not its text, not the events, not the work that is done.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

import kmslab
from kmslab import Lab
from kmslab.endpoint.lab_api import LabApi
from kmslab.endpoint.server import running
from kmslab.kms import reports
from kmslab.kms.access import allow, grant_tokens
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.table import TABLE
from kmslab.lab.view import View
from tests.cases import for_every
from tests.conftest import BOB, EXAMPLES, GRANT, NOW, Scene
from tests.endpoint.test_application import client

OWN, OTHER = "111122223333", "444455556666"
# Developer guide, "Permissions reference": what callers of other accounts can be allowed to do.
FOR_OTHERS = {
    *("Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
    *("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "Sign", "Verify"),
    *("GenerateMac", "VerifyMac", "DeriveSharedSecret", "Encapsulate", "Decapsulate"),
    *("DescribeKey", "GetPublicKey", "GetKeyRotationStatus"),
    *("CreateGrant", "ListGrants", "RevokeGrant", "RetireGrant"),
}
# What names nothing of another account: the answer is about the stranger's own.
ABOUT_THE_CALLER = {"CreateKey", "ListKeys", "GenerateRandom", "DescribeCustomKeyStores"}
PACKAGE = Path(kmslab.__file__).parent
WORK = (str(PACKAGE / "crypto"), str(PACKAGE / "kms" / "backing" / "hsm"))
Call = Callable[[str, Mapping[str, Any]], Any]


def policy(*accounts: str) -> str:
    roots = [f"arn:aws:iam::{account}:root" for account in accounts]
    statement = {"Effect": "Allow", "Principal": {"AWS": roots}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Outcome:
    """Everything that the stranger can see of one call, and what the service did for it."""

    answer: Any = None
    error: Any = None
    events: list[Any] = field(default_factory=list)
    work: set[str] = field(default_factory=set)

    def as_if(self, names: Mapping[str, str]) -> str:
        """As text, with the names of what does not exist for those of what does."""
        text = json.dumps([self.error, self.events, sorted(self.work)], default=repr)
        for there, missing in names.items():
            text = text.replace(missing, there)
        return text


@dataclass(frozen=True)
class Stranger:
    """A user of another account, whom that account's IAM allows everything."""

    lab: Lab
    view: View
    call: Call
    watched: bool = True  # the service runs in this thread, where its work can be seen

    def tries(self, operation: str, request: Mapping[str, Any]) -> Outcome:
        found, before = Outcome(), self.position(OTHER)
        theirs = self.of_the_owner()

        def note(frame: FrameType, event: str, _: Any) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(WORK):
                found.work.add(f"{frame.f_code.co_filename}: {frame.f_code.co_name}")

        profile = sys.getprofile()
        sys.setprofile(note if self.watched else profile)
        try:
            found.answer = self.call(operation, request)
        except KMSError as error:
            found.error = error.code, error.message, repr(error), str(error)
        except ClientError as error:
            found.error = seen(error)
        finally:
            sys.setprofile(profile)
        events, _ = self.lab.service.history(OTHER, after=before)
        found.events = [
            {name: value for name, value in event.items() if name not in ("eventID", "requestID")}
            for event in map(reports.cloudtrail, events)
        ]
        if found.error:
            assert self.of_the_owner() == theirs, "a refused call left something at the owner's"
        return found

    def of_the_owner(self) -> tuple[int, int]:
        """How often records have changed, and where the owner's trail ends."""
        position = self.position(OWN)
        return self.lab._store._cache.changes, position

    def position(self, account: str) -> int:
        events, _ = self.lab.service.history(account, last=1, limit=1)
        return max((event.sequence for event in events), default=0)


def seen(error: ClientError) -> Any:
    response: dict[str, Any] = json.loads(json.dumps(error.response, default=repr))
    meta = response["ResponseMetadata"]
    del meta["RequestId"]
    for name in ("x-amzn-requestid", "date", "content-length"):  # the length is that of the text
        meta["HTTPHeaders"].pop(name, None)
    return response


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(clock=kmslab.Clock.frozen(NOW)) as lab:
        lab.user("bob")
        yield lab


@pytest.fixture(
    scope="module", params=["in process", pytest.param("over HTTP", marks=pytest.mark.long)]
)
def stranger(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Stranger]:
    eve = lab.account(OTHER).user("eve", allow("kms:*"))
    if request.param == "in process":
        yield Stranger(lab, eve, lambda name, asked: lab.service.call(name, eve.caller, asked))
        return
    with running(lab) as endpoint:
        pair = eve.access_key()
        signs = {"aws_access_key_id": pair.id, "aws_secret_access_key": pair.secret.decode()}
        kms = client(endpoint, **signs)
        yield Stranger(lab, eve, kms._make_api_call, watched=False)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[bytes]:
    """A ciphertext of a key that this lab has never had."""
    with Lab() as other:
        yield bytes(other.create_cmk().encrypt(b"card 4242", {"order": "17"}))


def names_of(scene: Scene, asked: Mapping[str, Any]) -> dict[str, str]:
    """The names of what exists, and as many of what does not: of the same form."""
    ids = [scene.key.rpartition("/")[2], scene.other.rpartition("/")[2]]
    names = {each: f"mrk-{uuid4().hex}" if "mrk" in each else str(uuid4()) for each in ids}
    names |= {scene.alias: "alias/none-1", scene.other_alias: "alias/none-2"}
    names |= {BOB: BOB.replace("bob", "nobody")}
    for member in ("GrantId", "CustomKeyStoreId", "CloudHsmClusterId"):
        if text := asked.get(member):
            names[text] = text[:-3] + ("234" if text[-3:] != "234" else "567")
    return names


def missing(value: Any, names: Mapping[str, str], blob: bytes, member: str = "") -> Any:
    """The same request about things that do not exist."""
    if member == "CiphertextBlob":
        return blob
    if isinstance(value, Mapping):
        return {name: missing(each, names, blob, name) for name, each in value.items()}
    if isinstance(value, list):
        return [missing(each, names, blob) for each in value]
    if isinstance(value, str):
        for there, gone in names.items():
            value = value.replace(there, gone)
    return value


def by_alias(scene: Scene, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same request, which names its keys by the ARNs of their aliases."""
    here = scene.key.rpartition("key/")[0]
    arns = {scene.key: here + scene.alias, scene.other: here + scene.other_alias}
    return {
        name: arns.get(value, value) if isinstance(value, str) else value
        for name, value in asked.items()
    }


def with_token(scene: Scene, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A grant token instead of the grant's id: for RetireGrant."""
    return {"GrantToken": grant_tokens.write(f"{scene.key}/{asked['GrantId']}")}


def compare(stranger: Stranger, operation: str, asked: Any, names: Any, blob: bytes) -> Outcome:
    """A call about what exists, after one about what does not: nothing tells them apart."""
    if "GrantToken" in asked:
        handle = str(grant_tokens.read(asked["GrantToken"]))
        gone = {"GrantToken": grant_tokens.write(missing(handle, names, blob))}
    else:
        gone = missing(asked, names, blob)
    without = stranger.tries(operation, gone)
    found = stranger.tries(operation, asked)
    if found.error:
        assert found.as_if(names) == without.as_if(names)
        if "AccessDeniedException" in json.dumps(found.error):
            assert not found.work, "cryptography is done for admitted callers only"
        assert len(found.events) == 1
    return found


@for_every("example_of", EXAMPLES)
def test_nothing_tells_a_stranger_what_exists(
    stranger: Stranger,
    elsewhere: bytes,
    new_scene: Callable[..., Scene],
    example: Callable[..., dict[str, Any]],
    example_of: str,
) -> None:
    operation, *role = example_of.split()
    scene = new_scene(stranger.lab, operation)
    asked = example(scene, operation, *role)
    names = names_of(scene, asked)
    forms = [asked, by_alias(scene, asked)]
    forms += [with_token(scene, asked)] if operation == "RetireGrant" else []
    blobs = [elsewhere, *([asked["CiphertextBlob"]] if "CiphertextBlob" in asked else [])]
    for form in forms:
        for blob in blobs:
            found = compare(stranger, operation, form, names, blob)
            if operation not in ABOUT_THE_CALLER:
                assert found.error, found.answer
            answer = repr(found.answer)
            assert OWN not in answer.replace(BOB, "")
            assert scene.key.rpartition("/")[2] not in answer
    if scene.key in asked.values():  # a key id alone is one of the stranger's own
        short = {
            name: value.rpartition("/")[2] if value == scene.key else value
            for name, value in asked.items()
        }
        compare(stranger, operation, short, names, elsewhere)


@for_every("example_of", EXAMPLES)
def test_a_policy_lets_a_stranger_do_what_aws_documents_and_no_more(
    stranger: Stranger,
    elsewhere: bytes,
    new_scene: Callable[..., Scene],
    example: Callable[..., dict[str, Any]],
    example_of: str,
) -> None:
    operation, *role = example_of.split()
    scene = new_scene(stranger.lab, operation)
    asked = example(scene, operation, *role)
    for cmk in (scene.cmk, scene.other_cmk):
        cmk.put_policy(policy(OWN, OTHER))
    if operation == "RetireGrant":
        retired_by = {**GRANT, "RetiringPrincipal": stranger.view.caller.principal}
        asked |= {
            "GrantId": stranger.lab.kms.create_grant(KeyId=scene.key, **retired_by)["GrantId"]
        }
    found = compare(stranger, operation, asked, names_of(scene, asked), elsewhere)
    allowed = operation in FOR_OTHERS | ABOUT_THE_CALLER
    assert bool(found.error) is not allowed, found.error or found.answer
    assert len(found.events) == 1


def test_the_table_lets_strangers_do_what_aws_documents() -> None:
    roles = {name: row.roles for name, row in TABLE.items()}
    assert {
        name for name, each in roles.items() if each and all(role.cross_account for role in each)
    } == FOR_OTHERS
    assert set(MODEL.operations) == {name.split()[0] for name in EXAMPLES}


def test_a_stranger_cannot_use_the_cluster_of_another_account(lab: Lab) -> None:
    """Not even one who knows its id, its certificate and its password."""
    here = lab.create_key_store("ours")
    cluster, password = lab._integrations.clusters.create(2, NOW, OWN)
    known = {"TrustAnchorCertificate": cluster.trust_anchor, "KeyStorePassword": password}
    for cluster_id in (cluster.id, here.metadata["CloudHsmClusterId"], "cluster-22222222222"):
        with pytest.raises(KMSError) as caught:
            lab.account(OTHER).kms.create_custom_key_store(
                CustomKeyStoreName="theirs", CloudHsmClusterId=cluster_id, **known
            )
        assert caught.value.code == "CloudHsmClusterNotFoundException"
        assert caught.value.message == f"The CloudHSM cluster {cluster_id} does not exist."


@for_every("name", ["Trail", "DescribeKeys", "Bill", "Explain"])
def test_a_lab_answers_a_stranger_about_the_strangers_own_account_only(lab: Lab, name: str) -> None:
    cmk, api, there = lab.create_cmk(), LabApi(lab.service, lab.clock), lab.account(OTHER)
    asked = {"Action": "kms:Decrypt", "AfterKey": "", "After": 0}
    silent = lab.account("777788889999")
    silent.kms.list_keys()
    assert OWN not in json.dumps(api.ask(name, silent.caller, asked))
    told = set()
    for key in (cmk.arn, cmk.arn[:-3] + "000", cmk.arn.replace(cmk.id, "x")):
        for principal in ("root", BOB, BOB.replace("bob", "nobody")):
            if name == "Explain":
                with pytest.raises(KMSError) as caught:
                    api.ask(name, there.caller, asked | {"KeyId": key, "Principal": principal})
                told.add((caught.value.code, caught.value.message))
    assert len(told) == (name == "Explain")
    for caller in (there.user("eve").caller, there.role("auditor").caller, lab.user("bob").caller):
        with pytest.raises(KMSError, match="Only the root user"):
            api.ask(name, caller, asked)
