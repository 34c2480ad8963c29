"""What grants allow. They are read when no policy allows a request and none denies it.

Source: AWS KMS developer guide, "Grants in AWS KMS", "Using grant constraints".
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product

from kmslab.kms.access import principals
from kmslab.kms.access.condition_keys import encryption_context
from kmslab.kms.access.patterns import pattern
from kmslab.kms.access.question import Question
from kmslab.kms.access.statements import PrincipalMatch, match_among
from kmslab.kms.contract.records import Grant, Key
from kmslab.kms.contract.required_pairs import possible_pairs

EQUALS, SUBSET = "EncryptionContextEquals", "EncryptionContextSubset"
WITHOUT_CONTEXT = frozenset({"DescribeKey", "RetireGrant"})  # the context does not constrain these
WITHOUT_SOURCE = frozenset({"RetireGrant"})
PASSES_ON = frozenset({"CreateGrant"})  # passes the grant's own permissions on to a new grant
PAGE = 100  # grants that are read together

Pairs = Mapping[str, str]


def grantee(grant: Grant, question: Question) -> PrincipalMatch:
    """How the grant names the caller. If the grantee is an account, its IAM policies decide."""
    return match_among((grant.grantee,), question)


def lists(grant: Grant, question: Question) -> bool:
    return question.operation in grant.operations


def context_fits(grant: Grant, question: Question) -> bool:
    """Whether the request's encryption context satisfies the grant's constraints.

    A CreateGrant has no context: the constraints of the new grant must be at least as strict.
    """
    if question.operation in WITHOUT_CONTEXT:
        return True
    if question.operation in PASSES_ON:
        return _stricter(grant, question.request.get("Constraints", {}))
    context = encryption_context(question)
    return all(MEETS[kind](context, pairs) for kind, pairs in grant.constraints.items())


def source_fits(grant: Grant, question: Question) -> bool:
    """Whether the service calls for the grant's resource, compared like `aws:SourceArn`."""
    if not grant.source_arn or question.operation in WITHOUT_SOURCE:
        return True
    wanted = pattern(grant.source_arn, variables=False, arn=True)
    return wanted(question.caller.source_arn, question)


def passes_on_no_more(grant: Grant, question: Question) -> bool:
    """A grant made through a grant must not allow more operations, or another source."""
    if question.operation not in PASSES_ON:
        return True
    asked = question.request.get("Constraints", {}).get("SourceArn", "")
    same_source = not grant.source_arn or asked == grant.source_arn
    return same_source and set(question.request.get("Operations", ())) <= set(grant.operations)


# What a grant requires of a request, besides the grantee; `explain` shows each by its name.
CHECKS: dict[str, Callable[[Grant, Question], bool]] = {
    "operation": lists,
    "encryption context": context_fits,
    "source": source_fits,
    "new grant": passes_on_no_more,
}


def covers(grant: Grant, question: Question) -> bool:
    return all(check(grant, question) for check in CHECKS.values())


def who_retires(grant: Grant, question: Question) -> set[PrincipalMatch]:
    """How the grant names the caller among the principals that may retire it."""
    may = {grant.retiring, grant.issuer}
    if "RetireGrant" in grant.operations:
        may.add(grant.grantee)
    return {match_among((principal,), question) for principal in may}


def for_request(question: Question) -> Iterator[Grant]:
    """The key's grants for the caller, or its account, without those for another context."""
    if question.operation in WITHOUT_CONTEXT | PASSES_ON:
        yield from for_caller(question)
    elif key := question.key:
        pairs = possible_pairs(encryption_context(question))
        for name, pair in product(_names(question), pairs):
            yield from question.records.find(Grant, key=key.arn, grantee=name, pair=pair)


def for_caller(question: Question) -> Iterator[Grant]:
    """The key's grants that name the caller or its account: read page by page, as needed."""
    if key := question.key:
        for name in _names(question):
            yield from _pages(question, key, name)


def _pages(question: Question, key: Key, name: str) -> Iterator[Grant]:
    prefix, after = f"{key.arn}/", ""
    while page := question.records.page(Grant, prefix, after, PAGE, key=key.arn, grantee=name):
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].handle


def _names(question: Question) -> list[str]:
    caller = question.caller
    return sorted({*principals.names(question.records, caller), caller.account_principal})


def _same(context: Pairs, pairs: Pairs) -> bool:
    return sorted(_folded(context)) == sorted(_folded(pairs))


def _includes(context: Pairs, pairs: Pairs) -> bool:
    """A name that is there again in another case must not have a value that no pair allows."""
    names = {name.lower() for name in pairs}
    return {pair for pair in _folded(context) if pair[0] in names} == set(_folded(pairs))


def _folded(pairs: Pairs) -> list[tuple[str, str]]:
    """Grants compare names in any case and values exactly, as nothing else in KMS does."""
    return [(name.lower(), value) for name, value in pairs.items()]


MEETS: dict[str, Callable[[Pairs, Pairs], bool]] = {EQUALS: _same, SUBSET: _includes}


def _stricter(parent: Grant, asked: Mapping[str, Pairs]) -> bool:
    """True if every context that satisfies the new grant's constraints satisfies the parent's.

    A constraint without a pair counts as none, as everywhere.
    """
    if not parent.constraints:
        return True
    equals, subset = asked.get(EQUALS), asked.get(SUBSET)
    if equals:
        return all(MEETS[kind](equals, pairs) for kind, pairs in parent.constraints.items())
    if not subset or EQUALS in parent.constraints:
        return False
    return _includes(subset, parent.constraints[SUBSET])
