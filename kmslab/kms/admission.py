"""Whether a call may run: the caller may do this to each resource, and each key suits its role.

All permissions are checked first. A caller without one must not learn a key's kind, state or usage.
"""

from collections.abc import Sequence

from kmslab.kms import access
from kmslab.kms.call import Call, FilledRole
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import Key
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind, Origin
from kmslab.kms.contract.states import USABLE, KeyState, refusal
from kmslab.kms.table import EVERY_REACH, Role


def admit(call: Call, roles: Sequence[tuple[Role, FilledRole]]) -> None:
    """Raise unless the caller and the key suit each role of the call. Nothing is cached."""
    for role, filled in roles:
        _authorise(call, role, filled)
    for _, filled in roles:
        if filled.problem:
            fail(*filled.problem)
    for role, filled in roles:
        if isinstance(filled.record, Key):
            _check_key(call, role, filled, filled.record)
        elif isinstance(filled.record, KeyStore):
            _check_store(call, role, filled.record)


def _authorise(call: Call, role: Role, filled: FilledRole) -> None:
    """Raise AccessDeniedException unless the caller may do this to this resource."""
    if role.permission is None and not call.is_cross_account(filled):
        return
    question = access.Question(
        caller=role.naming.seen_from(call.caller, call.request),
        operation=role.permission or call.name,
        resource=filled.arn,
        record=filled.record,
        request=call.request,
        prefix=filled.prefix,
        now=call.now,
        records=call.records,
        memo={},
        cross_account=role.cross_account,
        original=first if isinstance(first := call.role.record, Key) else None,
        measurements=call.recipient.measurements if call.recipient else {},
        same_key=len({each.arn for each in call.roles}) == 1 if filled.prefix else None,
    )
    access.require(question, named_by_blob=filled.named_by_blob)


def _check_key(call: Call, role: Role, filled: FilledRole, key: Key) -> None:
    """Raise unless the key's kind, origin, state, usage and algorithms suit this role."""
    spec = KEY_SPECS[key.spec]
    state = call.state_of(key) if key.store else key.state
    if key.origin is Origin.EXTERNAL and state in USABLE and filled.used and filled.used.is_gone:
        state = KeyState.PENDING_IMPORT  # since the key was read
    refused = None if state in role.states else refusal(state, role.states)
    if not (role.state_first and refused):
        _check_kind(role, key, spec.kind)
    if refused:
        code, words = refused
        fail(code, f"{key.arn} {words}")
    if role.usage is None:
        return
    if key.usage is not role.usage.usage:
        fail(
            "InvalidKeyUsageException",
            f"{key.arn} key usage is {key.usage} which is not valid for {call.name}.",
        )
    if filled.algorithm not in spec.algorithms[key.usage]:
        fail(
            "InvalidKeyUsageException",
            f"Algorithm {filled.algorithm} is incompatible with key spec {key.spec}.",
        )
    if filled.context and spec.kind is not KeyKind.SYMMETRIC:
        fail(
            "ValidationException",
            f"Key spec {key.spec} does not support an encryption context.",
        )


def _check_store(call: Call, role: Role, store: KeyStore) -> None:
    """Raise unless the operation is for key stores of this type, and its connection suits it."""
    if store.type.origin not in role.origins:
        text = f"{store.id} type is {store.type} which is not valid for this operation."
        fail("UnsupportedOperationException", text)
    state = store.connection(call.now)
    if state not in role.states:
        text = f"{store.id} connection state is {state} which is not valid for this operation."
        fail("CustomKeyStoreInvalidStateException", text)


def _check_kind(role: Role, key: Key, kind: KeyKind) -> None:
    """Raise if the operation is not for keys of this kind, of this origin, or for replicas."""
    suits = kind in role.kinds
    if suits and role.reach is EVERY_REACH and key.origin in role.origins:
        return
    external = key.origin is Origin.EXTERNAL and role.names_origin
    if not suits and not external:
        fail("UnsupportedOperationException")  # AWS sends no text with it
    if key.reach not in role.reach:
        text = f"{key.arn} is not a multi-region primary key."
        fail("UnsupportedOperationException", text)
    if not suits or key.origin not in role.origins:
        text = f"{key.arn} origin is {key.origin} which is not valid for this operation."
        fail("UnsupportedOperationException", text)
