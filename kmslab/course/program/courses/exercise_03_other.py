"""03-other: find another context that a KMS without frames takes for the same."""

from collections.abc import Mapping


def other_context(context: Mapping[str, str]) -> dict[str, str]:
    pasted = "".join(name + context[name] for name in sorted(context))
    others = ({pasted[:cut]: pasted[cut:]} for cut in range(1, len(pasted)))
    return next(other for other in others if other != context)
